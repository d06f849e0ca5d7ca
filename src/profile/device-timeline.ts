/**
 * What all kernels of one device did together: the last 1000 executions whatever their kernel, and the time in which
 * at least one ran; beside it the time in which copies ran, either ran, and anything was queued or ran.
 */

import { Ring } from '../distribution/ring.ts';
import { type WindowStatistics, windowStatistics } from '../distribution/statistics.ts';
import { BusyTime } from './busy-time.ts';
import { MergedTime } from './merged-time.ts';
import { WindowAge } from './window-age.ts';

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
  readonly #copying: BusyTime;
  readonly #copies = new MergedTime();
  readonly #active: BusyTime;
  readonly #inFlight: BusyTime;
  readonly #durations = new Ring();
  readonly #age: WindowAge;
  /** Seconds of kernels whose start nobody knows, not yet handed to the busy times: the hot path adds one number. */
  #unplaced = 0;
  /** The clock as last read. */
  #seen: number;
  #utilization: number | undefined;

  constructor({ now, settleLag }: TimelineOptions) {
    this.#now = now;
    this.#created = now();
    this.#seen = this.#created;
    this.#age = new WindowAge(this.#durations, this.#created);
    this.#busy = new BusyTime(this.#created, settleLag);
    this.#copying = new BusyTime(this.#created, settleLag);
    this.#active = new BusyTime(this.#created, settleLag);
    this.#inFlight = new BusyTime(this.#created, settleLag);
  }

  /** An execution of which only the duration is known, in seconds. Hot path. */
  ran(duration: number): void {
    this.#durations.push(duration);
    this.#unplaced += duration;
  }

  /**
   * An execution that began at `start`, in process seconds, after it had been queued for `wait`. One that ends ahead of
   * the clock has no known place.
   */
  ranAt(start: number, duration: number, wait?: number): void {
    const waited = isWait(wait) ? wait : 0;
    this.#durations.push(duration);
    if (!this.#isPast(start + duration)) {
      this.#unplaced += duration;
      return;
    }
    this.#busy.add(start, duration);
    this.#active.add(start, duration);
    this.#inFlight.add(start - waited, waited + duration);
  }

  /** A copy that took `duration` seconds; `start` where it is known. */
  copied(duration: number, start?: number): void {
    this.#copies.add(duration, start);
    const placed = start !== undefined && this.#isPast(start + duration);
    for (const time of [this.#copying, this.#active, this.#inFlight]) {
      if (placed) time.add(start, duration);
      else time.addUnplaced(duration);
    }
  }

  /** Seconds with at least one kernel running; behind the clock by the lag. Never falls. */
  get busySeconds(): number {
    this.#handOver();
    return this.#busy.seconds;
  }

  /** The same up to `now`, as far as executions have been told. */
  busyUntil(now: number): number {
    this.#handOver();
    return this.#busy.secondsUntil(now);
  }

  /** The same with at least one copy running. */
  get copySeconds(): number {
    return this.#copying.seconds;
  }

  /**
   * Seconds of the copies that were told, in any direction, at the same time counted once: of the same copies as their
   * bytes, while `copySeconds` is behind the clock.
   */
  get copySecondsTold(): number {
    return this.#copies.seconds;
  }

  /** The same with at least one kernel or copy running. */
  get activeSeconds(): number {
    this.#handOver();
    return this.#active.seconds;
  }

  /** The same with at least one kernel or copy queued or running. */
  get inFlightSeconds(): number {
    this.#handOver();
    return this.#inFlight.seconds;
  }

  /** Share of the last closed interval that was busy, 0 to 1; `undefined` before the first. */
  get utilization(): number | undefined {
    return this.#utilization;
  }

  /** Statistics of the last 1000 executions, or of the last `latest`, in seconds; `undefined` where there is none. */
  window(latest?: number): WindowStatistics | undefined {
    return windowStatistics(this.#durations.toArray(latest));
  }

  /** Age of the oldest of them in seconds, at most one interval too high; `undefined` where there is none. */
  windowAge(now: number): number | undefined {
    return this.#age.at(now);
  }

  settle(now: number): void {
    for (const time of this.#times()) time.settle(now);
  }

  closeInterval(now: number): void {
    this.#handOver();
    const closed = this.#busy.close(now);
    if (closed !== undefined) this.#utilization = closed.busy / closed.length;
    for (const time of [this.#copying, this.#active, this.#inFlight]) time.close(now);
    this.#copies.close();
    this.#age.tick(now);
  }

  /** Nothing is known of the present any more. */
  forget(): void {
    this.#utilization = undefined;
  }

  /** An interval begins at `now`; what lies between the last one and it is no part of any. */
  reopen(now: number): void {
    this.#handOver();
    for (const time of this.#times()) time.reopen(now);
    this.#age.tick(now);
  }

  #times(): BusyTime[] {
    return [this.#busy, this.#copying, this.#active, this.#inFlight];
  }

  #handOver(): void {
    for (const time of [this.#busy, this.#active, this.#inFlight]) time.addUnplaced(this.#unplaced);
    this.#unplaced = 0;
  }

  /** Device clocks are calibrated, not equal: a second ahead of ours is let pass. False for what is not a time. */
  #isPast(time: number): boolean {
    if (time <= this.#seen) return true;
    this.#seen = this.#now();
    return time <= this.#seen + 1;
  }
}

/** What a driver tells of a wait may be anything. A run that has none began to be in flight when it began. */
function isWait(wait: unknown): wait is number {
  return typeof wait === 'number' && wait >= 0 && wait < Number.POSITIVE_INFINITY;
}
