/**
 * One histogram as a message of Prometheus' schema: native buckets, classic ones, or both beside each other, of which a
 * server takes what it is set up for. All numbers of a message are read in one go before it is written, so that the
 * count is that of the buckets also while the program goes on recording.
 */
import type { HrTime } from '@opentelemetry/api';
import type { ExponentialHistogram, Histogram } from '@opentelemetry/sdk-metrics';
import { sketchScale } from '../../distribution/bucket-bounds.ts';
import type { Exemplar } from '../../distribution/exemplars.ts';
import type { Sketch } from '../../distribution/sketch.ts';
import { originOf } from '../../otel/histograms.ts';
import { bucketOf, type ClassicBuckets, checkExponential, classicBuckets } from './classic-buckets.ts';
import { coarsest, NativeBuckets } from './native-buckets.ts';
import { fieldRoom, type ProtobufCursor } from './protobuf-cursor.ts';
import { writeLabel, writeTime } from './protobuf-messages.ts';
import { roomOf, type SketchBuckets } from './sketch-buckets.ts';

/**
 * Which buckets histograms have in protobuf. Only histograms that are kept in exponential buckets have native ones; the
 * others are classic in any case.
 */
export type ProtobufHistograms = 'both' | 'native' | 'classic';

/** A histogram that was read and can be written. Good until the next is read. */
export interface HistogramMessage {
  /** Bytes that it takes at most. */
  readonly room: number;
  /** Series that a server makes of it. */
  readonly series: number;
  /** `known`: the buckets of its series from the last page. */
  write(cursor: ProtobufCursor, since: HrTime, known: SketchBuckets): void;
}

/** Fields of Histogram. */
const field = {
  count: 1,
  sum: 2,
  bucket: 3,
  schema: 5,
  zeroThreshold: 6,
  zeroCount: 7,
  created: 15,
  exemplars: 16,
} as const;
const bucket = { cumulativeCount: 1, upperBound: 2, exemplar: 3 } as const;
const exemplarField = { label: 1, value: 2, timestamp: 3 } as const;

/** An exemplar: two labels of 63 characters with their names, a value and a time. */
const exemplarRoom = 192;
const bucketRoom = 3 * fieldRoom;
const noExemplars: readonly Exemplar[] = [];
const noBuckets: ClassicBuckets = { boundaries: [], counts: [] };

/** Whether a histogram can have native buckets. */
export function canBeNative(histogram: Histogram | ExponentialHistogram): boolean {
  return 'scale' in histogram ? histogram.scale >= coarsest : originOf(histogram) !== undefined;
}

/** Returns a reader of histograms. What is read as native must be one that can be. */
export function createHistogramMessage(): {
  read(histogram: Histogram | ExponentialHistogram, kind: ProtobufHistograms): HistogramMessage;
} {
  const native = new NativeBuckets();
  let isNative = false;
  /** Where the native buckets are to be read from at the last moment; else `native` has them. */
  let sketch: Sketch | undefined;
  let classic: ClassicBuckets = noBuckets;
  let count = 0;
  let sum: number | undefined;
  let exemplars = noExemplars;

  const message = {
    room: 0,
    series: 0,
    write(cursor: ProtobufCursor, since: HrTime, known: SketchBuckets): void {
      cursor.tag(field.count, 'varint');
      cursor.varint(count);
      if (sum !== undefined) {
        cursor.tag(field.sum, 'fixed64');
        cursor.double(sum);
      }
      writeClassic(cursor, classic, count, exemplars);
      writeTime(cursor, field.created, since);
      if (!isNative) return;
      writeZeros(cursor, sketch === undefined ? native : { schema: sketchScale, zeroCount: sketch.zeroCount });
      if (sketch === undefined) native.write(cursor);
      else known.write(cursor, sketch);
      if (exemplars.length === 0) return;
      // Their order is that of time, because a server takes none that is older than the one before.
      for (const each of exemplars.toSorted((a, b) => a.time - b.time)) writeExemplar(cursor, field.exemplars, each);
    },
  };

  /** Takes all numbers from where they agree: the point itself, or what it was made from. */
  function take(histogram: Histogram | ExponentialHistogram, kind: ProtobufHistograms): void {
    const origin = originOf(histogram);
    exemplars = origin?.source.exemplars?.latest() ?? noExemplars;
    isNative = kind !== 'classic';
    const moved = origin !== undefined && origin.source.count !== histogram.count;
    const live = origin !== undefined && isNative && !(moved && origin.classicScale === undefined);
    sketch = live ? origin.source.sketch : undefined;
    if (sketch !== undefined) readCounts(sketch);
    else if (isNative && 'scale' in histogram) {
      checkExponential(histogram);
      native.readExponential(histogram);
    } else if (isNative) throw new TypeError('a histogram of explicit boundaries among native ones');
    sum = live ? origin.source.sum : histogram.sum;
    if (kind === 'native') classic = noBuckets;
    else if (live && moved && 'buckets' in histogram) {
      classic = { ...histogram.buckets, counts: origin.source.sketch.classic(origin.classicScale) };
    } else classic = classicBuckets(histogram);
    if (sketch !== undefined) count = sketch.count;
    else count = isNative ? native.count : Math.max(histogram.count, total(classic.counts));
  }

  /** What a series cannot read by itself is read here. */
  function readCounts(from: Sketch): void {
    if (from.plainCounts !== undefined) return;
    native.readSketch(from);
    sketch = undefined;
  }

  return {
    read(histogram, kind) {
      take(histogram, kind);
      const exemplarsRoom = 2 * exemplars.length * exemplarRoom;
      const nativeRoom = sketch === undefined ? native.room : roomOf(sketch);
      message.room = (isNative ? nativeRoom : 0) + classic.counts.length * bucketRoom + exemplarsRoom + 16 * fieldRoom;
      message.series = classic === noBuckets ? 1 : classic.boundaries.length + 3;
      return message;
    },
  };
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, each) => sum + each, 0);
}

