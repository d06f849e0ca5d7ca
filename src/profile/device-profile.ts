/**
 * Everything known of one device: its identity, its latest readings, and the statistics of what it did. Backends
 * deliver activities to it, the program records to it, and snapshots and metrics are read from it. Nothing is exported
 * from here, and nothing here grows without a bound.
 */
import type { Activity, ActivitySink, KernelActivity, TransferActivity, TransferDirection } from '../activity.ts';
import type { DeviceIdentity, Reading } from '../backend.ts';
import { Distribution } from '../distribution/distribution.ts';
import type { WindowStatistics } from '../distribution/statistics.ts';
import type { ProfilingMetric } from '../profiling-metrics.ts';
import { countersOf } from './counters.ts';
import { CustomMetrics } from './custom-metrics.ts';
import { DeviceTimeline } from './device-timeline.ts';
import { FailureCounts, type SeriesAttributes } from './failure-counts.ts';
import { type Interval, Intervals, shortestInterval } from './intervals.ts';
import { type Kernel, KernelTable, type KernelTableOptions, type KernelTotals } from './kernel-table.ts';
import { MemoryAccount } from './memory-account.ts';
import { Transfer } from './transfer.ts';

export interface DeviceProfileOptions extends KernelTableOptions {
  /** The clock, in process seconds. By default `performance.now() / 1000`. */
  readonly now?: () => number;
  /** How many seconds a kernel may be told after it ended and still count in full as busy time. 1 by default. */
  readonly settleLag?: number;
}

const directions = ['host_to_device', 'device_to_host', 'device_to_device', 'peer_to_peer'] as const;

export class DeviceProfile implements ActivitySink {
  readonly identity: DeviceIdentity;
  /** On every point about the device. Frozen, and the same object for as long as the device is known. */
  readonly attributes: SeriesAttributes;
  /** Since when the device is known, in process seconds. */
  readonly since: number;
  readonly memory = new MemoryAccount();
  /** How long executions waited from being queued to their start, in seconds. */
  readonly queueWait = new Distribution();
  /** How long compilations took, in seconds. */
  readonly compilation = new Distribution();
  /** Compilations that failed; their durations are in no statistic. */
  readonly compilationFailures: FailureCounts;
  /** Allocations that failed. */
  readonly allocationFailures: FailureCounts;

  readonly #kernels: KernelTable;
  readonly #timeline: DeviceTimeline;
  readonly #transfers: ReadonlyMap<string, Transfer>;
  readonly #custom: CustomMetrics;
  readonly #intervals: Intervals;
  #readings: readonly Reading[] = [];
  #givenUtilization: number | undefined;
  #delivered = 0;
  #malformed = 0;

