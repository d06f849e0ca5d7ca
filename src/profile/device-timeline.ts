/**
 * What all kernels of one device did together: the last 1000 executions whatever their kernel, and the time in which
 * at least one ran.
 */

import { Ring } from '../distribution/ring.ts';
import { type WindowStatistics, windowStatistics } from '../distribution/statistics.ts';
import { BusyTime } from './busy-time.ts';

export interface TimelineOptions {
  /** Process seconds. */
  readonly now: () => number;
  /** How many seconds a record may be late and still count in full as busy time. */
  readonly settleLag: number;
}

export class DeviceTimeline {
  readonly #now: () => number;
  readonly #created: number;
  readonly #busy: BusyTime;
  readonly #durations = new Ring();
  /** For each of them the last tick before it, in seconds after `#created`: the clock is not read for every kernel. */
  readonly #ticks = new Ring();
  #tick = 0;
  /** The clock as last read. */
  #seen: number;
  #utilization: number | undefined;

  constructor({ now, settleLag }: TimelineOptions) {
    this.#now = now;
    this.#created = now();
    this.#seen = this.#created;
    this.#busy = new BusyTime(this.#created, settleLag);
  }

  /** An execution of which only the duration is known, in seconds. Hot path. */
  ran(duration: number): void {
    this.#durations.push(duration);
    this.#ticks.push(this.#tick);
    this.#busy.addUnplaced(duration);
  }

  /** An execution that began at `start`, in process seconds. One that ends ahead of the clock has no known place. */
  ranAt(start: number, duration: number): void {
    this.#durations.push(duration);
    this.#ticks.push(this.#tick);
    if (this.#isPast(start + duration)) this.#busy.add(start, duration);
    else this.#busy.addUnplaced(duration);
  }

  /** Seconds with at least one kernel running; behind the clock by the lag. Never falls. */
  get busySeconds(): number {
    return this.#busy.seconds;
  }

  /** The same up to `now`, as far as executions have been told. */
  busyUntil(now: number): number {
    return this.#busy.secondsUntil(now);
  }

  /** Share of the last closed interval that was busy, 0 to 1; `undefined` before the first. */
  get utilization(): number | undefined {
    return this.#utilization;
  }

  /** Statistics of the last 1000 executions, in seconds; `undefined` where there is none. */
  window(): WindowStatistics | undefined {
    return windowStatistics(this.#durations.toArray());
  }

  /** Age of the oldest of them in seconds, at most one interval too high; `undefined` where there is none. */
  windowAge(now: number): number | undefined {
    const tick = this.#ticks.oldest;
    return tick === undefined ? undefined : Math.max(0, now - this.#created - tick);
  }

  settle(now: number): void {
    this.#busy.settle(now);
  }

  closeInterval(now: number): void {
    const closed = this.#busy.close(now);
    if (closed !== undefined) this.#utilization = closed.busy / closed.length;
    this.#tick = Math.max(this.#tick, now - this.#created);
  }

  /** Nothing is known of the present any more. */
  forget(): void {
    this.#utilization = undefined;
  }

  /** An interval begins at `now`; what lies between the last one and it is no part of any. */
  reopen(now: number): void {
    this.#busy.reopen(now);
    this.#tick = Math.max(this.#tick, now - this.#created);
  }

  /** Device clocks are calibrated, not equal: a second ahead of ours is let pass. False for what is not a time. */
  #isPast(time: number): boolean {
    if (time <= this.#seen) return true;
    this.#seen = this.#now();
    return time <= this.#seen + 1;
  }
}
