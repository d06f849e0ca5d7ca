/**
 * The window of a whole run: everything a device did since it is known. For the report of a program that has ended; what
 * goes on is judged by its last intervals.
 */
import type { ProcessPoint } from '../catalogue.ts';
import type { Distribution } from '../distribution/distribution.ts';
import { joinMoments, noMoments } from '../distribution/moments.ts';
import { countersOf } from './counters.ts';
import type { DeviceProfile } from './device-profile.ts';
import { deviceWindow } from './device-window.ts';
import { durationsOf } from './durations.ts';
import { CounterHistory } from './hardware-values.ts';
import { otherName } from './kernel-names.ts';
import { overObjectiveEver } from './objective-history.ts';
import { allBuckets } from './recent-buckets.ts';
import type { Durations, Window } from './window.ts';
import { polledValues } from './window-values.ts';

/** A kernel that takes less of the kernels' time than this is not told apart. */
const leastShare = 0.05;

export function lifetimeWindow(profile: DeviceProfile, now: number, process: readonly ProcessPoint[] = []): Window {
  const seconds = Math.max(0, now - profile.since);
  const counters = countersOf(profile);
  const kernels = [...profile.kernels()];
  const together = lasting(
    kernels.map(({ distribution }) => distribution),
    counters.failures,
  );
  const heaviest = kernels
    .filter(({ name }) => name !== otherName)
    .filter(({ distribution: { count, sum }, failureCount }) =>
      sum > 0 ? sum >= leastShare * together.sum : count === 0 && failureCount > 0,
    )
    .sort((a, b) => b.distribution.sum - a.distribution.sum);
  return deviceWindow(profile, {
    seconds,
    intervals: 1,
    age: seconds,
    kernels: together,
    byKernel: heaviest.map(({ name, distribution, failureCount }) => ({
      ...lasting([distribution], failureCount),
      name,
      halves: () => undefined,
      means: () => new Float64Array(),
    })),
    waits: lasting([profile.queueWait], 0),
    overObjective: overObjectiveEver(kernels),
    unseen: [],
    counters,
    polled: polledValues(profile.readings, process, {
      increases: new CounterHistory().take(profile.readings),
      seconds,
    }),
    heldBefore: 0,
    utilization: profile.utilization,
  });
}

function lasting(distributions: readonly Distribution[], failures: number): Durations {
  const moments = distributions.reduce((all, distribution) => joinMoments(all, distribution.moments), noMoments);
  const buckets = allBuckets(distributions.map(({ sketch }) => sketch));
  return durationsOf(moments, failures, () => buckets);
}
