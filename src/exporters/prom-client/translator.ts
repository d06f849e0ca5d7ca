/**
 * Families of prom-client as metrics of OpenTelemetry.
 *
 * Source: OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility", Prometheus metric points to OTLP.
 */
import { type HrTime, ValueType } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type MetricDescriptor,
} from '@opentelemetry/sdk-metrics';
import { histogramOf } from './buckets.ts';
import { groupSamples } from './grouping.ts';
import { SeriesMemory } from './series-memory.ts';

type Fail = (what: string, cause?: unknown) => void;

export interface Answers {
  /** What the metrics of a registry answered. */
  readonly families: readonly unknown[];
  /** Whether for pages in OpenMetrics: then families of counters may have lost their `_total`, or not yet. */
  readonly openMetrics: boolean;
  /** When, in milliseconds of the epoch. */
  readonly now: number;
}

/** `fail` is told what was no metric. */
export type Translator = (answers: Answers, fail: Fail) => MetricData[];

/** What one family is translated with. */
interface Context {
  readonly name: string;
  /** The name of its samples, if it is a counter. */
  readonly counterName: string;
  readonly endTime: HrTime;
  readonly memory: SeriesMemory;
  descriptor(name: string): MetricDescriptor;
}

/** Remembers series from one collection to the next, so one is for one reader or several, but one registry. */
export function createTranslator(): Translator {
  const memory = new SeriesMemory();
  let known = new Map<string, MetricDescriptor>();

  return ({ families, openMetrics, now }, fail) => {
    const endTime: HrTime = [Math.floor(now / 1000), (now % 1000) * 1e6];
    const descriptors = new Map<string, MetricDescriptor>();
    memory.begin(endTime);
    const translate = (family: unknown): MetricData[] => {
      const { name, help, type, values } = Object(family) as Readonly<Record<string, unknown>>;
      if (typeof name !== 'string' || !Array.isArray(values)) return []; // One that could not be read.
      const description = typeof help === 'string' ? help : '';
      const context: Context = {
        ...{ name, endTime, memory },
        counterName: openMetrics ? `${name.replace(/_total$/, '')}_total` : name,
        descriptor(of) {
          const before = known.get(of);
          const same = before?.description === description ? before : undefined;
          const descriptor = same ?? Object.freeze({ name: of, description, unit: '', valueType: ValueType.DOUBLE });
          descriptors.set(of, descriptor);
          return descriptor;
        },
      };
      const translated = translators[String(type)]?.(values, context);
      if (translated === undefined) fail(`${name} is of the type ${String(type)}, which is not known`);
      return translated ?? [];
    };
    const metrics = families.flatMap((family) => {
      try {
        return translate(family);
      } catch (error) {
        fail('a metric could not be translated', error); // What it gave has no text: a label, or its type.
        return [];
      }
    });
    known = descriptors;
    return metrics.filter(({ dataPoints }) => dataPoints.length > 0);
  };
}

/** By the type that the registry has for a family. */
const translators: Readonly<Record<string, (values: readonly unknown[], context: Context) => MetricData[]>> = {
  counter: (values, context) => [sumOf(context, context.counterName, groupSamples(values, context.name).flatMap(own))],
  gauge: (values, context) => [gaugeOf(context, groupSamples(values, context.name).flatMap(own))],
  histogram: (values, context) => [
    {
      ...common(context, context.name),
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: groupSamples(values, context.name, 'le').flatMap(({ key, labels, samples }) => {
        const value = histogramOf(samples);
        if (value === undefined) return [];
        const { attributes, startTime } = context.memory.take(`${context.name} ${key}`, labels, value.count);
        return [{ attributes, startTime, endTime: context.endTime, value } satisfies DataPoint<Histogram>];
      }),
    },
  ],
  summary: (values, context) => {
    const { name } = context;
    const groups = groupSamples(values, name, 'quantile');
    const quantiles = groups.flatMap(({ key, labels, samples }) =>
      samples
        .filter(({ part }) => part === '')
        .map(({ part, bound, value }) => ({
          ...{ key: `${key} ${bound}`, labels: { ...labels, quantile: String(bound) } },
          samples: [{ part, bound, value }],
        })),
    );
    const parts = (part: string) =>
      groups.map((group) => ({ ...group, samples: group.samples.filter((s) => s.part === part) }));
    return [
      gaugeOf(context, quantiles.flatMap(own)),
      sumOf(context, `${name}_sum`, parts('_sum').flatMap(first)),
      sumOf(context, `${name}_count`, parts('_count').flatMap(first)),
    ];
  },
};

interface NumberSeries {
  readonly key: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

type Group = ReturnType<typeof groupSamples>[number];

/** The sample under the family's own name. */
function own(group: Group): NumberSeries[] {
  return first({ ...group, samples: group.samples.filter(({ part }) => part === '') });
}

function first({ key, labels, samples: [sample] }: Group): NumberSeries[] {
  return sample === undefined ? [] : [{ key, labels, value: sample.value }];
}

function sumOf(context: Context, name: string, series: readonly NumberSeries[]): MetricData {
  const { endTime, memory } = context;
  return {
    ...common(context, name),
    dataPointType: DataPointType.SUM,
    isMonotonic: true,
    dataPoints: series
      .filter(({ value }) => Number.isFinite(value) && value >= 0)
      .map(({ key, labels, value }) => ({ ...memory.take(`${name} ${key}`, labels, value), endTime, value })),
  };
}

function gaugeOf(context: Context, series: readonly NumberSeries[]): MetricData {
  const { endTime, memory, name } = context;
  return {
    ...common(context, name),
    dataPointType: DataPointType.GAUGE,
    dataPoints: series
      .filter(({ value }) => !Number.isNaN(value))
      .map(({ key, labels, value }) => ({ ...memory.take(`${name} ${key}`, labels, 0), endTime, value })),
  };
}

function common(context: Context, name: string) {
  return { descriptor: context.descriptor(name), aggregationTemporality: AggregationTemporality.CUMULATIVE };
}
