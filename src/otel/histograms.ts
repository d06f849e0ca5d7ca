/** A distribution, or what it got since somebody looked, as the two kinds of histogram that OpenTelemetry has. */
import type { ExponentialHistogram, Histogram } from '@opentelemetry/sdk-metrics';
import { type ClassicScale, classicBoundaries, type Sketch } from '../distribution/sketch.ts';

export interface HistogramSource {
  readonly sketch: Sketch;
  readonly count: number;
  /** In seconds. */
  readonly sum: number;
  /** Not known of a part of a distribution. */
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

export function explicitHistogram(source: HistogramSource, scale: ClassicScale): Histogram {
  const boundaries = classicBoundaries(scale) as number[];
  return { buckets: { boundaries, counts: source.sketch.classic(scale) }, ...totals(source) };
}

export function exponentialHistogram(source: HistogramSource): ExponentialHistogram {
  const { scale, offset, counts, zeroCount } = source.sketch.exponential();
  const negative = { offset: 0, bucketCounts: [] };
  return { scale, zeroCount, positive: { offset, bucketCounts: counts }, negative, ...totals(source) };
}

function totals({ count, sum, min, max }: HistogramSource) {
  return { count, sum, ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
}
