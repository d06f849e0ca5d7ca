/**
 * The classic buckets of a histogram, which every format has: of an explicit one its own, of an exponential one octaves.
 *
 * At scale 0 and above the bounds of a bucket include every power of two, so the histogram is summed up to octaves
 * without any estimate. Below scale 0 the buckets are wider than an octave and stand as they are. Octave bounds do
 * not move when the SDK lowers the scale of a stream, so a series keeps its `le` values for life.
 *
 * Source: OpenTelemetry metrics data model, "ExponentialHistogram".
 */
import type { ExponentialHistogram, Histogram } from '@opentelemetry/sdk-metrics';
import { checkCount, checkCounts } from './counts.ts';

/** Upper bounds in ascending order, and the count of each bucket; the last count is of what is above all bounds. */
export interface ClassicBuckets {
  readonly boundaries: readonly number[];
  readonly counts: readonly number[];
}

/** The buckets of a histogram of either kind. Throws a TypeError where it counts anything but whole numbers from 0 on. */
export function classicBuckets(histogram: Histogram | ExponentialHistogram): ClassicBuckets {
  checkCount(histogram.count);
  if ('buckets' in histogram) checkCounts(histogram.buckets.counts);
  else checkExponential(histogram);
  return 'buckets' in histogram ? histogram.buckets : octaveBuckets(histogram);
}

/** Throws a TypeError where an exponential histogram counts anything but whole numbers from 0 on. */
export function checkExponential({ count, zeroCount, positive, negative }: ExponentialHistogram): void {
  checkCount(count);
  checkCount(zeroCount);
  checkCounts(positive.bucketCounts);
  checkCounts(negative.bucketCounts);
}

/** In which bucket a value is: the first whose bound it does not exceed. */
export function bucketOf(value: number, boundaries: readonly number[]): number {
  let [from, to] = [0, boundaries.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (value <= (boundaries[middle] as number)) to = middle;
    else from = middle + 1;
  }
  return from;
}

/**
 * Bounds are upper-inclusive, as `le` is. The mirrored buckets of negative values are lower-inclusive: there, a value
 * that is exactly a power of two is counted one bucket lower than `le` says.
 */
export function octaveBuckets(histogram: ExponentialHistogram): ClassicBuckets {
  const shift = Math.max(0, histogram.scale);
  const octavesPerBucket = 2 ** Math.max(0, -histogram.scale);
  const boundaries: number[] = [];
  const counts: number[] = [];

  const negative = sumUp(histogram.negative, shift);
  for (let i = negative.counts.length - 1; i >= 0; i--) {
    boundaries.push(-(2 ** ((negative.offset + i) * octavesPerBucket)));
    counts.push(negative.counts[i] ?? 0);
  }
  if (histogram.zeroCount > 0 || negative.counts.length > 0) {
    boundaries.push(0);
    counts.push(histogram.zeroCount);
  }
  let beyond = 0;
  const positive = sumUp(histogram.positive, shift);
  for (const [i, count] of positive.counts.entries()) {
    const bound = 2 ** ((positive.offset + i + 1) * octavesPerBucket);
    if (bound === Number.POSITIVE_INFINITY) beyond += count;
    else {
      boundaries.push(bound);
      counts.push(count);
    }
  }
  counts.push(beyond);
  return { boundaries, counts };
}

/** Adds up the buckets whose indices agree without their lowest `shift` bits: those lie in one octave. */
function sumUp(buckets: ExponentialHistogram['positive'], shift: number): { offset: number; counts: number[] } {
  const offset = buckets.offset >> shift;
  const counts: number[] = [];
  for (const [i, count] of buckets.bucketCounts.entries()) {
    const octave = ((buckets.offset + i) >> shift) - offset;
    while (counts.length <= octave) counts.push(0);
    counts[octave] = (counts[octave] ?? 0) + count;
  }
  return { offset, counts };
}
