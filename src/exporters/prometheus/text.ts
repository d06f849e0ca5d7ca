/**
 * Families in Prometheus' text format: 0.0.4, and 1.0.0, which has quoted names as well. What OpenMetrics does otherwise
 * is in `openmetrics.ts`.
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
import type { HrTime } from '@opentelemetry/api';
import { type DataPoint, DataPointType, type ExponentialHistogram, type Histogram } from '@opentelemetry/sdk-metrics';
import type { Exemplar, Exemplars } from '../../distribution/exemplars.ts';
import { originOf } from '../../otel/histograms.ts';
import { createBucketEnds } from './bucket-ends.ts';
import { bucketOf, classicBuckets } from './classic-buckets.ts';
import { isPlain } from './escaping.ts';
import type { Family } from './families.ts';
import type { Format, FormatOptions } from './format.ts';
import { HistogramLines } from './histogram-lines.ts';
import { escapeHelp, escapeLabelValue } from './naming.ts';
import type { PageBuffer } from './page-buffer.ts';
import { createSeries, type Labels, type SeriesOf } from './series.ts';
import { createFormat, pointsAStep } from './writing.ts';

/** What the formats of lines differ in. */
export interface TextDialect {
  begin?(families: readonly Family[]): void;
  /** The lines before the series of a family. */
  head(family: Family): string;
  /** The name of its series of one value. */
  sample(family: Family): string;
  /** Whether beside each series of a family stands one that tells since when it counts. */
  created?(family: Family): boolean;
  /** A bucket's bound as the value of `le`. */
  bound(bound: number): string;
  /** What stands after a value, with its blank. */
  timestamp(time: HrTime): string;
  /** What stands after a bucket's count, with its blank; `undefined` where the format has no exemplars. */
  exemplar?(exemplar: Exemplar): string;
  /** Whether a histogram without a sum has no count either. */
  readonly countNeedsSum?: boolean;
  /** What stands at the end of a page of so many families. */
  end(families: number): string;
}

/** Prometheus' own text. */
const prometheusText: TextDialect = {
  head({ name, help, type }) {
    const quoted = quotedName(name);
    return `${help === '' ? '' : `# HELP ${quoted} ${escapeHelp(help)}\n`}# TYPE ${quoted} ${type}\n`;
  },
  sample: ({ name }) => name,
  bound: String,
  timestamp: (time) => ` ${time[0] * 1000 + Math.floor(time[1] / 1e6)}`,
  end: (families) => (families === 0 ? '# no registered metrics\n' : ''),
};

/** Text 0.0.4 and 1.0.0: which names it has to quote is decided by the escaping. */
export function createTextFormat(options: FormatOptions): Format {
  return createLineFormat(options, prometheusText);
}

/** What stands before the value of a series, with its blank. */
interface Sample {
  readonly value: string;
  readonly created: string;
}

/** The same of a histogram's series. */
interface HistogramText {
  readonly lines: HistogramLines;
  readonly created: string;
}

/** A format of lines. */
export function createLineFormat(options: FormatOptions, dialect: TextDialect): Format {
  const writeHistogram = createHistogramWriter(dialect);
  const samples = createSeries<Sample>(options, renderSample);
  const histograms = createSeries<HistogramText>(options, renderHistogram, 'le');
  const timestampOf = (time: HrTime) => (options.appendTimestamp && time[0] > 0 ? dialect.timestamp(time) : '');

  function* writeNumbers(
    page: PageBuffer,
    points: readonly DataPoint<number>[],
    seriesOf: SeriesOf<Sample>,
    withCreated: boolean,
  ): Generator<void, number> {
    let untilStep = pointsAStep;
    for (const point of points) {
      const { value, created } = seriesOf(point.attributes);
      const timestamp = timestampOf(point.endTime);
      writeLine(page, value, point.value, timestamp);
      if (withCreated) writeLine(page, created, seconds(point.startTime), timestamp);
      if (--untilStep > 0) continue;
      untilStep = pointsAStep;
      yield;
    }
    return points.length * (withCreated ? 2 : 1);
  }

  function* writeHistograms(
    page: PageBuffer,
    points: readonly DataPoint<Histogram | ExponentialHistogram>[],
    seriesOf: SeriesOf<HistogramText>,
    withCreated: boolean,
  ): Generator<void, number> {
    let series = 0;
    let untilStep = pointsAStep;
    for (const point of points) {
      const text = seriesOf(point.attributes);
      const timestamp = timestampOf(point.endTime);
      series += writeHistogram(page, text, point.value, timestamp);
      if (withCreated) writeLine(page, text.created, seconds(point.startTime), timestamp);
      if (--untilStep > 0) continue;
      untilStep = pointsAStep;
      yield;
    }
    return series + (withCreated ? points.length : 0);
  }

  return createFormat(options, {
    ...(dialect.begin === undefined ? {} : { begin: dialect.begin }),
    head: (page, family) => page.text(dialect.head(family)),
    stream(page, family, stream, resource) {
      const { metric } = stream;
      const withCreated = dialect.created?.(family) ?? false;
      return metric.dataPointType === DataPointType.SUM || metric.dataPointType === DataPointType.GAUGE
        ? writeNumbers(page, metric.dataPoints, samples(dialect.sample(family), stream, resource), withCreated)
        : writeHistograms(page, metric.dataPoints, histograms(family.name, stream, resource), withCreated);
    },
    end: (page, families) => page.text(dialect.end(families)),
  });
}

