/**
 * Families as delimited messages of Prometheus' own schema, the one format that has native histograms. Field numbers are
 * those of `io.prometheus.client.MetricFamily`:
 * https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto
 *
 * There is no message object and no library in between: the labels of a series are kept as the bytes that they are, and
 * the numbers are written behind them.
 */
import type { HrTime } from '@opentelemetry/api';
import { type DataPoint, DataPointType, type ExponentialHistogram, type Histogram } from '@opentelemetry/sdk-metrics';
import type { Family, Stream } from './families.ts';
import type { Format, FormatOptions } from './format.ts';
import type { PageBuffer } from './page-buffer.ts';
import { fieldRoom, ProtobufCursor, writePaddedVarint } from './protobuf-cursor.ts';
import { canBeNative, createHistogramMessage, type ProtobufHistograms } from './protobuf-histogram.ts';
import { writeLabel, writeTime } from './protobuf-messages.ts';
import { createSeries, type Labels, type SeriesOf } from './series.ts';
import { SketchBuckets } from './sketch-buckets.ts';
import { createFormat, pointsAStep } from './writing.ts';

export interface ProtobufOptions extends FormatOptions {
  /** Which buckets histograms have. */
  readonly protobufHistograms: ProtobufHistograms;
}

const metricTypes: Record<Family['type'], number> = { counter: 0, gauge: 1, histogram: 4 };
/** Fields of MetricFamily, Metric, Counter and Gauge. */
const family = { name: 1, help: 2, type: 3, metric: 4, unit: 5 } as const;
const metric = { label: 1, gauge: 2, counter: 3, timestampMillis: 6, histogram: 7 } as const;
const counter = { value: 1, created: 3 } as const;
const gauge = { value: 1 } as const;

/** A family's length stands before it and is known after it: as many bytes as any takes. */
const lengthBytes = 5;

/** Delimited protobuf. */
export function createProtobufFormat(options: ProtobufOptions): Format {
  const cursor = new ProtobufCursor();
  const histogram = createHistogramMessage();
  const samples = createSeries(options, (_, labels) => labelBytes(labels));
  const histograms = createSeries(
    options,
    (_, labels) => ({ labels: labelBytes(labels), buckets: new SketchBuckets() }),
    'le',
  );

  /** Of the family that is being written: a server takes all of one for what the first of them is. */
  let kind: ProtobufHistograms = 'classic';

  function begin(page: PageBuffer, room: number): void {
    cursor.bytes = page.room(room);
    cursor.at = page.length;
  }

  /** Series of one value each. */
  function* writeNumbers(
    page: PageBuffer,
    type: 'counter' | 'gauge',
    points: readonly DataPoint<number>[],
    labelsOf: SeriesOf<Uint8Array>,
  ): Generator<void, number> {
    let untilStep = pointsAStep;
    for (const point of points) {
      const labels = labelsOf(point.attributes);
      begin(page, labels.length + 8 * fieldRoom);
      cursor.tag(family.metric, 'length');
      const start = cursor.open();
      cursor.raw(labels);
      cursor.tag(metric[type], 'length');
      const value = cursor.open();
      cursor.tag(type === 'gauge' ? gauge.value : counter.value, 'fixed64');
      cursor.double(point.value);
      if (type === 'counter') writeTime(cursor, counter.created, point.startTime);
      cursor.close(value);
      writeTimestamp(point.endTime);
      cursor.close(start);
      page.advance(cursor.at);
      if (--untilStep > 0) continue;
      untilStep = pointsAStep;
      yield;
    }
    return points.length;
  }

  function* writeHistograms(
    page: PageBuffer,
    points: readonly DataPoint<Histogram | ExponentialHistogram>[],
    seriesOf: SeriesOf<{ readonly labels: Uint8Array; readonly buckets: SketchBuckets }>,
    kind: ProtobufHistograms,
  ): Generator<void, number> {
    let series = 0;
    let untilStep = pointsAStep;
    for (const point of points) {
      const { labels, buckets } = seriesOf(point.attributes);
      const message = histogram.read(point.value, kind);
      begin(page, labels.length + message.room + 8 * fieldRoom);
      cursor.tag(family.metric, 'length');
      const start = cursor.open();
      cursor.raw(labels);
      cursor.tag(metric.histogram, 'length');
      const value = cursor.open();
      message.write(cursor, point.startTime, buckets);
      cursor.close(value);
      writeTimestamp(point.endTime);
      cursor.close(start);
      page.advance(cursor.at);
      series += message.series;
      if (--untilStep > 0) continue;
      untilStep = pointsAStep;
      yield;
    }
    return series;
  }

  function writeTimestamp([seconds, nanos]: HrTime): void {
    if (!options.appendTimestamp || seconds === 0) return;
    cursor.tag(metric.timestampMillis, 'varint');
    cursor.varint(seconds * 1000 + Math.floor(nanos / 1e6));
  }

  return createFormat(options, {
    head(page, { name, help, type, unit, streams }) {
      const named = name.replace(/_total$/, '').endsWith(`_${unit}`); // A reader refuses any other unit.
      begin(page, (name.length + help.length + unit.length) * 3 + lengthBytes + 4 * fieldRoom);
      cursor.at += lengthBytes;
      for (const [field, text] of [
        [family.name, name],
        [family.help, help],
        [family.unit, named ? unit : ''],
      ] as const) {
        if (text === '') continue;
        cursor.tag(field, 'length');
        cursor.text(text);
      }
      cursor.tag(family.type, 'varint');
      cursor.varint(metricTypes[type]);
      page.advance(cursor.at);
      kind = streams.every(isNative) ? options.protobufHistograms : 'classic';
    },
    stream(page, { name, type }, stream, resource) {
      const { metric: data } = stream;
      return data.dataPointType === DataPointType.SUM || data.dataPointType === DataPointType.GAUGE
        ? writeNumbers(page, type === 'counter' ? 'counter' : 'gauge', data.dataPoints, samples(name, stream, resource))
        : writeHistograms(page, data.dataPoints, histograms(name, stream, resource), kind);
    },
    foot(page, start) {
      const begun = start + lengthBytes;
      writePaddedVarint(page.room(0), start, begun, page.length - begun);
    },
  });
}

/** Whether the histograms of a stream can have native buckets. Those of explicit boundaries are all of one producer. */
function isNative({ metric: { dataPointType, dataPoints } }: Stream): boolean {
  if (dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM) return dataPoints.every(({ value }) => canBeNative(value));
  return dataPointType === DataPointType.HISTOGRAM && dataPoints[0] !== undefined && canBeNative(dataPoints[0].value);
}

/** Pairs of name and value, each behind the tag that it has in Metric. */
function labelBytes(labels: Labels): Uint8Array {
  let room = 0;
  for (const [name, value] of labels) room += (name.length + value.length) * 3 + 4 * fieldRoom;
  const cursor = new ProtobufCursor();
  cursor.bytes = Buffer.alloc(room);
  for (const [name, value] of labels) writeLabel(cursor, metric.label, name, value);
  return Uint8Array.prototype.slice.call(cursor.bytes, 0, cursor.at);
}
