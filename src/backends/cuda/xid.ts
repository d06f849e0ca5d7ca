/** XIDs: the numbers by which NVIDIA's driver tells of errors. Source: "XID Errors" in NVIDIA's deployment documentation. */

/**
 * Those after which the device cannot be relied on: 48 double-bit memory error, 62 and 120 its controllers halted, 64
 * a row could not be remapped, 74 NVLink, 79 it fell off the bus, 95 uncontained memory error, 119 its firmware does not
 * answer. Others are the program's own (13, 31, 43), warnings (94), or for information (63, 92).
 */
export const criticalXids = [48, 62, 64, 74, 79, 95, 119, 120] as const;

export const isCriticalXid = (code: number) => criticalXids.some((critical) => critical === code);

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
