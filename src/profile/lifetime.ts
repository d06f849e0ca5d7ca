/**
 * The window of a whole run: everything a device did since it is known. For the report of a program that has ended; what
 * goes on is judged by its last intervals.
 */
import type { Distribution } from '../distribution/distribution.ts';
import type { DeviceProfile } from './device-profile.ts';
import type { Durations, KernelWindow, Window } from './window.ts';

/** A kernel that takes less of the kernels' time than this is not told apart. */
const leastShare = 0.05;

export function lifetimeWindow(profile: DeviceProfile, now: number): Window {
  const seconds = Math.max(0, now - profile.since);
  const kernels = [...profile.kernels()];
  const { count, sum, failures } = profile.totals();
  const heaviest = kernels
    .filter(({ distribution }) => distribution.count > 0 && distribution.sum >= leastShare * sum)
    .sort((a, b) => b.distribution.sum - a.distribution.sum);
  const transfers = profile.transfers;
  const total = (of: (transfer: (typeof transfers)[number]) => number) =>
    transfers.reduce((all, transfer) => all + of(transfer), 0);
  return {
    device: profile.identity,
    seconds,
    intervals: 1,
    age: seconds,
    kernels: { ...lasting(profile.queueWait, 0), count, failures, sum, mean: count > 0 ? sum / count : undefined },
    byKernel: heaviest.map(
      ({ name, distribution, failureCount }): KernelWindow => ({
        ...lasting(distribution, failureCount),
        name,
        halves: () => undefined,
      }),
    ),
    busySeconds: profile.busySeconds,
    inFlightSeconds: profile.busySeconds,
    utilization: profile.utilization,
    transfers: {
      count: total(({ distribution }) => distribution.count),
      bytes: total(({ bytes }) => bytes),
      seconds: total(({ busySeconds }) => busySeconds),
      exposedSeconds: total(({ busySeconds }) => busySeconds),
      large: { count: 0, bytes: 0, seconds: 0 },
    },
    waits: lasting(profile.queueWait, 0),
    compilation: { count: profile.compilation.count, seconds: profile.compilation.sum },
    memory: {
      usage: profile.memory.usage,
      limit: undefined,
      growth: profile.memory.usage,
      failedAllocations: profile.allocationFailures.total,
    },
    overObjective: [],
    process: {},
    hardware: {},
    unseen: [],
  };
}

function lasting(distribution: Distribution, failures: number): Durations {
  const { count, sum } = distribution;
  return {
    count,
    failures,
    sum,
    mean: count > 0 ? sum / count : undefined,
    deviation: distribution.window()?.stddev,
    quantile: (q) => distribution.quantile(q),
    quantileError: 0.011,
    buckets: [],
  };
}
