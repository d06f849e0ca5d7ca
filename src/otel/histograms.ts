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

/** Where a histogram of a collection came from. */
export interface HistogramOrigin {
  /** It has moved on since: count, sum and buckets are to be taken from it together, or all from the histogram. */
  readonly source: HistogramSource;
  /** Of explicit boundaries, how finely they are laid. */
  readonly classicScale: ClassicScale | undefined;
}

/** For as long as somebody holds the histograms. */
const origins = new WeakMap<Histogram | ExponentialHistogram, HistogramOrigin>();

/**
 * What a histogram of ours was made from, for formats that have more than OpenTelemetry's: finer buckets beside the
 * explicit ones, and exemplars. `undefined` for histograms of others.
 */
export function originOf(histogram: Histogram | ExponentialHistogram): HistogramOrigin | undefined {
  return origins.get(histogram);
}

export function explicitHistogram(source: HistogramSource, scale: ClassicScale): Histogram {
  const boundaries = classicBoundaries(scale) as number[];
  const histogram = { buckets: { boundaries, counts: source.sketch.classic(scale) }, ...totals(source) };
  origins.set(histogram, { source, classicScale: scale });
  return histogram;
}

export function exponentialHistogram(source: HistogramSource): ExponentialHistogram {
  const { scale, offset, counts, zeroCount } = source.sketch.exponential();
  const negative = { offset: 0, bucketCounts: [] };
  const histogram = { scale, zeroCount, positive: { offset, bucketCounts: counts }, negative, ...totals(source) };
  origins.set(histogram, { source, classicScale: undefined });
  return histogram;
}

function totals({ count, sum, min, max }: HistogramSource) {
  return { count, sum, ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
}
