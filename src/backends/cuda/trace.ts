/** How the work of a program that knows nothing of us becomes activities: from the CUPTI tracer's ring. */
import type { ActivitySink } from '../../activity.ts';
import type { SourceState } from '../../backend.ts';
import { ProbeError } from '../../errors.ts';

/** The tracer's library, seen from JavaScript. A process has one ring, which one trace at a time reads. */
export interface Trace {
  /** The source `cupti` as it is now. Cheap: no driver call. */
  source(): SourceState;
  /** True where the program itself has loaded the CUDA driver. Cheap: asked at every sample. */
  readonly usesCuda: boolean;
  /** Commands in flight, by the UUID ("GPU-…") of each device that the program uses. */
  queueDepths(): Iterable<readonly [uuid: string, commands: number]>;
  /** Meets the devices that the program uses, and delivers the waiting records to them. */
  drain(budgetSeconds: number): boolean;
  /** Delivers also what is still in flight, waiting for it at most `seconds`. Blocks. */
  settle(seconds: number): void;
  /** What the program begins while paused is not followed. */
  pause(paused: boolean): void;
  /** Lets another trace have the records. */
  close(): void;
}

/**
 * `sinkOf` gives where the work of a device goes, by its UUID; it meets the device where it is new. Throws a ProbeError
 * where our library is not there.
 */
export function openTrace(_sinkOf: (uuid: string) => ActivitySink): Trace {
  throw new ProbeError('absent', 'the tracer is not part of this version');
}
