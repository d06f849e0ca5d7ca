/**
 * The points as a MetricProducer, the OpenTelemetry SDK's way in for metrics that are already aggregated. Nothing is
 * hashed and nothing is kept between collections, so a device that left is gone at once.
 */
import { type Attributes, type HrTime, ValueType } from '@opentelemetry/api';
import type {
  CollectionResult,
  DataPoint,
  ExponentialHistogram,
  Histogram,
  MetricData,
  MetricDescriptor,
  MetricProducer,
} from '@opentelemetry/sdk-metrics';
import { AggregationTemporality, DataPointType } from '@opentelemetry/sdk-metrics';
import { catalogue, type Metric, type MetricName } from '../catalogue.ts';
import type { Distribution } from '../distribution/distribution.ts';
import { type ClassicScale, classicBoundaries } from '../distribution/sketch.ts';
import { checkKeys } from '../options.ts';
import { type CollectedPoint, collectPoints } from '../points.ts';
import type { ProfilerState } from '../profiler.ts';
import { version } from '../version.ts';
import { processResource } from './resource.ts';

export interface MetricProducerOptions {
  /** Histograms with explicit boundaries at powers of two (the default), or exponential ones. */
  readonly histogram?: 'explicit' | 'exponential';
  /** Explicit boundaries an octave: 2 to the power of this. Default 0, one boundary an octave. */
  readonly classicScale?: ClassicScale;
}

const scope = { name: 'accelmeter', version };

/**
 * A producer for the `metricProducers` option of a reader. Its points are cumulative. `collect` never rejects: what
 * could not be measured is missing from the result and shows in `accelmeter.source.up`.
 */
export function createMetricProducer(state: ProfilerState, options: MetricProducerOptions = {}): MetricProducer {
  checkKeys(options, ['histogram', 'classicScale']);
  const { histogram = 'explicit', classicScale = 0 } = options;
  if (histogram !== 'explicit' && histogram !== 'exponential') {
    throw new TypeError(`histogram must be "explicit" or "exponential", not ${String(histogram)}`);
  }
  if (![0, 1, 2].includes(classicScale)) throw new RangeError(`classicScale must be 0, 1 or 2, not ${classicScale}`);
  const startTime = hrTime(performance.timeOrigin / 1000 + state.startedAt);
  const resource = processResource(process.env, state.service);

  return {
    async collect(): Promise<CollectionResult> {
      await state.refresh();
      const metrics = state.selfTime.measure('collect', () => {
        const endTime = hrTime(Date.now() / 1000);
        const at = <T>(attributes: Attributes, value: T): DataPoint<T> => ({ startTime, endTime, attributes, value });
        return Array.from(groupByName(collectPoints(state)), ([name, points]) => metricData(name, points, at));
      });
      return { resourceMetrics: { resource, scopeMetrics: [{ scope, metrics }] }, errors: [] };
    },
  };

  type At = <T>(attributes: Attributes, value: T) => DataPoint<T>;

  function metricData(name: MetricName, points: readonly CollectedPoint[], at: At): MetricData {
    const { instrument }: Metric = catalogue[name];
    const common = { descriptor: descriptors[name], aggregationTemporality: AggregationTemporality.CUMULATIVE };
    if (instrument === 'histogram') {
      const measured = points.filter((point) => 'distribution' in point);
      return histogram === 'explicit'
        ? {
            ...common,
            dataPointType: DataPointType.HISTOGRAM,
            dataPoints: measured.map((p) => at(p.attributes, explicit(p.distribution, classicScale))),
          }
        : {
            ...common,
            dataPointType: DataPointType.EXPONENTIAL_HISTOGRAM,
            dataPoints: measured.map((p) => at(p.attributes, exponential(p.distribution))),
          };
    }
    const dataPoints = points.filter((point) => 'value' in point).map((p) => at(p.attributes, p.value));
    if (instrument === 'gauge') return { ...common, dataPointType: DataPointType.GAUGE, dataPoints };
    return { ...common, dataPointType: DataPointType.SUM, isMonotonic: instrument === 'counter', dataPoints };
  }
}

/** One descriptor a metric, the same object at every collection. */
const descriptors = Object.fromEntries(
  Object.entries<Metric>(catalogue).map(([name, { unit, brief }]) => [
    name,
    Object.freeze({ name, unit, description: brief, valueType: ValueType.DOUBLE }),
  ]),
) as Record<MetricName, MetricDescriptor>;

function explicit(distribution: Distribution, scale: ClassicScale): Histogram {
  const boundaries = classicBoundaries(scale) as number[];
  return { buckets: { boundaries, counts: distribution.sketch.classic(scale) }, ...totals(distribution) };
}

function exponential(distribution: Distribution): ExponentialHistogram {
  const { scale, offset, counts, zeroCount } = distribution.sketch.exponential();
  const negative = { offset: 0, bucketCounts: [] };
  return { scale, zeroCount, positive: { offset, bucketCounts: counts }, negative, ...totals(distribution) };
}

function totals({ count, sum, min, max }: Distribution) {
  return { count, sum, ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
}

function groupByName(points: readonly CollectedPoint[]): Map<MetricName, CollectedPoint[]> {
  const groups = new Map<MetricName, CollectedPoint[]>();
  for (const point of points) {
    const group = groups.get(point.name);
    if (group) group.push(point);
    else groups.set(point.name, [point]);
  }
  return groups;
}

function hrTime(epochSeconds: number): HrTime {
  const whole = Math.floor(epochSeconds);
  return [whole, Math.round((epochSeconds - whole) * 1e9)];
}
