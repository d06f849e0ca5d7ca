/**
 * Counts of durations in buckets that grow by a constant factor: OpenTelemetry's exponential histogram at scale 5,
 * 32 buckets an octave. One write feeds every kind of histogram that is exported, because the coarser ones (scale 4
 * to 0, and the classic `le` boundaries, which are powers of two) are sums of these buckets.
 *
 * Bucket `i` holds the values in (2^(i/32), 2^((i+1)/32)]: lower-exclusive and upper-inclusive, as OpenTelemetry and
 * Prometheus have it. So 2^k ends its bucket, and never begins one.
 * See https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
 */
import { boundOfCell, bounds, firstIndex, lowestExponent, octave, sketchScale, slots } from './bucket-bounds.ts';

/** The greatest relative error of a quantile inside the range: half a bucket, (b − 1)/(b + 1) with b = 2^(1/32). */
export const sketchError = (2 ** (1 / 32) - 1) / (2 ** (1 / 32) + 1);

/** How finely classic boundaries are laid: 1, 2 or 4 an octave. */
export type ClassicScale = 0 | 1 | 2;

/** An exponential histogram of positive values, as OTLP carries it: `counts[i]` is that of bucket `offset + i`. */
export interface ExponentialBuckets {
  readonly scale: number;
  readonly offset: number;
  readonly counts: number[];
  readonly zeroCount: number;
}

/** How many buckets `addCoarse` gives: 16 an octave, from 2^-30 seconds on. */
export const coarseBuckets = slots / 2;
export const coarseOctave = octave / 2;

const classicLowest = -20;
const classicHighest = 4;
/** The bucket of what lies above all boundaries. */
const lastClassic = classicHighest - classicLowest + 1;

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);
/** Where a double keeps its sign, exponent and upper mantissa: 1 on little-endian machines. */
const high = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;

const carry = 2 ** 32;

export class Sketch {
  /** Values recorded, zeros included. */
  count = 0;
  zeroCount = 0;

  /** Counts from slot `#first` on, modulo 2^32, in whole octaves. Small, because there are some hundred sketches. */
  #low: Uint32Array = new Uint32Array(0);
  #first = 0;
  /** Multiples of 2^32, for the buckets that got there; a count must not wrap, since a counter must not fall. */
  #high: Float64Array | undefined;

  /** Counts one value. The caller has made sure that it is finite and not negative. */
  record(value: number): void {
    this.count += 1;
    if (value === 0) {
      this.zeroCount += 1;
      return;
    }
    const slot = slotOf(value);
    let at = slot - this.#first;
    if (at < 0 || at >= this.#low.length) {
      this.#cover(slot, slot);
      at = slot - this.#first;
    }
    const count = (this.#low[at] as number) + 1;
    this.#low[at] = count;
    if (count === carry) this.#addHigh(at, carry);
  }

  /** Adds `count` values to the bucket of an index that `forEach` gave. */
  add(index: number, count: number): void {
    const slot = Math.min(Math.max(index - firstIndex, 0), slots - 1);
    this.#cover(slot, slot);
    const at = slot - this.#first;
    this.#setCount(at, this.#countAt(at) + count);
    this.count += count;
  }

  /** Adds zeros. */
  addZeros(count: number): void {
    this.zeroCount += count;
    this.count += count;
  }

  /** Adds all that another sketch counted. */
  merge(other: Sketch): void {
    const length = other.#low.length;
    if (length > 0) this.#cover(other.#first, other.#first + length - 1);
    const shift = other.#first - this.#first;
    for (let i = 0; i < length; i++) {
      const added = other.#countAt(i);
      if (added > 0) this.#setCount(shift + i, this.#countAt(shift + i) + added);
    }
    this.zeroCount += other.zeroCount;
    this.count += other.count;
  }

  /** What this sketch counted beyond `earlier`, which is a copy of an earlier state of it. */
  since(earlier: Sketch): Sketch {
    const result = new Sketch();
    result.merge(this);
    const shift = earlier.#first - result.#first;
    for (let i = 0; i < earlier.#low.length; i++) {
      const before = earlier.#countAt(i);
      if (before > 0) result.#setCount(shift + i, result.#countAt(shift + i) - before);
    }
    result.zeroCount -= earlier.zeroCount;
    result.count -= earlier.count;
    return result;
  }

