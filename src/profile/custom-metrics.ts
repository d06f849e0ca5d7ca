/** The values that a program reports about a device in its own names: the last of each, within a bound. */

import type { ProfilingMetric } from '../profiling-metrics.ts';
import type { SeriesAttributes } from './failure-counts.ts';
import { boundedText } from './kernel-names.ts';

/** How many names are taken; reports under further ones are dropped and counted. */
const maxCustomMetrics = 32;

/** One value reported by the program. */
export interface CustomSeries {
  readonly attributes: SeriesAttributes;
  readonly metric: ProfilingMetric;
}

export class CustomMetrics {
  /** Reports without a place among the names. */
  dropped = 0;
  /** Reports whose value was infinite or not a number, or that had no name. */
  rejected = 0;
  readonly #device: SeriesAttributes;
  readonly #byName = new Map<string, { readonly attributes: SeriesAttributes; metric: ProfilingMetric }>();

  constructor(device: SeriesAttributes) {
    this.#device = device;
  }

  report(metric: ProfilingMetric): void {
    if (!Number.isFinite(metric.value) || typeof metric.name !== 'string' || metric.name === '') {
      this.rejected += 1;
      return;
    }
    const name = boundedText(metric.name, 64);
    const unit = metric.unit === undefined ? undefined : boundedText(metric.unit, 16);
    const known = this.#byName.get(name);
    if (known === undefined && this.#byName.size >= maxCustomMetrics) {
      this.dropped += 1;
      return;
    }
    const kept = Object.freeze({ ...metric, name, unit });
    if (known !== undefined && known.metric.unit === unit) known.metric = kept;
    else this.#byName.set(name, { attributes: this.#attributes(name, unit), metric: kept });
  }

  /** How many names there are. */
  get size(): number {
    return this.#byName.size;
  }

  /** The values, in the order in which their names were first reported. */
  *values(): Iterable<ProfilingMetric> {
    for (const { metric } of this.#byName.values()) yield metric;
  }

  /** The same as series, with their attributes. */
  series(): Iterable<CustomSeries> {
    return this.#byName.values();
  }

  #attributes(name: string, unit: string | undefined): SeriesAttributes {
    const named = { ...this.#device, 'accelmeter.metric.name': name };
    return Object.freeze(unit === undefined ? named : { ...named, 'accelmeter.metric.unit': unit });
  }
}
