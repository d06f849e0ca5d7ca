/** For how long at least one of many pieces of work ran, each of which counts when it is told. */
import { IntervalSet } from './busy-time.ts';

/** How many disjoint pieces of an interval are held to be merged; when there are more, the earlier half is settled. */
const maxPlaced = 256;

export class MergedTime {
  readonly #placed = new IntervalSet(maxPlaced);
  #closed = 0;
  /** Of the present interval, without what is in `#placed`. */
  #interval = 0;

  /** A piece that took `seconds`; `start` where it is known. Those at the same time share their time. */
  add(seconds: number, start?: number): void {
    const end = (start ?? Number.NaN) + seconds;
    if (start === undefined || !Number.isFinite(end)) {
      this.#interval += seconds;
      return;
    }
    const middle = this.#placed.full ? this.#placed.middle : undefined;
    if (middle !== undefined) this.#interval += this.#placed.takeBefore(middle);
    this.#placed.add(start, end);
  }

  /** Since the first, in seconds. */
  get seconds(): number {
    return this.#closed + this.#interval + this.#placed.duration;
  }

  /** Ends an interval, and answers for how long anything ran that was told in it. */
  close(): number {
    const seconds = this.#interval + this.#placed.takeBefore(Number.POSITIVE_INFINITY);
    this.#closed += seconds;
    this.#interval = 0;
    return seconds;
  }
}