/** Returns a function that writes buckets, count and sum of one histogram and tells how many lines these are. */
function createHistogramWriter(dialect: TextDialect) {
  const bucketEnds = createBucketEnds(dialect.bound);
  const { exemplar: textOf, countNeedsSum = false } = dialect;

  return (
    page: PageBuffer,
    text: HistogramText,
    value: Histogram | ExponentialHistogram,
    timestamp: string,
  ): number => {
    const { boundaries, counts } = classicBuckets(value);
    const bounds = bucketEnds(boundaries);
    const exemplars = textOf && originOf(value)?.source.exemplars;
    const remark = textOf && exemplars?.version ? createRemarks(exemplars, boundaries, textOf) : undefined;
    const format = { bounds, timestamp, countNeedsSum, version: exemplars?.version, remark };
    return text.lines.write(page, counts, value, format);
  };
}

/** What follows the count of each bucket, rendered when the first is asked for. */
function createRemarks(
  exemplars: Exemplars,
  boundaries: readonly number[],
  textOf: NonNullable<TextDialect['exemplar']>,
): (bucket: number) => string {
  let remarks: ReadonlyMap<number, string> | undefined;
  return (bucket) => {
    remarks ??= new Map(exemplars.latest().map((each) => [bucketOf(each.value, boundaries), textOf(each)]));
    return remarks.get(bucket) ?? '';
  };
}

function renderSample(name: string, labels: Labels): Sample {
  return { value: seriesText(name, labels), created: seriesText(createdName(name), labels) };
}

function renderHistogram(name: string, labels: Labels): HistogramText {
  return {
    lines: new HistogramLines({
      bucket: bucketStart(`${name}_bucket`, labels),
      count: seriesText(`${name}_count`, labels),
      sum: seriesText(`${name}_sum`, labels),
    }),
    created: seriesText(createdName(name), labels),
  };
}

/** The name of the series that tells since when one counts. */
function createdName(name: string): string {
  return `${name.replace(/_total$/, '')}_created`;
}

/** Name and labels, as they stand before a value. Without labels there are no braces. */
function seriesText(name: string, labels: Labels): string {
  const parts = labelTexts(labels);
  if (!isPlain(name)) parts.unshift(quote(name));
  const braces = parts.length === 0 ? '' : `{${parts.join(',')}}`;
  return `${isPlain(name) ? name : ''}${braces} `;
}

/** The same of a bucket, up to its `le`. */
function bucketStart(name: string, labels: Labels): string {
  const parts = labelTexts(labels);
  if (!isPlain(name)) parts.unshift(quote(name));
  return `${isPlain(name) ? name : ''}{${parts.map((part) => `${part},`).join('')}`;
}

function labelTexts(labels: Labels): string[] {
  return Array.from(labels, ([name, value]) => `${quotedLabel(name)}="${escapeLabelValue(value)}"`);
}

/** A family's name in a comment. */
export function quotedName(name: string): string {
  return isPlain(name) ? name : quote(name);
}

/** A colon needs none in a name, but in a label. */
function quotedLabel(name: string): string {
  return isPlain(name) && !name.includes(':') ? name : quote(name);
}

function quote(name: string): string {
  return `"${escapeLabelValue(name)}"`;
}

function writeLine(page: PageBuffer, start: string, value: number, timestamp: string): void {
  page.text(start);
  page.number(value);
  page.endLine(timestamp);
}

function seconds([whole, nanos]: HrTime): number {
  return whole + Math.round(nanos / 1e6) / 1e3;
}
