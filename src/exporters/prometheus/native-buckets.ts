/**
 * The buckets of a histogram as Prometheus' native histograms have them: of equal logarithmic width, and only those that
 * hold anything, as runs of neighbours.
 * https://prometheus.io/docs/specs/native_histograms/
 *
 * Scale 5 of our sketches is schema 5, as it is: none of the resolution is lost. A finer histogram of the SDK is summed
 * up to schema 8. OpenTelemetry's bucket i holds (b^i, b^(i+1)], Prometheus' the same under the number i + 1.
 */
import type { ExponentialHistogram } from '@opentelemetry/sdk-metrics';
import { sketchScale } from '../../distribution/bucket-bounds.ts';
import type { Sketch } from '../../distribution/sketch.ts';
import { fieldRoom, type ProtobufCursor, writeVarint, writeZigzag } from './protobuf-cursor.ts';

/** The schemas that there are. */
export const coarsest = -4;
const finest = 8;
/** So many empty buckets between two are cheaper as zeros than as the beginning of a new run. */
export const gapFilled = 2;

/** Fields of Histogram and of BucketSpan. */
export const nativeField = { negativeSpan: 9, negativeDelta: 10, positiveSpan: 12, positiveDelta: 13 } as const;
const span = { offset: 1, length: 2 } as const;

/** Buckets that hold anything, lowest first, by OpenTelemetry's indices. */
export class FilledBuckets {
  size = 0;
  readonly indices: number[] = [];
  readonly counts: number[] = [];

  push(index: number, count: number): void {
    this.indices[this.size] = index;
    this.counts[this.size++] = count;
  }
}

/** The buckets of one histogram; reused, because a page has a thousand of them. */
export class NativeBuckets {
  schema = 0;
  zeroCount = 0;
  /** All that they hold, zeros included. */
  count = 0;
  readonly #positive = new FilledBuckets();
  readonly #negative = new FilledBuckets();
  readonly #push = (index: number, count: number): void => this.#positive.push(index, count);

  /** Bytes that they take at most. */
  get room(): number {
    // A bucket may be a run of its own, with the zeros before it.
    return (this.#positive.size + this.#negative.size) * (3 + gapFilled) * fieldRoom + 8 * fieldRoom;
  }

  readSketch(sketch: Sketch): void {
    this.schema = sketchScale;
    this.zeroCount = sketch.zeroCount;
    this.count = sketch.count;
    this.#positive.size = 0;
    this.#negative.size = 0;
    sketch.forEach(this.#push);
  }

  /** One of scale `coarsest` or finer. */
  readExponential({ scale, zeroCount, positive, negative }: ExponentialHistogram): void {
    const shift = Math.max(0, scale - finest);
    this.schema = scale - shift;
    this.zeroCount = zeroCount;
    readBuckets(this.#positive, positive, shift);
    readBuckets(this.#negative, negative, shift);
    this.count = zeroCount + total(this.#positive) + total(this.#negative);
  }

  /** Writes spans and deltas into a Histogram. */
  write(cursor: ProtobufCursor): void {
    writeRuns(cursor, this.#negative, nativeField.negativeSpan, nativeField.negativeDelta);
    writeRuns(cursor, this.#positive, nativeField.positiveSpan, nativeField.positiveDelta);
    // One that holds nothing could not be told from a classic one: a span of no buckets says so.
    if (this.#negative.size + this.#positive.size === 0) writeSpan(cursor, nativeField.positiveSpan, 0, 0);
  }
}

function total({ size, counts }: FilledBuckets): number {
  let sum = 0;
  for (let i = 0; i < size; i++) sum += counts[i] as number;
  return sum;
}

/** Buckets whose indices agree but for their lowest `shift` bits become one. */
function readBuckets(target: FilledBuckets, from: ExponentialHistogram['positive'], shift: number): void {
  target.size = 0;
  for (let i = 0; i < from.bucketCounts.length; i++) {
    const count = from.bucketCounts[i] as number;
    if (count === 0) continue;
    const index = (from.offset + i) >> shift;
    const last = target.size - 1;
    if (target.indices[last] === index && last >= 0) target.counts[last] = (target.counts[last] as number) + count;
    else target.push(index, count);
  }
}

function writeRuns(cursor: ProtobufCursor, buckets: FilledBuckets, spanField: number, deltaField: number): void {
  if (buckets.size === 0) return;
  writeSpans(cursor, buckets, spanField);
  cursor.tag(deltaField, 'length');
  const begun = cursor.open();
  writeDeltas(cursor, buckets);
  cursor.close(begun);
}

/** Where a run begins is told from the end of the one before. */
export function writeSpans(cursor: ProtobufCursor, { size, indices }: FilledBuckets, spanField: number): void {
  let end = 0;
  let start = (indices[0] as number) + 1;
  for (let i = 1; i <= size; i++) {
    const before = (indices[i - 1] as number) + 2;
    if (i < size && (indices[i] as number) + 1 - before <= gapFilled) continue;
    writeSpan(cursor, spanField, start - end, before - start);
    end = before;
    start = (indices[i] as number) + 1;
  }
}

/** How much more each bucket holds than the one before it. */
function writeDeltas(cursor: ProtobufCursor, { size, indices, counts }: FilledBuckets): void {
  const { bytes } = cursor;
  let { at } = cursor;
  let next = indices[0] as number;
  let held = 0;
  for (let i = 0; i < size; i++) {
    const index = indices[i] as number;
    const count = counts[i] as number;
    if (index > next && index - next <= gapFilled) {
      at = writeZigzag(bytes, at, -held);
      if (index - next === 2) bytes[at++] = 0;
      held = 0;
    }
    at = writeZigzag(bytes, at, count - held);
    held = count;
    next = index + 1;
  }
  cursor.at = at;
}

/** A BucketSpan: two short numbers. */
export function writeSpan(cursor: ProtobufCursor, spanField: number, offset: number, length: number): void {
  const { bytes } = cursor;
  const start = cursor.at + 2;
  bytes[start - 2] = spanField * 8 + 2;
  bytes[start] = span.offset * 8;
  let at = writeZigzag(bytes, start + 1, offset);
  bytes[at] = span.length * 8;
  at = writeVarint(bytes, at + 1, length);
  bytes[start - 1] = at - start;
  cursor.at = at;
}
