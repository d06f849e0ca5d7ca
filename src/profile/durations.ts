/**
 * Durations as rules see them, from exact moments and from counts by bucket. These are summed when somebody asks for a
 * quantile or a rank: most rules look at the mean first, and go no further.
 */
import { deviationOf, type Moments } from '../distribution/moments.ts';
import { type Buckets, quantileErrorOf, quantileOf } from './recent-buckets.ts';
import type { Durations } from './window.ts';

export function durationsOf(moments: Moments, failures: number, sumBuckets: () => Buckets): Durations {
  const { count, sum } = moments;
  let summed: Buckets | undefined;
  const all = () => {
    summed ??= sumBuckets();
    return summed;
  };
  return {
    count,
    failures,
    sum,
    mean: count > 0 ? sum / count : undefined,
    deviation: deviationOf(moments),
    quantile: (q) => quantileOf(all(), q),
    get quantileError() {
      return quantileErrorOf(all());
    },
    get buckets() {
      const { keys, counts } = all();
      const buckets = new Array<{ key: number; count: number }>(keys.length);
      for (let i = 0; i < keys.length; i++) buckets[i] = { key: keys[i] as number, count: counts[i] as number };
      return buckets;
    },
  };
}
