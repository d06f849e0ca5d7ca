/**
 * How often which duration came in each of the last intervals, within a bound: quantiles and tests of ranks over any of
 * them are made from this. An interval keeps the buckets that hold anything; where these are too many, neighbours are
 * joined, in that interval alone. So a far outlier costs one bucket, and what an odd interval made coarse is fine again
 * when it has left.
 */
import { coarseBucket, coarseBuckets, coarseOctave, coarseStart, type Sketch } from '../distribution/sketch.ts';

/** How many intervals are kept. */
export const historyLength = 24;

/** Buckets an interval: enough to hold the whole range at one bucket an octave. */
const bucketsKept = coarseBuckets / coarseOctave;

/** Counts by rising duration. */
export interface Buckets {
  /** How many times two neighbours were joined: there are 16, 8, 4, 2 or 1 buckets an octave. */
  readonly joined: number;
  /** From the lowest on, only those that hold any. */
  readonly keys: Uint16Array;
  readonly counts: Float64Array;
}

export class RecentBuckets {
  readonly #keys = new Uint16Array(historyLength * bucketsKept);
  readonly #counts = new Uint32Array(historyLength * bucketsKept);
  /** Of each interval: how many buckets it has, and then how often they were joined. */
  readonly #shapes = new Uint8Array(historyLength * 2);
  /** All that was counted when the last interval ended, modulo 2^32. */
  readonly #before = new Uint32Array(coarseBuckets);
  #counted = 0;
  #newest = 0;

  /**
   * Keeps what the sketches took in since the last call as that of interval `number`, in place of the oldest one. False,
   * with nothing kept, where that is not `expected` durations: some came before the interval, in a pause or before the
   * first call.
   */
  take(number: number, expected: number, sketches: readonly Sketch[]): boolean {
    const row = number % historyLength;
    this.#newest = number;
    this.#shapes.fill(0, row * 2, row * 2 + 2);
    const counted = this.#counted;
    const size = this.skip(sketches);
    if (this.#counted - counted !== expected) return false;
    const joined = joinsNeeded(size);
    const from = row * bucketsKept;
    let at = from - 1;
    for (let i = 0; i < size; i++) {
      const key = (newKeys[i] as number) >> joined;
      if (at < from || this.#keys[at] !== key) {
        at += 1;
        this.#keys[at] = key;
        this.#counts[at] = 0;
      }
      this.#counts[at] = (this.#counts[at] as number) + (newCounts[i] as number);
    }
    this.#shapes[row * 2] = at + 1 - from;
    this.#shapes[row * 2 + 1] = joined;
    return true;
  }

  /** What the sketches took in since the last call belongs to no interval. Answers in how many buckets it was. */
  skip(sketches: readonly Sketch[]): number {
    const counted = sketches.reduce((count, sketch) => count + sketch.count, 0);
    if (counted === this.#counted) return 0;
    this.#counted = counted;
    return this.#takeNew(sketches);
  }

  /** How far buckets have to be joined to compare the intervals from `first` to `last`. */
  joinedIn(first: number, last: number): number {
    let joined = 0;
    for (let number = first; number <= last; number++) {
      joined = Math.max(joined, this.#shapes[(number % historyLength) * 2 + 1] as number);
    }
    return joined;
  }

  /** The intervals from `first` to `last` together; nothing where they are not all kept any more. */
  sum(first: number, last: number, joined = this.joinedIn(first, last)): Buckets {
    let low = coarseBuckets;
    let high = -1;
    sums.fill(0);
    if (first <= this.#newest - historyLength) return filled(sums, joined, low, high);
    for (let number = first; number <= last; number++) {
      const row = number % historyLength;
      const from = row * bucketsKept;
      const end = from + (this.#shapes[row * 2] as number);
      const shift = joined - (this.#shapes[row * 2 + 1] as number);
      if (from === end) continue;
      low = Math.min(low, (this.#keys[from] as number) >> shift);
      high = Math.max(high, (this.#keys[end - 1] as number) >> shift);
      for (let i = from; i < end; i++) {
        const key = (this.#keys[i] as number) >> shift;
        sums[key] = (sums[key] as number) + (this.#counts[i] as number);
      }
    }
    return filled(sums, joined, low, high);
  }

  /** Leaves what is new in `newKeys` and `newCounts`, and answers how many buckets it has. */
  #takeNew(sketches: readonly Sketch[]): number {
    const end = addUp(sketches);
    let size = 0;
    for (let key = 0; key < end; key++) {
      const added = ((now[key] as number) - (this.#before[key] as number)) >>> 0;
      if (added === 0) continue;
      newKeys[size] = key;
      newCounts[size] = added;
      size += 1;
      this.#before[key] = now[key] as number;
    }
    return size;
  }
}

/** Everything that sketches counted, as fine as intervals are. */
export function allBuckets(sketches: readonly Sketch[]): Buckets {
  sums.fill(0);
  for (const sketch of sketches) {
    sketch.forEach((index, count) => {
      const key = coarseBucket(index);
      sums[key] = (sums[key] as number) + count;
    });
    sums[0] = (sums[0] as number) + sketch.zeroCount;
  }
  return filled(sums, 0, 0, coarseBuckets - 1);
}

/** The greatest relative error of a quantile, within the sketch's range: half a bucket. */
export function quantileErrorOf({ joined }: Buckets): number {
  const base = 2 ** (2 ** joined / coarseOctave);
  return (base - 1) / (base + 1);
}

/** The `q`-quantile, nearest rank, in seconds; `undefined` where there is nothing. */
export function quantileOf({ joined, keys, counts }: Buckets, q: number): number | undefined {
  if (keys.length === 0 || Number.isNaN(q)) return undefined;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const rank = Math.max(1, Math.ceil(Math.min(q, 1) * total));
  let passed = 0;
  let at = -1;
  while (passed < rank && at + 1 < keys.length) {
    at += 1;
    passed += counts[at] as number;
  }
  const key = keys[at] as number;
  const from = coarseStart(key << joined);
  const to = coarseStart((key + 1) << joined);
  return (2 * from * to) / (from + to);
}

/** Where sums are made; nothing of one call is left for the next. */
const now = new Uint32Array(coarseBuckets);
const newKeys = new Uint16Array(coarseBuckets);
const newCounts = new Uint32Array(coarseBuckets);
const sums = new Float64Array(coarseBuckets);

/** All that the sketches counted, into `now`; answers where it ends. */
function addUp(sketches: readonly Sketch[]): number {
  now.fill(0);
  let end = 0;
  for (const sketch of sketches) end = Math.max(end, sketch.addCoarse(now));
  return end;
}

function joinsNeeded(size: number): number {
  let joined = 0;
  while (distinct(size, joined) > bucketsKept) joined += 1;
  return joined;
}

function distinct(size: number, joined: number): number {
  let count = 0;
  for (let i = 0; i < size; i++) {
    if (i === 0 || (newKeys[i] as number) >> joined !== (newKeys[i - 1] as number) >> joined) count += 1;
  }
  return count;
}

/** What is in `all` from `low` to `high`, without what is empty. */
function filled(all: Float64Array, joined: number, low: number, high: number): Buckets {
  let size = 0;
  for (let key = low; key <= high; key++) if (all[key] !== 0) size += 1;
  const keys = new Uint16Array(size);
  const counts = new Float64Array(size);
  let at = 0;
  for (let key = low; key <= high; key++) {
    if (all[key] === 0) continue;
    keys[at] = key;
    counts[at] = all[key] as number;
    at += 1;
  }
  return { joined, keys, counts };
}
