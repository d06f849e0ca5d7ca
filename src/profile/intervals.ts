/** The closed intervals of a device: disjoint, as the profiler's ticks end them, and none over a pause. */
import { type Counters, countersSince } from './counters.ts';

/** Seconds. What is shorter is not closed as an interval of its own, since a rate over it would mean nothing. */
export const shortestInterval = 0.05;

/** Throughput is over so many intervals: the window of the analyzer. */
const throughputIntervals = 12;

/** One closed interval. */
export interface Interval {
  /** One more than that of the interval before, also over a pause. */
  readonly number: number;
  readonly seconds: number;
  /** What the device did in it, as far as it was told in it. */
  readonly counters: Counters;
}

export class Intervals {
  /** Since when measuring goes on without a pause, in process seconds. */
  measuredSince: number;
  /** The last closed one; `undefined` before the first and from a pause on. */
  last: Interval | undefined;
  #number = 0;
  #counters: Counters;
  /** Where the last intervals began, the present one last; empty in a pause. */
  #closings: { readonly at: number; readonly operations: number }[];

  constructor(now: number, counters: Counters) {
    this.measuredSince = now;
    this.#counters = counters;
    this.#closings = [{ at: now, operations: operationsOf(counters) }];
  }

  /** How long the present interval has lasted; `undefined` in a pause. */
  openFor(now: number): number | undefined {
    const last = this.#closings.at(-1);
    return last && now - last.at;
  }

  close(now: number, counters: Counters): void {
    this.#number += 1;
    this.last = {
      number: this.#number,
      seconds: this.openFor(now) ?? 0,
      counters: countersSince(this.#counters, counters),
    };
    this.#counters = counters;
    this.#closings.push({ at: now, operations: operationsOf(counters) });
    if (this.#closings.length > throughputIntervals + 1) this.#closings.shift();
  }

  /** Measuring pauses. */
  forget(): void {
    this.#closings = [];
    this.last = undefined;
  }

  /** Measuring goes on: what came in the meantime belongs to no interval. */
  restart(now: number, counters: Counters): void {
    this.measuredSince = now;
    this.#counters = counters;
    this.#closings = [{ at: now, operations: operationsOf(counters) }];
  }

  /** Executions a second, failed ones included, over the last 12 intervals; `undefined` before the first has ended. */
  get throughput(): number | undefined {
    const from = this.#closings[0];
    const to = this.#closings.at(-1);
    if (from === undefined || to === undefined || !(to.at > from.at)) return undefined;
    return (to.operations - from.operations) / (to.at - from.at);
  }
}

function operationsOf({ executions, failures }: Counters): number {
  return executions + failures;
}
