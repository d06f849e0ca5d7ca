/** Durations as rules see them, from exact moments and from counts by bucket. */
import { deviationOf, type Moments } from '../distribution/moments.ts';
import { type Buckets, quantileErrorOf, quantileOf } from './recent-buckets.ts';
import type { Durations } from './window.ts';

export function durationsOf(moments: Moments, failures: number, buckets: Buckets): Durations {
  const { count, sum } = moments;
  return {
    count,
    failures,
    sum,
    mean: count > 0 ? sum / count : undefined,
    deviation: deviationOf(moments),
    quantile: (q) => quantileOf(buckets, q),
    quantileError: quantileErrorOf(buckets),
    get buckets() {
      return Array.from(buckets.keys, (key, i) => ({ key, count: buckets.counts[i] as number }));
    },
  };
}
