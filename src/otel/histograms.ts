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

/**
 * What a histogram of ours was made from, for formats that have more than OpenTelemetry's: finer buckets beside the
 * explicit ones, and exemplars. `undefined` for histograms of others.
 */
export function originOf(histogram: Histogram | ExponentialHistogram): HistogramOrigin | undefined {
  return Totals.originOf(histogram);
}

export function explicitHistogram(source: HistogramSource, scale: ClassicScale): Histogram {
  return new ExplicitHistogram(source, scale);
}

export function exponentialHistogram(source: HistogramSource): ExponentialHistogram {
  return new SketchHistogram(source);
}

/**
 * What both have. The origin is a private field: readers see a plain histogram whose values do not change, and to
 * remember it costs nothing, where a WeakMap cost more than all the rest of a collection.
 */
class Totals {
  readonly count: number;
  readonly sum: number;
  declare readonly min?: number;
  declare readonly max?: number;
  readonly #origin: HistogramOrigin;

  constructor(source: HistogramSource, classicScale: ClassicScale | undefined) {
    const { count, sum, min, max } = source;
    this.count = count;
    this.sum = sum;
    if (min !== undefined) this.min = min;
    if (max !== undefined) this.max = max;
    this.#origin = { source, classicScale };
  }

  static originOf(histogram: object): HistogramOrigin | undefined {
    return #origin in histogram ? histogram.#origin : undefined;
  }
}

class ExplicitHistogram extends Totals implements Histogram {
  readonly buckets: Histogram['buckets'];

  constructor(source: HistogramSource, scale: ClassicScale) {
    super(source, scale);
    this.buckets = { boundaries: classicBoundaries(scale) as number[], counts: source.sketch.classic(scale) };
  }
}

class SketchHistogram extends Totals implements ExponentialHistogram {
  readonly scale: number;
  readonly zeroCount: number;
  readonly positive: ExponentialHistogram['positive'];
  readonly negative: ExponentialHistogram['negative'] = { offset: 0, bucketCounts: [] };

  constructor(source: HistogramSource) {
    super(source, undefined);
    const { scale, offset, counts, zeroCount } = source.sketch.exponential();
    this.scale = scale;
    this.zeroCount = zeroCount;
    this.positive = { offset, bucketCounts: counts };
  }
}
