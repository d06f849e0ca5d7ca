/** Points of one metric as the lines that a registry of prom-client writes. */
import type { Attributes } from '@opentelemetry/api';
import { DataPointType, type Histogram, type MetricData } from '@opentelemetry/sdk-metrics';
import { labelsOf } from '../prometheus/naming.ts';
import type { PromClientValue } from './registry.ts';

type Labels = Readonly<Record<string, string>>;

/** The attributes of a series are one object as long as it lives; so are its labels, which registries render once. */
const rendered = new WeakMap<Attributes, Labels>();
const none: Labels = {};

/** `name` is that of the family, without `_total` where the registry adds it. */
export function samplesOf(metric: MetricData, name: string): PromClientValue[] {
  switch (metric.dataPointType) {
    case DataPointType.GAUGE:
    case DataPointType.SUM:
      return metric.dataPoints.map(({ attributes, value }) => ({
        labels: none,
        sharedLabels: sharedLabels(attributes),
        value,
      }));
    case DataPointType.HISTOGRAM: {
      const names = { bucket: `${name}_bucket`, sum: `${name}_sum`, count: `${name}_count` };
      const samples: PromClientValue[] = [];
      for (const { attributes, value } of metric.dataPoints) {
        addHistogram(samples, names, sharedLabels(attributes), value);
      }
      return samples;
    }
    case DataPointType.EXPONENTIAL_HISTOGRAM:
      return []; // Not asked of the producer: a registry has no such thing.
  }
}

/**
 * The same for `getMetricsAsJSON`: each line with all of its labels, in an object of its own, which a registry may
 * change. What JSON has no number for is left out, else it would be summed as 0.
 */
export function jsonSamplesOf(metric: MetricData, name: string): PromClientValue[] {
  return samplesOf(metric, name)
    .filter(({ value }) => Number.isFinite(value))
    .map(({ sharedLabels: shared, labels, ...sample }) => ({ ...sample, labels: { ...shared, ...labels } }));
}

function addHistogram(
  samples: PromClientValue[],
  names: { readonly bucket: string; readonly sum: string; readonly count: string },
  shared: Labels,
  { buckets, sum, count }: Histogram,
): void {
  const bounds = boundLabels(buckets.boundaries);
  let cumulative = 0;
  for (const [i, labels] of bounds.entries()) {
    cumulative += buckets.counts[i] ?? 0;
    samples.push({ metricName: names.bucket, labels, sharedLabels: shared, value: cumulative });
  }
  if (sum !== undefined) samples.push({ metricName: names.sum, labels: none, sharedLabels: shared, value: sum });
  samples.push({ metricName: names.count, labels: none, sharedLabels: shared, value: count });
}

const knownBounds = new WeakMap<readonly number[], readonly PromClientValue['labels'][]>();

/**
 * `le` of each bucket, +Inf last. Numbers stay numbers, since a registry looks through text for what to escape, and
 * nothing is frozen: it asks each line for its entries, which takes twice as long of a frozen object.
 */
function boundLabels(boundaries: readonly number[]): readonly PromClientValue['labels'][] {
  let labels = knownBounds.get(boundaries);
  if (labels === undefined) {
    labels = [...boundaries, '+Inf'].map((le) => ({ le }));
    knownBounds.set(boundaries, labels);
  }
  return labels;
}

function sharedLabels(attributes: Attributes): Labels {
  let labels = rendered.get(attributes);
  if (labels === undefined) {
    labels = Object.freeze(Object.fromEntries(labelsOf(attributes)));
    rendered.set(attributes, labels);
  }
  return labels;
}
