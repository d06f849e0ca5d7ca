/** What a receiver answers to a request that it took: for metrics and for logs the same message under two names. */
import { readFields } from './protobuf.ts';

/** What the receiver refused of a request that it took, and why: of metrics points, of logs records. */
export interface PartialSuccess {
  readonly rejected: number;
  readonly message: string;
}

/** `undefined` where everything was taken, or where the answer is not readable. */
export function decodeResponse(body: Buffer): PartialSuccess | undefined {
  try {
    let rejected = 0;
    let message = '';
    for (const [field, value] of readFields(body)) {
      if (field !== 1 || typeof value === 'number') continue;
      for (const [inner, content] of readFields(value)) {
        if (inner === 1 && typeof content === 'number') rejected = content;
        if (inner === 2 && typeof content !== 'number') message = content.toString();
      }
    }
    return rejected > 0 || message !== '' ? { rejected, message } : undefined;
  } catch {
    return undefined;
  }
}
