/** The copies of one device in one direction: how long they took, how much they moved, and how fast. */
import type { TransferDirection } from '../activity.ts';
import { Distribution } from '../distribution/distribution.ts';
import type { DeviceTimeline } from './device-timeline.ts';
import { FailureCounts, type FailureSeries, type SeriesAttributes } from './failure-counts.ts';
import { MergedTime } from './merged-time.ts';

/** Copies of so many bytes show what the way to the device can carry; smaller ones are mostly overhead. */
const largeBytes = 2 ** 20;

/** All copies of a device in one direction. Bound once, then recorded to; valid for as long as the device's profile. */
export class Transfer {
  readonly direction: TransferDirection;
  /** Frozen, and the same object for as long as the device is known. */
  readonly attributes: SeriesAttributes;
  /** Durations of successful copies, in seconds. */
  readonly distribution = new Distribution();

  #bytes = 0;
  #rejected = 0;
  #largeCount = 0;
  #largeBytes = 0;
  #largeSeconds = 0;
  readonly #timeline: DeviceTimeline;
  readonly #failures: FailureCounts;
  /** Of the present interval. */
  #intervalBytes = 0;
  readonly #time = new MergedTime();
  #bandwidth: number | undefined;

  constructor(direction: TransferDirection, device: SeriesAttributes, timeline: DeviceTimeline) {
    this.direction = direction;
    this.#timeline = timeline;
    this.attributes = Object.freeze({ ...device, 'accelmeter.transfer.direction': direction });
    this.#failures = new FailureCounts(this.attributes);
  }

  /** A copy of `bytes` that took `seconds`. */
  record(bytes: number, seconds: number): void {
    if (!this.#take(bytes, seconds)) return;
    this.#time.add(seconds);
    this.#timeline.copied(seconds);
  }

  /** The same where it is known when it began, in process seconds: copies at the same time share their time. */
  recordAt(start: number, bytes: number, seconds: number): void {
    if (!this.#take(bytes, seconds)) return;
    this.#timeline.copied(seconds, start);
    this.#time.add(seconds, start);
  }

  /** A copy that failed, by `error.type`. Its bytes and duration are in no statistic. */
  recordFailure(errorType: string): void {
    this.#failures.record(errorType);
  }

  /** Bytes moved since the device is known. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Copies of at least 1 MiB, since the device is known; `seconds` is the sum of their times. */
  get large(): { readonly count: number; readonly bytes: number; readonly seconds: number } {
    return { count: this.#largeCount, bytes: this.#largeBytes, seconds: this.#largeSeconds };
  }

  /** For how long at least one copy ran since the device is known, in seconds. */
  get busySeconds(): number {
    return this.#time.seconds;
  }

  /**
   * Bytes a second while copies ran, of the copies told in the last closed interval. `undefined` where it had none: a
   * rate of some time ago is not the rate of now.
   */
  get bandwidth(): number | undefined {
    return this.#bandwidth;
  }

  /** True once anything, also a failure, was recorded. */
  get used(): boolean {
    return this.distribution.count + this.#failures.total > 0;
  }

  /** Records that were not copies: bytes or seconds negative, infinite or not a number. They change nothing else. */
  get rejected(): number {
    return this.#rejected + this.distribution.rejected;
  }

  /** Failed copies of all types. */
  get failureCount(): number {
    return this.#failures.total;
  }

  /** Failed copies by `error.type`. */
  get failures(): ReadonlyMap<string, number> {
    return this.#failures.byType();
  }

  /** The same as series, with their attributes. */
  get failureSeries(): Iterable<FailureSeries> {
    return this.#failures.series();
  }

  /**
   * Ends the interval. Each copy counts whole in the interval in which it is told, so that bytes and time are always
   * those of the same copies.
   */
  closeInterval(): void {
    const seconds = this.#time.close();
    this.#bandwidth = seconds > 0 ? this.#intervalBytes / seconds : undefined;
    this.#intervalBytes = 0;
  }

  /** Closes the interval without a word on its bandwidth: measuring paused in it. */
  forget(): void {
    this.closeInterval();
    this.#bandwidth = undefined;
  }

  #take(bytes: number, seconds: number): boolean {
    if (!(Number.isFinite(bytes) && bytes >= 0)) {
      this.#rejected += 1;
      return false;
    }
    if (!this.distribution.record(seconds)) return false;
    this.#bytes += bytes;
    this.#intervalBytes += bytes;
    if (bytes >= largeBytes) {
      this.#largeCount += 1;
      this.#largeBytes += bytes;
      this.#largeSeconds += seconds;
    }
    return true;
  }
}
