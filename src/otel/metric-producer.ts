/**
 * The points as a MetricProducer, the OpenTelemetry SDK's way in for metrics that are already aggregated. Nothing is
 * hashed, and a device that left is gone at once. Cumulative points need nothing kept between collections; deltas do,
 * for each producer.
 */
import { type Attributes, type HrTime, ValueType } from '@opentelemetry/api';
import type {
  CollectionResult,
  DataPoint,
  MetricData,
  MetricDescriptor,
  MetricProducer,
} from '@opentelemetry/sdk-metrics';
import { AggregationTemporality, DataPointType } from '@opentelemetry/sdk-metrics';
import { catalogue, type Metric, type MetricName } from '../catalogue.ts';
import type { OtherProcesses } from '../cluster/merge.ts';
import type { ClassicScale } from '../distribution/sketch.ts';
import { checkKeys } from '../options.ts';
import { type CollectedPoint, collectPoints } from '../points.ts';
import type { ProfilerState } from '../profiler.ts';
import { version } from '../version.ts';
import { warn } from '../warning.ts';
import { bothLanes, isBridgeObserved } from './both-lanes.ts';
import { type Delta, Deltas } from './deltas.ts';
import { explicitHistogram, exponentialHistogram, type HistogramSource } from './histograms.ts';
import { processResource } from './resource.ts';

export interface MetricProducerOptions {
  /** Histograms with explicit boundaries at powers of two (the default), or exponential ones. */
  readonly histogram?: 'explicit' | 'exponential';
  /** Explicit boundaries an octave: 2 to the power of this. Default 0, one boundary an octave. */
  readonly classicScale?: ClassicScale;
  /**
   * Whether histograms and counters tell what there was since the beginning (`cumulative`, the default) or since the
   * collection before (`delta`); with `lowmemory` histograms do the latter and counters the former. These are the
   * preferences of OpenTelemetry's OTLP exporters. Up-down counters are always cumulative. The minimum and maximum of
   * a part are not known, and absent.
   *
   * A producer of deltas belongs to one reader: what one reader collected, the next would miss.
   */
  readonly temporality?: Temporality;
}

const histogramKinds = ['explicit', 'exponential'] as const;
export const temporalities = ['cumulative', 'delta', 'lowmemory'] as const;
export type Temporality = (typeof temporalities)[number];

const scope = { name: 'accelmeter', version };

/**
/**
 * A producer for the `metricProducers` option of a reader. `collect` never rejects: what could not be measured is
 * missing from the result and shows in `accelmeter.source.up`.
 *
 * `others`: for callers inside the package, where this process speaks for more than itself. Cumulative only.
 */
export function createMetricProducer(
  state: ProfilerState,
  options: MetricProducerOptions = {},
  others?: OtherProcesses,
): MetricProducer {
  checkKeys(options, ['histogram', 'classicScale', 'temporality']);
  const { histogram = 'explicit', classicScale = 0, temporality = 'cumulative' } = options;
  checkOneOf('histogram', histogram, histogramKinds);
  checkOneOf('temporality', temporality, temporalities);
  if (![0, 1, 2].includes(classicScale)) throw new RangeError(`classicScale must be 0, 1 or 2, not ${classicScale}`);
  const resource = processResource(process.env, state.service);
  const deltas = new Deltas();
  /** How often in a row the reader collected the bridge as well. */
  let together = 0;

  return {
    async collect(): Promise<CollectionResult> {
      together = isBridgeObserved(state) ? together + 1 : 0;
      if (together === 2) warn(bothLanes);
      if (together >= 2) return { resourceMetrics: { resource, scopeMetrics: [] }, errors: [new Error(bothLanes)] };
      await Promise.all([state.refresh(), others?.update()]);
      const metrics = state.selfTime.measure('collect', () => {
        const end = Date.now() / 1000;
        deltas.begin();
        const own = collectPoints(state);
        return Array.from(groupByName(others?.merge(own) ?? own), ([name, points]) => metricData(name, points, end));
      });
      const measured = metrics.filter(({ dataPoints }) => dataPoints.length > 0);
      return { resourceMetrics: { resource, scopeMetrics: [{ scope, metrics: measured }] }, errors: [] };
    },
  };

  function metricData(name: MetricName, points: readonly CollectedPoint[], end: number): MetricData {
    const { instrument }: Metric = catalogue[name];
    const asDelta = isDelta(instrument, temporality);
    const common = {
      descriptor: descriptors[name],
      aggregationTemporality: asDelta ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
    };
    if (instrument === 'histogram') {
      const sources = distributionsUntil(end, points, asDelta);
      return histogram === 'explicit'
        ? {
            ...common,
            dataPointType: DataPointType.HISTOGRAM,
            dataPoints: sources.map((point) => ({ ...point, value: explicitHistogram(point.value, classicScale) })),
          }
        : {
            ...common,
            dataPointType: DataPointType.EXPONENTIAL_HISTOGRAM,
            dataPoints: sources.map((point) => ({ ...point, value: exponentialHistogram(point.value) })),
          };
    }
    const dataPoints = numbersUntil(end, points, asDelta);
    if (instrument === 'gauge') return { ...common, dataPointType: DataPointType.GAUGE, dataPoints };
    return { ...common, dataPointType: DataPointType.SUM, isMonotonic: instrument === 'counter', dataPoints };
  }

  function distributionsUntil(
    end: number,
    points: readonly CollectedPoint[],
    asDelta: boolean,
  ): DataPoint<HistogramSource>[] {
    const result: DataPoint<HistogramSource>[] = [];
    for (const point of points) {
      if (!('distribution' in point)) continue;
      const whole = { start: epoch(point.since), value: point.distribution };
      const part = asDelta ? deltas.ofDistribution(point, whole.start, end) : whole;
      if (part) result.push(dataPoint(point.attributes, part, end));
    }
    return result;
  }

  function numbersUntil(end: number, points: readonly CollectedPoint[], asDelta: boolean): DataPoint<number>[] {
    const result: DataPoint<number>[] = [];
    for (const point of points) {
      if (!('value' in point)) continue;
      const whole = { start: epoch(point.since), value: point.value };
      const part = asDelta ? deltas.ofCounter(point, whole.start, end) : whole;
      result.push(dataPoint(point.attributes, part, end));
    }
    return result;
  }
}

function isDelta(instrument: Metric['instrument'], temporality: Temporality): boolean {
  if (instrument === 'histogram') return temporality !== 'cumulative';
  return instrument === 'counter' && temporality === 'delta';
}

/** The wall clock counts whole milliseconds and may be set back: nothing begins after it ended. */
function dataPoint<T>(attributes: Attributes, { start, value }: Delta<T>, end: number): DataPoint<T> {
  return { startTime: hrTime(Math.min(start, end)), endTime: hrTime(end), attributes, value };
}

/** Process seconds as seconds since 1970. */
function epoch(processSeconds: number): number {
  return performance.timeOrigin / 1000 + processSeconds;
}

function checkOneOf(option: string, value: string, choices: readonly string[]): void {
  if (choices.includes(value)) return;
  throw new TypeError(`${option} must be one of "${choices.join('", "')}", not ${String(value)}`);
}

/** One descriptor a metric, the same object at every collection. */
const descriptors = Object.fromEntries(
  Object.entries<Metric>(catalogue).map(([name, { unit, brief }]) => [
    name,
    Object.freeze({ name, unit, description: brief, valueType: ValueType.DOUBLE }),
  ]),
) as Record<MetricName, MetricDescriptor>;

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
