/** A distribution, or what it got since somebody looked, as the two kinds of histogram that OpenTelemetry has. */
import type { ExponentialHistogram, Histogram } from '@opentelemetry/sdk-metrics';
import type { Exemplars } from '../distribution/exemplars.ts';
import { type ClassicScale, classicBoundaries, type Sketch } from '../distribution/sketch.ts';

export interface HistogramSource {
  readonly sketch: Sketch;
  readonly count: number;
  /** In seconds. */
  readonly sum: number;
  /** Not known of a part of a distribution. */
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  /** Of a distribution that is asked for all it holds. */
  readonly exemplars?: Exemplars;
}

/** What the histograms of collections were made from, for as long as somebody holds those. */
const sources = new WeakMap<Histogram | ExponentialHistogram, HistogramSource>();

/**
 * The distribution that a histogram of ours was made from, for formats that have more than OpenTelemetry's: finer
 * buckets beside the explicit ones, and exemplars. It has moved on since: count, sum and buckets are to be taken from it
 * together. `undefined` for histograms of others.
 */
export function sourceOf(histogram: Histogram | ExponentialHistogram): HistogramSource | undefined {
  return sources.get(histogram);
}

export function explicitHistogram(source: HistogramSource, scale: ClassicScale): Histogram {
  const boundaries = classicBoundaries(scale) as number[];
  const histogram = { buckets: { boundaries, counts: source.sketch.classic(scale) }, ...totals(source) };
  sources.set(histogram, source);
  return histogram;
}

export function exponentialHistogram(source: HistogramSource): ExponentialHistogram {
  const { scale, offset, counts, zeroCount } = source.sketch.exponential();
  const negative = { offset: 0, bucketCounts: [] };
  const histogram = { scale, zeroCount, positive: { offset, bucketCounts: counts }, negative, ...totals(source) };
  sources.set(histogram, source);
  return histogram;
}

function totals({ count, sum, min, max }: HistogramSource) {
  return { count, sum, ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
}
