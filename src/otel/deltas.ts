/**
 * What changed from one collection of a reader to the next. What is kept is bounded by the series there are: a series
 * that a collection does not have, because its device left, is forgotten by it.
 */
import type { MetricName } from '../catalogue.ts';
import type { Distribution } from '../distribution/distribution.ts';
import { Increments } from '../distribution/increments.ts';
import type { CollectedPoint } from '../points.ts';
import type { HistogramSource } from './histograms.ts';

/** A difference, and since when it counts: the collection before, or the beginning of the series. Epoch seconds. */
export interface Delta<T> {
  readonly start: number;
  readonly value: T;
}

interface Seen {
  readonly end: number;
  readonly value: number;
}

/** The attributes of a device's series are one frozen object as long as it lives; those of others are compared. */
type SeriesKey = object | string;

export class Deltas {
  readonly #increments = new Increments();
  #before = new Map<MetricName, Map<SeriesKey, Seen>>();
  #now = new Map<MetricName, Map<SeriesKey, Seen>>();

  /** Before the first point of a collection. */
  begin(): void {
    this.#before = this.#now;
    this.#now = new Map();
  }

  /** By how much a counter rose until `end`. One that fell has begun anew. `start`: when the series began. */
  ofCounter(point: CollectedPoint & { readonly value: number }, start: number, end: number): Delta<number> {
    const before = this.#replace(point, { end, value: point.value });
    if (before === undefined) return { start, value: point.value };
    return { start: before.end, value: point.value < before.value ? point.value : point.value - before.value };
  }

  /** What a distribution got until `end`; `undefined` where that is nothing. */
  ofDistribution(
    point: CollectedPoint & { readonly distribution: Distribution },
    start: number,
    end: number,
  ): Delta<HistogramSource> | undefined {
    const before = this.#replace(point, { end, value: 0 });
    const increment = this.#increments.take(point.distribution);
    return increment && { start: before?.end ?? start, value: increment };
  }

  #replace({ name, attributes }: CollectedPoint, seen: Seen): Seen | undefined {
    const key = Object.isFrozen(attributes) ? attributes : JSON.stringify(Object.entries(attributes).sort());
    let series = this.#now.get(name);
    if (series === undefined) {
      series = new Map();
      this.#now.set(name, series);
    }
    series.set(key, seen);
    return this.#before.get(name)?.get(key);
  }
}
