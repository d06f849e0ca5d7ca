/**
 * Bounded running statistics of one stream of durations: count, sum, minimum and maximum since it began, a sketch of
 * all of it, and the last 1000 samples. Everything that is exported of kernels, transfers, waits and compilations is
 * read from these.
 */
import { Exemplars } from './exemplars.ts';
import { joinMoments, type Moments, noMoments } from './moments.ts';
import { Ring } from './ring.ts';
import { Sketch } from './sketch.ts';
import { type WindowStatistics, windowStatistics } from './statistics.ts';

/** The longest duration taken, in seconds: the greatest single-precision number. Above it is as good as infinite. */
const longest = 3.4028234663852886e38;

/** The lifetime of a distribution as plain data, to travel between processes. The last samples and the spread are not in it. */
export interface PackedDistribution {
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly zeros: number;
  /** Index and count of each bucket that holds anything, one after the other. */
  readonly buckets: readonly number[];
}

export class Distribution {
  readonly sketch = new Sketch();
  /** Durations that were measured within a trace. None of what was unpacked or merged. */
  readonly exemplars = new Exemplars();
  /** Records that were not durations (negative, infinite, not a number). They change nothing else. */
  rejected = 0;

  /** Of the present interval: sum, and sum of squares. */
  #sum = 0;
  #squares = 0;
  /** Of all intervals before it, and of the last of these. */
  #closed = noMoments;
  #interval = noMoments;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  readonly #last = new Ring();

  /**
   * Takes a duration in seconds; false where it is not one and was only counted as `rejected`. This is the hot path,
   * called for every kernel: typed arrays only, nothing is allocated but when an array grows.
   */
  record(seconds: number): boolean {
    // The type as well: JavaScript programs hand over '0.5', and a sum of texts is a text.
    if (!(typeof seconds === 'number' && seconds >= 0 && seconds <= longest)) {
      this.rejected += 1;
      return false;
    }
    const duration = seconds + 0; // -0 becomes 0
    this.#sum += duration;
    this.#squares += duration * duration;
    if (duration < this.#min) this.#min = duration;
    if (duration > this.#max) this.#max = duration;
    this.sketch.record(duration);
    this.#last.push(duration);
    return true;
  }

  /** Durations recorded since it began. */
  get count(): number {
    return this.sketch.count;
  }

  /** Their sum, in seconds. */
  get sum(): number {
    return this.#closed.sum + this.#sum;
  }

  /** Count, sum and spread since it began. Not of what was unpacked. */
  get moments(): Moments {
    return joinMoments(this.#closed, this.#open());
  }

  /** The same of the last closed interval. */
  get interval(): Moments {
    return this.#interval;
  }

  /** Ends an interval, which `interval` then tells. */
  closeInterval(): void {
    this.#interval = this.#open();
    this.#closed = joinMoments(this.#closed, this.#interval);
    this.#sum = 0;
    this.#squares = 0;
    this.exemplars.closeInterval();
  }

  /** The shortest since it began, in seconds; `undefined` where there is none. */
  get min(): number | undefined {
    return this.count === 0 ? undefined : this.#min;
  }

  /** The longest since it began, in seconds; `undefined` where there is none. */
  get max(): number | undefined {
    return this.count === 0 ? undefined : this.#max;
  }

  /**
   * Statistics of the last 1000, in seconds and in single precision; `undefined` where there is none. Computed at
   * each call, some tens of microseconds.
   */
  window(): WindowStatistics | undefined {
    return windowStatistics(this.#last.toArray());
  }

  /**
   * The `q`-quantile (0 to 1, nearest rank) of all durations since it began, in seconds, within `sketchError` of the
   * true one between 0.93 ns and 17 min; `undefined` where there is none.
   */
  quantile(q: number): number | undefined {
    const value = this.sketch.quantile(q);
    return value === undefined ? undefined : Math.min(Math.max(value, this.#min), this.#max);
  }

  /** Takes all that another distribution holds; its last samples come after our own. */
  merge(other: Distribution): void {
    this.#sum += other.#sum;
    this.#squares += other.#squares;
    this.#closed = joinMoments(this.#closed, other.#closed);
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
    this.rejected += other.rejected;
    this.sketch.merge(other.sketch);
    for (const sample of other.#last.toArray()) this.#last.push(sample);
  }

  /** What it holds since it began; `undefined` where that is nothing. */
  pack(): PackedDistribution | undefined {
    if (this.count === 0) return undefined;
    const buckets: number[] = [];
    this.sketch.forEach((index, count) => void buckets.push(index, count));
    return { sum: this.sum, min: this.#min, max: this.#max, zeros: this.sketch.zeroCount, buckets };
  }

  /** Takes what another distribution has packed. */
  unpack({ sum, min, max, zeros, buckets }: PackedDistribution): void {
    this.#sum += sum;
    this.#min = Math.min(this.#min, min);
    this.#max = Math.max(this.#max, max);
    this.sketch.addZeros(zeros);
    for (let i = 0; i + 1 < buckets.length; i += 2) this.sketch.add(buckets[i] as number, buckets[i + 1] as number);
  }
  #open(): Moments {
    const count = this.count - this.#closed.count;
    if (count === 0) return noMoments;
    const sum = this.#sum;
    return { count, sum, squares: Math.max(0, this.#squares - (sum * sum) / count) };
  }
}
