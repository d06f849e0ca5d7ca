/**
 * The native buckets of one sketch, page after page. Which of them hold anything changes seldom, and is known from the
 * last page: only those are read, and their spans are written as bytes that are at hand. Whether any other holds something
 * by now is told by the sum.
 */
import type { Sketch } from '../../distribution/sketch.ts';
import { FilledBuckets, gapFilled, nativeField, writeSpan, writeSpans } from './native-buckets.ts';
import { fieldRoom, ProtobufCursor, writeZigzag } from './protobuf-cursor.ts';

const none = new Uint32Array(0);

/** Bytes that the buckets of a sketch take at most. */
export function roomOf(sketch: Sketch): number {
  return ((sketch.plainCounts?.length ?? 0) + 2) * (3 + gapFilled) * fieldRoom;
}

/** Where a place in the counts has the number of empty buckets before it. */
const placeBits = 12;
const placeMask = (1 << placeBits) - 1;

/** Reused while buckets are learned. */
const filled = new FilledBuckets();
const scratch = new ProtobufCursor();

export class SketchBuckets {
  #lowestIndex = Number.NaN;
  /** Where they are in the sketch's counts and, above that, how many empty ones before each are written as zeros. */
  #places: Uint16Array = new Uint16Array(0);
  /** The spans, and the tag of the deltas after them. */
  #spans: Uint8Array = new Uint8Array(0);

  /** Writes spans and deltas into a Histogram, of a sketch that has `plainCounts`. */
  write(cursor: ProtobufCursor, sketch: Sketch): void {
    const counts = sketch.plainCounts ?? none;
    if (this.#lowestIndex === sketch.lowestIndex && this.#writeKnown(cursor, counts, sketch)) return;
    this.#learn(counts, sketch);
    this.#writeKnown(cursor, counts, sketch);
  }

  #learn(counts: Readonly<Uint32Array>, sketch: Sketch): void {
    const { lowestIndex } = sketch;
    filled.size = 0;
    for (let i = 0; i < counts.length; i++) if (counts[i] !== 0) filled.push(lowestIndex + i, counts[i] as number);
    const { size, indices } = filled;
    const places = new Uint16Array(size);
    for (let i = 0; i < size; i++) {
      const index = indices[i] as number;
      const gap = i === 0 ? 0 : index - (indices[i - 1] as number) - 1;
      places[i] = (index - lowestIndex) | ((gap <= gapFilled ? gap : 0) << placeBits);
    }
    if (scratch.bytes.length < roomOf(sketch)) scratch.bytes = Buffer.alloc(roomOf(sketch));
    scratch.at = 0;
    if (size === 0) writeSpan(scratch, nativeField.positiveSpan, 0, 0);
    else {
      writeSpans(scratch, filled, nativeField.positiveSpan);
      scratch.tag(nativeField.positiveDelta, 'length');
    }
    this.#lowestIndex = lowestIndex;
    this.#places = places;
    this.#spans = Uint8Array.prototype.slice.call(scratch.bytes, 0, scratch.at);
  }

  /** Writes them; false, and nothing, where there are more by now. */
  #writeKnown(cursor: ProtobufCursor, counts: Readonly<Uint32Array>, { count, zeroCount }: Sketch): boolean {
    const places = this.#places;
    const begun = cursor.at;
    if (places.length === 0 && count > zeroCount) return false;
    cursor.raw(this.#spans);
    if (places.length === 0) return true;
    const start = cursor.open();
    const { bytes } = cursor;
    let at = start;
    let sum = 0;
    let before = 0;
    for (let i = 0; i < places.length; i++) {
      const place = places[i] as number;
      if (place > placeMask) {
        at = writeZigzag(bytes, at, -before);
        if (place >> placeBits === 2) bytes[at++] = 0;
        before = 0;
      }
      const here = counts[place & placeMask] as number;
      at = writeZigzag(bytes, at, here - before);
      before = here;
      sum += here;
    }
    cursor.at = at;
    cursor.close(start);
    if (sum === count - zeroCount) return true;
    cursor.at = begun;
    return false;
  }
}
