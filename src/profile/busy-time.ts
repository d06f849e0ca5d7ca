/**
 * For how long at least one of many overlapping pieces of work ran. Pieces are told when they have ended, late and
 * out of order, so time is settled only up to a watermark that follows the clock at a distance.
 *
 * All times are process seconds.
 */

/** How many disjoint intervals of a device's work wait to be settled, at most. */
const maxPending = 512;

/** A bounded set of disjoint intervals of time, in order: the union of all that were added. */
export class IntervalSet {
  readonly #capacity: number;
  #starts = new Float64Array(32);
  #ends = new Float64Array(32);
  #size = 0;
  /** Where the last time ends that was taken; before the first taking, the beginning of time. */
  takenUntil = Number.NEGATIVE_INFINITY;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#size;
  }

  /** True where one more interval may not find room. */
  get full(): boolean {
    return this.#size >= this.#capacity;
  }

  /** How long the intervals are together. */
  get duration(): number {
    let duration = 0;
    for (let i = 0; i < this.#size; i++) duration += (this.#ends[i] as number) - (this.#starts[i] as number);
    return duration;
  }

  /** Where the later half of the intervals begins; `undefined` for fewer than two. */
  get middle(): number | undefined {
    return this.#size < 2 ? undefined : this.#starts[this.#size >> 1];
  }

  /** Adds an interval, joined with those that it touches. Without effect where the set is full or `end` <= `start`. */
  add(start: number, end: number): void {
    if (!(end > start) || this.full) return;
    const from = this.#firstEndingFrom(start);
    let to = from;
    while (to < this.#size && (this.#starts[to] as number) <= end) to += 1;
    if (from === to) {
      this.#move(from, from + 1);
      this.#starts[from] = start;
      this.#ends[from] = end;
      return;
    }
    this.#starts[from] = Math.min(start, this.#starts[from] as number);
    this.#ends[from] = Math.max(end, this.#ends[to - 1] as number);
    if (to > from + 1) this.#move(to, from + 1);
  }

  /** Removes all that lies before `edge`, splitting the interval that crosses it, and answers how long it was. */
  takeBefore(edge: number): number {
    let taken = 0;
    let passed = 0;
    while (passed < this.#size && (this.#ends[passed] as number) <= edge) {
      taken += (this.#ends[passed] as number) - (this.#starts[passed] as number);
      this.takenUntil = this.#ends[passed] as number;
      passed += 1;
    }
    if (passed < this.#size && (this.#starts[passed] as number) < edge) {
      taken += edge - (this.#starts[passed] as number);
      this.#starts[passed] = edge;
      this.takenUntil = edge;
    }
    if (passed > 0) this.#move(passed, 0);
    return taken;
  }

  /** Index of the first interval that ends at `time` or later. New work mostly comes last. */
  #firstEndingFrom(time: number): number {
    if (this.#size === 0 || (this.#ends[this.#size - 1] as number) < time) return this.#size;
    let low = 0;
    let high = this.#size - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ends[middle] as number) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Moves the intervals from index `from` on to index `to` on. */
  #move(from: number, to: number): void {
    const size = this.#size + to - from;
    if (size > this.#starts.length) {
      const starts = new Float64Array(this.#starts.length * 2);
      const ends = new Float64Array(starts.length);
      starts.set(this.#starts);
      ends.set(this.#ends);
      this.#starts = starts;
      this.#ends = ends;
    }
    this.#starts.copyWithin(to, from, this.#size);
    this.#ends.copyWithin(to, from, this.#size);
    this.#size = size;
  }
}

/** How a closed interval of the profiler was used. */
export interface ClosedInterval {
  /** How much of it was busy, in seconds; never more than `length`. */
  readonly busy: number;
  /** How long it was, in seconds; more than 0. */
  readonly length: number;
}

/**
 * Busy time of one device. Work with a known start is merged; of work whose start nobody knows, the durations are
 * added, and an interval is never busier than it is long.
 */
export class BusyTime {
  readonly #pending = new IntervalSet(maxPending);
  readonly #lag: number;
  /** What ended before this has been settled. Never goes back. */
  #watermark: number;
  /** Where the last settled work ends: what is told later is new from here on, and may overlap what came before. */
  #busyUntil: number;
  /** The watermark when the present interval began. */
  #opened: number;
  #closed = 0;
  #merged = 0;
  #unplaced = 0;

  /** `lag`: how many seconds a piece of work may be late. `now`: when measuring begins. */
  constructor(now: number, lag: number) {
    this.#lag = lag;
    this.#watermark = now - lag;
    this.#opened = this.#watermark;
    this.#busyUntil = this.#watermark;
  }

  /** Seconds that were busy, up to the watermark. Never falls. */
  get seconds(): number {
    return this.#closed + this.#open();
  }

  /** The same up to `now`, as far as work has been told: nothing is settled by it, and more may come. */
  secondsUntil(now: number): number {
    const told = this.#merged + this.#unplaced + this.#pending.duration;
    return this.#closed + Math.min(Math.max(0, now - this.#opened), told);
  }

  /** Work that ran from `start` for `duration` seconds. */
  add(start: number, duration: number): void {
    const end = start + duration;
    const from = Math.max(start, this.#busyUntil);
    if (!(end > from)) return;
    if (from < this.#watermark) this.#addLate(from, Math.min(end, this.#watermark));
    if (!(end > this.#watermark)) return;
    if (this.#pending.full) this.#settleTo(this.#pending.middle as number);
    this.#pending.add(Math.max(from, this.#watermark), end);
  }

  /** What is told after its time was settled: a kernel that ran for longer than the lag is, when it ends. */
  #addLate(from: number, to: number): void {
    // Before the present interval it was busy all the same, but that interval's share has been told.
    this.#closed += Math.max(0, Math.min(to, this.#opened) - from);
    this.#merged += Math.max(0, to - Math.max(from, this.#opened));
    this.#busyUntil = to;
  }

  /** Work of which only the duration is known. */
  addUnplaced(duration: number): void {
    this.#unplaced += duration;
  }

  /** Settles what is older than the lag. */
  settle(now: number): void {
    const edge = now - this.#lag;
    if (edge > this.#watermark) this.#settleTo(edge);
  }

  /** Settles, and closes the interval since the last close. `undefined`, with nothing closed, where it has no length. */
  close(now: number): ClosedInterval | undefined {
    this.settle(now);
    const length = this.#watermark - this.#opened;
    if (!(length > 0)) return undefined;
    const busy = this.#open();
    this.#closed += busy;
    this.#opened = this.#watermark;
    this.#merged = 0;
    this.#unplaced = 0;
    return { busy, length };
  }

  /** Settles everything and begins an interval at `now`: the time until then belongs to none. */
  reopen(now: number): void {
    if (now > this.#watermark) this.#settleTo(now);
    this.#closed += this.#open();
    this.#opened = this.#watermark;
    this.#merged = 0;
    this.#unplaced = 0;
  }

  #open(): number {
    return Math.min(this.#watermark - this.#opened, this.#merged + this.#unplaced);
  }

  #settleTo(edge: number): void {
    this.#merged += this.#pending.takeBefore(edge);
    this.#busyUntil = Math.max(this.#busyUntil, this.#pending.takenUntil);
    this.#watermark = edge;
  }
}
