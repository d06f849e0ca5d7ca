/** The last intervals of one device, from which the analyzer's windows are made. Of a fixed size. */
import type { ProcessPoint } from '../catalogue.ts';
import { joinMoments, type Moments, noMoments } from '../distribution/moments.ts';
import { sumOfCounters } from './counters.ts';
import type { DeviceProfile } from './device-profile.ts';
import { deviceWindow } from './device-window.ts';
import { durationsOf } from './durations.ts';
import { FollowedKernels } from './followed-kernels.ts';
import { CounterHistory } from './hardware-values.ts';
import type { Interval } from './intervals.ts';
import { ObjectiveHistory } from './objective-history.ts';
import { historyLength, RecentBuckets } from './recent-buckets.ts';
import type { Halves, Window } from './window.ts';
import { type PolledValues, polledOver, polledValues } from './window-values.ts';

/** One interval as it is kept. */
interface Kept extends Interval {
  readonly closedAt: number;
  /** Of all kernels together, and of what they waited. */
  readonly kernels: Moments;
  readonly waits: Moments;
  readonly utilization: number | undefined;
  /** What this process held of the device's memory at its beginning. */
  readonly heldBefore: number;
  readonly polled: PolledValues;
  readonly unseen: readonly string[];
}

export class DeviceHistory {
  readonly #profile: DeviceProfile;
  readonly #byKernel = new FollowedKernels();
  readonly #objectives = new ObjectiveHistory();
  readonly #kernels = new RecentBuckets();
  readonly #waits = new RecentBuckets();
  readonly #counters = new CounterHistory();
  /** Without a gap, the oldest first. */
  #intervals: Kept[] = [];
  #taken = 0;
  #measuredSince: number;
  /** What this process held of the device's memory when the last interval ended. */
  #held: number;

  constructor(profile: DeviceProfile) {
    this.#profile = profile;
    this.#measuredSince = profile.measuredSince;
    this.#held = profile.memory.usage ?? 0;
  }

  /**
   * Takes the interval that the profile has closed last; false where it has closed none since the last call. `process`:
   * values of the process, `unseen`: names of the sources that are down.
   */
  close(now: number, process: readonly ProcessPoint[] = [], unseen: readonly string[] = []): boolean {
    const { interval, measuredSince, queueWait, memory } = this.#profile;
    if (interval === undefined || interval.number === this.#taken) return false;
    if (measuredSince !== this.#measuredSince || interval.number !== this.#taken + 1) this.#forget();
    this.#measuredSince = measuredSince;
    this.#taken = interval.number;
    const kernels = [...this.#profile.kernels()];
    const together = kernels.reduce((all, { distribution }) => joinMoments(all, distribution.interval), noMoments);
    const sketches = kernels.map(({ distribution }) => distribution.sketch);
    this.#kernels.take(interval.number, together.count, sketches);
    this.#waits.take(interval.number, queueWait.interval.count, [queueWait.sketch]);
    this.#byKernel.close(interval.number, kernels, together.sum);
    this.#objectives.close(interval.number, kernels);
    this.#intervals.push({
      ...interval,
      closedAt: now,
      kernels: together,
      waits: queueWait.interval,
      utilization: this.#profile.utilization,
      heldBefore: this.#held,
      polled: polledValues(this.#profile.readings, process, {
        increases: this.#counters.take(this.#profile.readings),
        seconds: interval.seconds,
      }),
      unseen,
    });
    if (this.#intervals.length > historyLength) this.#intervals.shift();
    this.#held = memory.usage ?? 0;
    return true;
  }

  /** Forgets the intervals: measuring paused, and what was before, and until now, is not of the present. */
  reset(): void {
    this.#forget();
    this.#kernels.skip(Array.from(this.#profile.kernels(), ({ distribution }) => distribution.sketch));
    this.#waits.skip([this.#profile.queueWait.sketch]);
    this.#byKernel.skip();
    this.#counters.skip();
  }

  /**
   * The last `intervals` as one window, or as many as there are, at most 24; `undefined` before the first. To be read
   * before the next interval is closed.
   */
  window(intervals = 12): Window | undefined {
    const kept = this.#intervals.slice(-Math.min(Math.max(1, Math.trunc(intervals)), historyLength));
    const [first, ...rest] = kept;
    const last = kept.at(-1);
    if (first === undefined || last === undefined) return undefined;
    const counters = sumOfCounters([first.counters, ...rest.map((each) => each.counters)]);
    const kernels = kept.map((each) => each.kernels).reduce(joinMoments, noMoments);
    const waits = kept.map((each) => each.waits).reduce(joinMoments, noMoments);
    const [from, to] = [first.number, last.number];
    return deviceWindow(this.#profile, {
      seconds: kept.reduce((seconds, each) => seconds + each.seconds, 0),
      intervals: kept.length,
      age: Math.max(0, last.closedAt - this.#measuredSince),
      kernels: durationsOf(kernels, counters.failures, () => this.#kernels.sum(from, to)),
      byKernel: this.#byKernel.windows(from, to, kernels.sum, (begin, end) => this.#stretch(begin, end)),
      waits: durationsOf(waits, 0, () => this.#waits.sum(from, to)),
      overObjective: this.#objectives.over(from, to),
      unseen: [...new Set(kept.flatMap(({ unseen }) => unseen))],
      counters,
      polled: polledOver(kept.map(({ polled }) => polled)),
      heldBefore: first.heldBefore,
      utilization: averageUtilization(kept),
    });
  }

  #forget(): void {
    this.#intervals = [];
    this.#held = this.#profile.memory.usage ?? 0;
    this.#byKernel.forget();
    this.#objectives.forget();
  }

  #stretch(first: number, last: number): Pick<Halves, 'seconds' | 'compilations' | 'compilingSeconds'> {
    let seconds = 0;
    let compilations = 0;
    let compilingSeconds = 0;
    for (const { number, seconds: length, counters } of this.#intervals) {
      if (number < first || number > last) continue;
      seconds += length;
      compilations += counters.compilations;
      compilingSeconds += counters.compilationSeconds;
    }
    return { seconds, compilations, compilingSeconds };
  }
}

function averageUtilization(intervals: readonly Kept[]): number | undefined {
  let seconds = 0;
  let busy = 0;
  for (const { utilization, seconds: length } of intervals) {
    if (utilization === undefined) continue;
    seconds += length;
    busy += utilization * length;
  }
  return seconds > 0 ? busy / seconds : undefined;
}