  constructor(identity: DeviceIdentity, options: DeviceProfileOptions = {}) {
    const now = options.now ?? (() => performance.now() / 1000);
    this.identity = identity;
    this.since = now();
    this.attributes = Object.freeze({
      'hw.id': identity.id,
      'hw.type': identity.type,
      'accelmeter.backend': identity.backend,
    });
    this.#timeline = new DeviceTimeline({ now, settleLag: options.settleLag ?? 1 });
    this.#kernels = new KernelTable(this.attributes, this.#timeline, options);
    this.#transfers = new Map(
      directions.map((direction) => [direction, new Transfer(direction, this.attributes, this.#timeline)]),
    );
    this.compilationFailures = new FailureCounts(this.attributes);
    this.allocationFailures = new FailureCounts(this.attributes);
    this.#custom = new CustomMetrics(this.attributes);
    this.#intervals = new Intervals(this.since, countersOf(this));
  }

  // Recording

  /** Takes what a backend saw. Never throws; what is malformed is counted in `rejected`. */
  deliver(activity: Activity): void {
    this.#delivered += 1;
    try {
      switch (activity.kind) {
        case 'kernel':
          this.#deliverKernel(activity);
          break;
        case 'transfer':
          this.#deliverTransfer(activity);
          break;
        case 'compilation':
          if (activity.failed !== undefined) this.compilationFailures.record(activity.failed);
          else this.compilation.record(activity.duration);
          break;
        case 'allocation':
          if (activity.failed !== undefined) this.allocationFailures.record(activity.failed);
          else if (activity.bytes < 0) this.memory.freed(-activity.bytes);
          else this.memory.allocated(activity.bytes);
          break;
        default:
          this.#malformed += 1;
      }
    } catch {
      this.#malformed += 1;
    }
  }

  /** The kernel of that name, bound once and then recorded to. Admitted at once while there is a place for it. */
  kernel(name: string): Kernel {
    return this.#kernels.bind(name);
  }

  /** The copies in one direction, bound once and then recorded to. Throws a RangeError for an unknown direction. */
  transfer(direction: TransferDirection): Transfer {
    const transfer = this.#transfers.get(direction);
    if (transfer !== undefined) return transfer;
    throw new RangeError(`unknown transfer direction "${direction}"; there are ${directions.join(', ')}`);
  }

  /** Sets a value of the program's own, by the metric's name; the last one reported counts. Never throws. */
  report(metric: ProfilingMetric): void {
    try {
      this.#custom.report(metric);
    } catch {
      this.#malformed += 1;
    }
  }

  /** Sets the values polled last. An empty list where the device has gone quiet: nothing old stays. */
  setReadings(readings: readonly Reading[]): void {
    this.#readings = readings;
  }

  /** False while nobody tells what the device does: that it is idle was then not seen. */
  workSeen = true;

  /** Sets the utilization of a CPU device, 0 to 1, which its backend reads from the system. */
  setUtilization(ratio: number | undefined): void {
    this.#givenUtilization = ratio !== undefined && ratio >= 0 ? Math.min(ratio, 1) : undefined;
  }

  // The tick

  /** Brings `busySeconds` up to `now` less the lag. For drains and collections; closes nothing. */
  settle(now: number): void {
    this.#timeline.settle(now);
  }

  /**
   * Ends an interval at `now`, in process seconds: busy time and utilization, bandwidths, throughput, and which of
   * the kernels that waited are admitted. Where less than 50 ms have passed, or the clock went back, the interval goes
   * on and only the kernels are settled.
   */
  closeInterval(now: number): void {
    const seconds = this.#intervals.openFor(now);
    if (seconds === undefined) return; // paused
    this.#kernels.admit(Math.max(seconds, shortestInterval));
    if (!(seconds >= shortestInterval) || !Number.isFinite(seconds)) return;
    this.#timeline.closeInterval(now);
    for (const transfer of this.#transfers.values()) transfer.closeInterval();
    this.#closeDistributions();
    this.#intervals.close(now, countersOf(this));
  }

  /** Measuring pauses: counts stand where they are, and what was true of the last interval is not told any more. */
  pause(now: number): void {
    this.closeInterval(now);
    this.#timeline.forget();
    for (const transfer of this.#transfers.values()) transfer.forget();
    this.#intervals.forget();
    this.#readings = [];
    this.#givenUtilization = undefined;
  }

  /** Measuring goes on: rates and shares are since now. */
  resume(now: number): void {
    this.#timeline.reopen(now);
    for (const transfer of this.#transfers.values()) transfer.forget();
    this.#closeDistributions();
    this.#intervals.restart(now, countersOf(this));
  }

  #closeDistributions(): void {
    for (const kernel of this.#kernels.all()) kernel.closeInterval();
    this.queueWait.closeInterval();
  }

  // Reading

  /** The kernels that are exported, "other" among them from its first record on. */
  kernels(): Iterable<Kernel> {
    return this.#kernels.exported();
  }

  /** How many activities a backend has delivered. */
  get delivered(): number {
    return this.#delivered;
  }

  /** The directions in which anything was copied. */
  get transfers(): readonly Transfer[] {
    return Array.from(this.#transfers.values()).filter((transfer) => transfer.used);
  }

  /** The values that the program reported. */
  get custom(): CustomMetrics {
    return this.#custom;
  }

  get readings(): readonly Reading[] {
    return this.#readings;
  }

  /** Seconds in which at least one kernel ran; behind the clock by the lag. Never falls. */
  get busySeconds(): number {
    return this.#timeline.busySeconds;
  }

  /** The same up to `now`, as far as executions have been told. */
  busyUntil(now: number): number {
    return this.#timeline.busyUntil(now);
  }

  /** Seconds in which copies ran, in which anything did, and in which anything ran or was queued. */
  get workSeconds(): Pick<DeviceTimeline, 'copySeconds' | 'copySecondsTold' | 'activeSeconds' | 'inFlightSeconds'> {
    return this.#timeline;
  }

  /** Share of the last interval in which a kernel ran, 0 to 1; for a CPU what was set. `undefined` before the first. */
  get utilization(): number | undefined {
    if (!this.workSeen) return undefined;
    return this.identity.backend === 'cpu' ? this.#givenUtilization : this.#timeline.utilization;
  }

  /** Kernel executions since measuring began, failed ones included. */
  get executions(): number {
    const { count, failures } = this.#kernels.totals();
    return count + failures;
  }

  /** Executions a second, failed ones included, over the last 12 intervals; `undefined` before the first has ended. */
  get throughput(): number | undefined {
    return this.workSeen ? this.#intervals.throughput : undefined;
  }

  /** The last closed interval; `undefined` before the first and from a pause on. */
  get interval(): Interval | undefined {
    return this.#intervals.last;
  }

  /** Since when measuring goes on without a pause, in process seconds. */
  get measuredSince(): number {
    return this.#intervals.measuredSince;
  }

  /**
   * Statistics of the last 1000 executions whatever their kernel, or of the last `latest`, in seconds; `undefined` where
   * there is none.
   */
  window(latest?: number): WindowStatistics | undefined {
    return this.#timeline.window(latest);
  }

  /** Age of the oldest of these in seconds, at most one interval too high; `undefined` where there is none. */
  windowAge(now: number): number | undefined {
    return this.#timeline.windowAge(now);
  }

  /** Lifetime totals over all kernels. */
  totals(): KernelTotals {
    return this.#kernels.totals();
  }

  /** Distinct kernel names that count as "other", as far as they are remembered. Never falls. */
  get namesOther(): number {
    return this.#kernels.namesOther;
  }

  /** Records that were no measurements (negative, infinite, not a number, malformed). They changed nothing else. */
  get rejected(): number {
    let rejected = this.#malformed + this.memory.rejected + this.#custom.rejected;
    rejected += this.queueWait.rejected + this.compilation.rejected;
    for (const kernel of this.#kernels.all()) rejected += kernel.distribution.rejected;
    for (const transfer of this.#transfers.values()) rejected += transfer.rejected;
    return rejected;
  }

  #deliverKernel({ name, start, duration, wait, failed }: KernelActivity): void {
    const kernel = this.#kernels.find(name);
    if (failed !== undefined) kernel.recordFailure(failed);
    else kernel.recordAt(start, duration, wait);
    if (wait !== undefined && failed === undefined) this.queueWait.record(wait);
  }

  #deliverTransfer({ direction, bytes, start, duration, failed }: TransferActivity): void {
    if (failed !== undefined) this.transfer(direction).recordFailure(failed);
    else this.transfer(direction).recordAt(start, bytes, duration);
  }
}