  /**
   * The value of rank ⌈q·count⌉ (nearest rank), within `sketchError` of the recorded one where that lies between
   * 2^-30 and 2^10 seconds; the edge buckets answer with their own middle. `undefined` where nothing was recorded.
   */
  quantile(q: number): number | undefined {
    if (this.count === 0 || Number.isNaN(q)) return undefined;
    const rank = Math.max(1, Math.ceil(Math.min(q, 1) * this.count));
    let seen = this.zeroCount;
    if (seen >= rank) return 0;
    for (let i = 0; i < this.#low.length; i++) {
      seen += this.#countAt(i);
      if (seen >= rank) return middleOf(this.#first + i);
    }
    return undefined;
  }

  /** Calls back for each bucket that holds anything, lowest first, with its index at `sketchScale`. Zeros are not in it. */
  forEach(visit: (index: number, count: number) => void): void {
    for (let i = 0; i < this.#low.length; i++) {
      const count = this.#countAt(i);
      if (count > 0) visit(this.#first + i + firstIndex, count);
    }
  }

  /**
   * The counts themselves, from the bucket of `lowestIndex` on, for readers that cannot afford a call for each; only to be
   * read. `undefined` where one has outgrown 32 bits.
   */
  get plainCounts(): Readonly<Uint32Array> | undefined {
    return this.#high === undefined ? this.#low : undefined;
  }

  /** The index, at `sketchScale`, of the first of `plainCounts`. */
  get lowestIndex(): number {
    return this.#first + firstIndex;
  }

  /**
   * Adds the counts to those of `target`, which has `coarseBuckets`, two buckets joined to one and modulo 2^32: from the
   * difference of two moments follows what came between them. Zeros are in the lowest bucket. Answers where it ended.
   */
  addCoarse(target: Uint32Array): number {
    const from = this.#first >> 1;
    const length = this.#low.length >> 1;
    for (let i = 0; i < length; i++) {
      const added = (this.#low[2 * i] as number) + (this.#low[2 * i + 1] as number);
      target[from + i] = (target[from + i] as number) + added;
    }
    target[0] = (target[0] as number) + this.zeroCount;
    return Math.max(from + length, 1);
  }

  /**
   * Counts between the boundaries of `classicBoundaries(scale)`, one more than there are boundaries; the last is what
   * lies above all of them. Exact: a boundary of these is a boundary of the sketch. Not cumulative.
   */
  classic(scale: ClassicScale = 0): number[] {
    const width = octave >> scale;
    const last = (classicHighest - classicLowest) << scale;
    const counts = new Array<number>(last + 2).fill(0);
    counts[0] = this.zeroCount;
    // Slots begin with an octave, so whole stretches of them go into one bucket.
    const low = this.#low;
    const plain = this.#high === undefined;
    for (let from = 0; from < low.length; from += width) {
      let count = 0;
      for (let i = from; i < from + width; i++) count += plain ? (low[i] as number) : this.#countAt(i);
      const bucket = (this.#first + from + firstIndex) / width - (classicLowest << scale) + 1;
      const at = Math.min(Math.max(bucket, 0), last + 1);
      counts[at] = (counts[at] as number) + count;
    }
    return counts;
  }

  /**
   * The counts as an OTLP exponential histogram of at most `maxSize` buckets and at most `maxScale`: from the first
   * bucket in use to the last, at the finest scale at which they are few enough.
   */
  exponential({ maxSize = 160, maxScale = sketchScale } = {}): ExponentialBuckets {
    let lowest = Number.POSITIVE_INFINITY;
    let highest = Number.NEGATIVE_INFINITY;
    this.forEach((index) => {
      if (lowest > index) lowest = index;
      highest = index;
    });
    let shift = Math.max(0, sketchScale - maxScale);
    if (lowest > highest) return { scale: sketchScale - shift, offset: 0, counts: [], zeroCount: this.zeroCount };
    while ((highest >> shift) - (lowest >> shift) >= Math.max(2, maxSize)) shift += 1;
    const offset = lowest >> shift;
    const counts = new Array<number>((highest >> shift) - offset + 1).fill(0);
    this.forEach((index, count) => {
      const at = (index >> shift) - offset;
      counts[at] = (counts[at] as number) + count;
    });
    return { scale: sketchScale - shift, offset, counts, zeroCount: this.zeroCount };
  }

  #countAt(at: number): number {
    return (this.#low[at] as number) + (this.#high === undefined ? 0 : (this.#high[at] as number));
  }

  #setCount(at: number, count: number): void {
    this.#low[at] = count % carry;
    if (count < carry && this.#high === undefined) return;
    this.#high ??= new Float64Array(this.#low.length);
    this.#high[at] = count - (count % carry);
  }

  #addHigh(at: number, amount: number): void {
    this.#high ??= new Float64Array(this.#low.length);
    this.#high[at] = (this.#high[at] as number) + amount;
  }

  /** Grows to hold the slots from `from` to `to`, by whole octaves. */
  #cover(from: number, to: number): void {
    const length = this.#low.length;
    const empty = length === 0;
    const first = Math.min(from & -octave, empty ? slots : this.#first);
    const end = Math.max((to | (octave - 1)) + 1, empty ? 0 : this.#first + length);
    if (!empty && first === this.#first && end - first === length) return;
    const low = new Uint32Array(end - first);
    if (!empty) low.set(this.#low, this.#first - first);
    if (this.#high !== undefined) {
      const grown = new Float64Array(end - first);
      grown.set(this.#high, this.#first - first);
      this.#high = grown;
    }
    this.#low = low;
    this.#first = first;
  }
}

/**
 * The boundaries of a classic histogram, in seconds: 2^-20 (0.95 µs) to 2^4 (16 s), `2^scale` an octave. The same
 * frozen array for every call. Between powers of two a boundary is the greatest double not above the true one.
 */
export function classicBoundaries(scale: ClassicScale = 0): readonly number[] {
  return classicBounds[scale];
}

const classicBounds = ([0, 1, 2] as const).map((scale) => {
  const width = octave >> scale;
  const from = classicLowest * octave - firstIndex;
  const count = ((classicHighest - classicLowest) << scale) + 1;
  return Object.freeze(Array.from({ length: count }, (_, i) => bounds[from + i * width] as number));
}) as unknown as readonly [readonly number[], readonly number[], readonly number[]];

/** The index, at `sketchScale`, of the bucket that holds a positive value; the edge buckets hold what lies outside. */
export function bucketIndex(value: number): number {
  return slotOf(value) + firstIndex;
}

/** Which bucket of `classic()`, at scale 0, holds a value that is not negative. */
export function classicBucket(value: number): number {
  if (value === 0) return 0;
  const octaveOf = (slotOf(value) + firstIndex) >> sketchScale;
  return octaveOf < classicLowest ? 0 : octaveOf >= classicHighest ? lastClassic : octaveOf - classicLowest + 1;
}

/** Which bucket of `addCoarse` holds the bucket of an index that `forEach` gave. */
export function coarseBucket(index: number): number {
  return (index - firstIndex) >> 1;
}

/** Where a bucket of `addCoarse` begins, in seconds. */
export function coarseStart(bucket: number): number {
  return bounds[bucket * 2] as number;
}

/** Where bucket `index` ends, in seconds: the greatest double that is in it. `index` within the sketch's range. */
export function bucketEnd(index: number): number {
  return bounds[index - firstIndex + 1] as number;
}

/** What bucket `index` holds, in seconds: the values above `from`, up to and with `to`. The edge buckets hold the rest. */
export function bucketRange(index: number): { readonly from: number; readonly to: number } {
  const slot = index - firstIndex;
  return {
    from: slot === 0 ? 0 : (bounds[slot] as number),
    to: slot === slots - 1 ? Number.POSITIVE_INFINITY : (bounds[slot + 1] as number),
  };
}

/**
 * The exponent gives the octave; the six uppermost bits of the mantissa a 64th of it. The narrowest bucket, at the
 * foot of the octave, is 1/46 of it wide, so in a 64th lies one boundary at most, and one comparison decides.
 */
function slotOf(value: number): number {
  if (value <= (bounds[0] as number)) return 0;
  if (value > (bounds[slots] as number)) return slots - 1;
  float[0] = value;
  const word = words[high] as number;
  const bound = ((word >>> 20) - 1023 - lowestExponent) * octave + (boundOfCell[(word >>> 14) & 63] as number);
  return bound - Number(value <= (bounds[bound] as number)); // without a branch, which would be mispredicted
}

/** The value whose relative distance to both ends of the slot is the same. */
function middleOf(slot: number): number {
  const from = bounds[slot] as number;
  const to = bounds[slot + 1] as number;
  return (2 * from * to) / (from + to);
}
