/**
 * What a device did, as numbers that never fall. The difference between two moments is what it did between them: of an
 * interval, of a window, of a whole run.
 */
import type { DeviceProfile } from './device-profile.ts';

export interface Counters {
  /** Kernel executions that succeeded, and those that failed. */
  readonly executions: number;
  readonly failures: number;
  /** At least one kernel ran, in seconds; so are all that follow in seconds. */
  readonly busySeconds: number;
  /** At least one kernel or copy ran. */
  readonly activeSeconds: number;
  /** At least one kernel or copy was queued or ran. */
  readonly inFlightSeconds: number;
  readonly copies: number;
  readonly copyBytes: number;
  /** At least one copy ran. */
  readonly copySeconds: number;
  /** Copies of at least 1 MiB. */
  readonly largeCopies: number;
  readonly largeBytes: number;
  /** The sum of their times. */
  readonly largeSeconds: number;
  readonly compilations: number;
  readonly compilationSeconds: number;
  readonly failedAllocations: number;
}

export function countersOf(profile: DeviceProfile): Counters {
  const { count, failures } = profile.totals();
  const { transfers, compilation, workSeconds } = profile;
  const total = (of: (transfer: (typeof transfers)[number]) => number) =>
    transfers.reduce((all, transfer) => all + of(transfer), 0);
  return {
    executions: count,
    failures,
    busySeconds: profile.busySeconds,
    activeSeconds: workSeconds.activeSeconds,
    inFlightSeconds: workSeconds.inFlightSeconds,
    copies: total(({ distribution }) => distribution.count),
    copyBytes: total(({ bytes }) => bytes),
    copySeconds: workSeconds.copySeconds,
    largeCopies: total(({ large }) => large.count),
    largeBytes: total(({ large }) => large.bytes),
    largeSeconds: total(({ large }) => large.seconds),
    compilations: compilation.count,
    compilationSeconds: compilation.sum,
    failedAllocations: profile.allocationFailures.total,
  };
}

/** What came from `before` to `now`. */
export function countersSince(before: Counters, now: Counters): Counters {
  return combine(now, before, (later, earlier) => Math.max(0, later - earlier));
}

/** All of them together. */
export function sumOfCounters(parts: readonly [Counters, ...Counters[]]): Counters {
  const [first, ...rest] = parts;
  return rest.reduce((all, part) => combine(all, part, (a, b) => a + b), first);
}

function combine(a: Counters, b: Counters, of: (a: number, b: number) => number): Counters {
  const result: Record<keyof Counters, number> = { ...a };
  for (const name of Object.keys(a) as (keyof Counters)[]) result[name] = of(a[name], b[name]);
  return result;
}
