/**
 * Hands what distributions took in to histograms that accept one value at a time.
 *
 * The values are made from the sketch and not kept one by one, so that recording costs nothing more and no buffer can
 * overflow. They are as many as were recorded, each in its bucket of the sketch (within 2.2 % of what was recorded),
 * with the same sum, minimum and maximum: a histogram with our boundaries cannot tell them apart.
 */
import type { Attributes, Histogram } from '@opentelemetry/api';
import type { Distribution } from '../distribution/distribution.ts';
import { type Increment, Increments } from '../distribution/increments.ts';
import { bucketIndex, bucketRange } from '../distribution/sketch.ts';

/** How often the clock is read. */
const recordsBetweenLooks = 256;

/** What is still to be recorded for one series. */
interface Plan {
  readonly histogram: Pick<Histogram, 'record'>;
  readonly attributes: Attributes;
  readonly values: readonly RepeatedValue[];
  /** Which of them is next, and how often it was recorded already. */
  at: number;
  done: number;
  left: number;
}

/** A value, so many times. */
export interface RepeatedValue {
  readonly value: number;
  readonly times: number;
}

export class Replay {
  readonly #increments = new Increments();
  /** One for each series that is behind, the longest waiting first. Bounded by the series there are. */
  readonly #plans = new Map<Distribution, Plan>();
  readonly #now: () => number;

  /** `now`: in seconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Puts up what a distribution has got; where an earlier part of it is still waiting, the rest waits in it. */
  add(distribution: Distribution, histogram: Pick<Histogram, 'record'>, attributes: Attributes): void {
    if (this.#plans.has(distribution)) return;
    const increment = this.#increments.take(distribution);
    if (increment === undefined) return;
    const values = representatives(increment, distribution);
    this.#plans.set(distribution, { histogram, attributes, values, at: 0, done: 0, left: increment.count });
  }

  /** Records for about `seconds`; true where something is left. */
  work(seconds: number): boolean {
    const until = this.#now() + seconds;
    for (const [distribution, plan] of this.#plans) {
      while (plan.left > 0) {
        step(plan);
        if (this.#now() >= until && plan.left > 0) return true;
      }
      this.#plans.delete(distribution);
      if (this.#now() >= until) return this.#plans.size > 0;
    }
    return false;
  }

  /** How many records of a distribution have not been handed on. */
  pending(distribution: Distribution): number {
    const left = this.#plans.get(distribution)?.left ?? 0;
    return distribution.count - this.#increments.taken(distribution) + left;
  }
}

function step(plan: Plan): void {
  const { histogram, attributes } = plan;
  const { value, times } = plan.values[plan.at] as RepeatedValue;
  const now = Math.min(times - plan.done, recordsBetweenLooks);
  for (let i = 0; i < now; i++) histogram.record(value, attributes);
  plan.left -= now;
  plan.done += now;
  if (plan.done < times) return;
  plan.at += 1;
  plan.done = 0;
}

/**
 * Values that fill the same buckets as an increment of `distribution` and have its sum. In each bucket they lie at
 * the same share of its width, the one that gives the sum; a new minimum or maximum is told exactly.
 */
export function representatives(
  increment: Increment,
  { min = 0, max = Number.POSITIVE_INFINITY }: Pick<Distribution, 'min' | 'max'>,
): RepeatedValue[] {
  const buckets = new Map<number, number>();
  increment.sketch.forEach((index, count) => {
    buckets.set(index, count);
  });
  const values: RepeatedValue[] = [];
  if (increment.sketch.zeroCount > 0) values.push({ value: 0, times: increment.sketch.zeroCount });

  let sum = increment.sum;
  for (const value of new Set([increment.newMin, increment.newMax])) {
    const count = value === undefined || value === 0 ? 0 : (buckets.get(bucketIndex(value)) ?? 0);
    if (value === undefined || count === 0) continue;
    buckets.set(bucketIndex(value), count - 1);
    values.push({ value, times: 1 });
    sum -= value;
  }

  let leastSum = 0;
  let width = 0;
  const ranges = Array.from(buckets, ([index, times]) => {
    const { from, to } = bucketRange(index);
    const range = { foot: from, from: Math.max(from, min), to: Math.min(to, max), times };
    leastSum += times * range.from;
    width += times * (range.to - range.from);
    return range;
  });
  const share = width > 0 ? Math.min(Math.max((sum - leastSum) / width, 1e-9), 1) : 1;
  for (const { foot, from, to, times } of ranges) {
    const value = from + share * (to - from);
    // The very foot of a bucket belongs to the one below; in a narrow range a small share is rounded down to it.
    if (times > 0) values.push({ value: value > foot ? value : to, times });
  }
  return values;
}
