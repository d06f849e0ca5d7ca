/** XIDs that a device told of: numbers by which the driver of NVIDIA tells of errors. */
import { criticalXids } from '../../catalogue.ts';

/** Distinct codes that are told apart; the driver knows some 150. */
const mostCodes = 32;

/** What was told of one device since we began to look. */
export interface XidLog {
  add(code: number, at: number): void;
  /** Counts by code; the critical ones from the start, so that a first one is seen. */
  readonly counts: ReadonlyMap<number, number>;
  /** The last, and when in seconds since the epoch. */
  readonly last: { readonly code: number; readonly at: number } | undefined;
  readonly critical: number;
}

export function createXidLog(): XidLog {
  const counts = new Map<number, number>(criticalXids.map((code) => [code, 0]));
  let last: XidLog['last'];
  return {
    counts,
    get last() {
      return last;
    },
    get critical() {
      return criticalXids.reduce((sum, code) => sum + (counts.get(code) ?? 0), 0);
    },
    add(code, at) {
      last = { code, at };
      if (counts.has(code) || counts.size < mostCodes) counts.set(code, (counts.get(code) ?? 0) + 1);
    },
  };
}
