/**
 * The kernels of one device whose last intervals are kept, because they carry the time. The others only count in the
 * device's sums: a history of each would be most of the memory, and a kernel of a hundredth of the time is nobody's
 * bottleneck.
 */
import { joinMoments, type Moments, noMoments } from '../distribution/moments.ts';
import { durationsOf } from './durations.ts';
import { otherName } from './kernel-names.ts';
import type { Kernel } from './kernel-table.ts';
import { historyLength, RecentBuckets } from './recent-buckets.ts';
import type { Durations, Half, Halves, KernelWindow } from './window.ts';

/** How many are followed at once. */
const places = 16;
/**
 * So many times as much as one that is followed has a new one to weigh: kernels of about the same weight do not push
 * each other out, which would leave none of them with a history.
 */
const pushingOut = 1.5;
/** What carries the time: such a share of that of all kernels. */
const leastShare = 0.02;

/** What is known of the device itself in some intervals. */
type StretchOf = (first: number, last: number) => Pick<Halves, 'seconds' | 'compilations' | 'compilingSeconds'>;

export class FollowedKernels {
  #followed: FollowedKernel[] = [];

  /** Takes interval `number`, which all kernels have closed. `seconds`: the time of all of them in it. */
  close(number: number, kernels: readonly Kernel[], seconds: number): void {
    for (const followed of this.#followed) followed.close(number);
    const followed = new Set(this.#followed.map(({ kernel }) => kernel));
    const heaviestFirst = kernels
      // "other" is a mixture: its times say nothing of any kernel.
      .filter((kernel) => hasRun(kernel) && kernel.name !== otherName && !followed.has(kernel))
      .sort((a, b) => b.weight - a.weight);
    for (const kernel of heaviestFirst) {
      // While there is room, also those that weigh little: they may weigh more later, and are known from their first run.
      const room = this.#followed.length < places;
      if (!room && kernel.distribution.interval.sum < leastShare * seconds) continue;
      if (!room && !this.#makeRoom(kernel.weight)) return;
      this.#followed.push(new FollowedKernel(kernel, number));
    }
  }

  /** Measuring paused: what was before is not of the present any more. The kernels stay. */
  forget(): void {
    for (const followed of this.#followed) followed.forget();
  }

  /** What they did until now belongs to no interval. */
  skip(): void {
    for (const followed of this.#followed) followed.skip();
  }

  /**
   * Those that carry the time in the intervals from `first` to `last`, the heaviest first, and last those that only
   * failed. `seconds`: that of all.
   */
  windows(first: number, last: number, seconds: number, stretch: StretchOf): KernelWindow[] {
    return this.#followed
      .map((followed) => followed.window(first, last, stretch))
      .filter(({ count, sum, failures }) => (sum > 0 ? sum >= leastShare * seconds : count === 0 && failures > 0))
      .sort((a, b) => b.sum - a.sum);
  }

  /** Takes the place of the one that weighs least; false where `weight` is not so much more. */
  #makeRoom(weight: number): boolean {
    const weights = this.#followed.map(({ kernel }) => kernel.weight);
    const least = Math.min(...weights);
    if (weight <= pushingOut * least) return false;
    this.#followed.splice(weights.indexOf(least), 1);
    return true;
  }
}

function hasRun({ distribution, intervalFailures }: Kernel): boolean {
  return distribution.interval.count + intervalFailures > 0;
}

class FollowedKernel {
  readonly kernel: Kernel;
  readonly #buckets = new RecentBuckets();
  /** Four numbers an interval: the moments, and failures. */
  readonly #numbers = new Float64Array(historyLength * 4);
  /** The intervals without a gap until now: the first, and the newest. */
  #since = Number.POSITIVE_INFINITY;
  #newest = 0;

  constructor(kernel: Kernel, number: number) {
    this.kernel = kernel;
    this.close(number);
  }

  close(number: number): void {
    const { distribution, intervalFailures } = this.kernel;
    const { interval, sketch } = distribution;
    const whole = this.#buckets.take(number, interval.count, [sketch]);
    this.#since = whole ? Math.min(this.#since, number) : number + 1;
    this.#newest = number;
    const { count, sum, squares } = interval;
    this.#numbers.set([count, sum, squares, intervalFailures], (number % historyLength) * 4);
  }

  forget(): void {
    this.#since = Number.POSITIVE_INFINITY;
  }

  skip(): void {
    this.#buckets.skip([this.kernel.distribution.sketch]);
  }

  window(first: number, last: number, stretch: StretchOf): KernelWindow {
    const halves = (newer: number, older = newer): Halves | undefined => {
      const middle = last - newer + 1;
      const begin = middle - older;
      if (!(newer >= 1 && older >= 1) || begin < this.#earliest(last) || last !== this.#newest) return undefined;
      const joined = this.#buckets.joinedIn(begin, last);
      const half = (from: number, to: number) =>
        Object.assign(this.#half(from, to, joined), { seconds: stretch(from, to).seconds });
      return { older: half(begin, middle - 1), newer: half(middle, last), ...stretch(begin, last) };
    };
    const means = () => {
      if (last !== this.#newest) return new Float64Array();
      const from = this.#earliest(last);
      return Float64Array.from({ length: Math.max(0, last - from + 1) }, (_, i) => this.#meanOf(from + i));
    };
    // Not spread, which would count the buckets that few ask for.
    return Object.assign(this.#durations(Math.max(first, this.#earliest(last)), last), {
      name: this.kernel.name,
      halves,
      means,
    });
  }

  #half(first: number, last: number, joined: number): Omit<Half, 'seconds'> {
    const means: number[] = [];
    for (let number = first; number <= last; number++) {
      const mean = this.#meanOf(number);
      if (!Number.isNaN(mean)) means.push(mean);
    }
    return Object.assign(this.#durations(first, last, joined), { means });
  }

  #earliest(last: number): number {
    return Math.max(this.#since, last - historyLength + 1);
  }

  #durations(first: number, last: number, joined?: number): Durations {
    let failures = 0;
    for (let number = first; number <= last; number++) failures += this.#numberOf(number, 3);
    return durationsOf(this.#momentsOf(first, last), failures, () => this.#buckets.sum(first, last, joined));
  }

  #momentsOf(first: number, last: number): Moments {
    let moments = noMoments;
    for (let number = first; number <= last; number++) {
      const count = this.#numberOf(number, 0);
      moments = joinMoments(moments, { count, sum: this.#numberOf(number, 1), squares: this.#numberOf(number, 2) });
    }
    return moments;
  }

  /** `NaN` where nothing succeeded. */
  #meanOf(number: number): number {
    return this.#numberOf(number, 1) / this.#numberOf(number, 0);
  }

  #numberOf(number: number, which: 0 | 1 | 2 | 3): number {
    return this.#numbers[(number % historyLength) * 4 + which] as number;
  }
}