/** Without `+Inf`, which a reader adds, but where that has an exemplar. */
function writeClassic(
  cursor: ProtobufCursor,
  { boundaries, counts }: ClassicBuckets,
  count: number,
  exemplars: readonly Exemplar[],
): void {
  if (counts.length === 0) return;
  const exemplarIn: (Exemplar | undefined)[] = [];
  for (const each of exemplars) exemplarIn[bucketOf(each.value, boundaries)] = each;
  let cumulative = 0;
  for (let i = 0; i < boundaries.length; i++) {
    cumulative += counts[i] ?? 0;
    if (boundaries[i] === Number.POSITIVE_INFINITY) continue;
    writeBucket(cursor, cumulative, boundaries[i] as number, exemplarIn[i]);
  }
  const beyond = exemplarIn[boundaries.length];
  if (beyond !== undefined || boundaries.length === 0) writeBucket(cursor, count, Number.POSITIVE_INFINITY, beyond);
}

function writeBucket(cursor: ProtobufCursor, cumulative: number, bound: number, exemplar: Exemplar | undefined): void {
  cursor.tag(field.bucket, 'length');
  const start = cursor.open();
  cursor.tag(bucket.cumulativeCount, 'varint');
  cursor.varint(cumulative);
  cursor.tag(bucket.upperBound, 'fixed64');
  cursor.double(bound);
  if (exemplar !== undefined) writeExemplar(cursor, bucket.exemplar, exemplar);
  cursor.close(start);
}

/** A sketch's zeros are zeros: the threshold is 0. */
function writeZeros(cursor: ProtobufCursor, { schema, zeroCount }: Pick<NativeBuckets, 'schema' | 'zeroCount'>): void {
  cursor.tag(field.schema, 'varint');
  cursor.zigzag(schema);
  cursor.tag(field.zeroThreshold, 'fixed64');
  cursor.double(0);
  cursor.tag(field.zeroCount, 'varint');
  cursor.varint(zeroCount);
}

function writeExemplar(
  cursor: ProtobufCursor,
  exemplarsField: number,
  { traceId, spanId, value, time }: Exemplar,
): void {
  cursor.tag(exemplarsField, 'length');
  const start = cursor.open();
  writeLabel(cursor, exemplarField.label, 'trace_id', traceId);
  writeLabel(cursor, exemplarField.label, 'span_id', spanId);
  cursor.tag(exemplarField.value, 'fixed64');
  cursor.double(value);
  const millis = Math.round(time * 1000);
  writeTime(cursor, exemplarField.timestamp, [Math.floor(millis / 1000), (millis % 1000) * 1e6]);
  cursor.close(start);
}
