/**
 * The statistics of a snapshot: of executions and of memory. Fields are those of DotCompute's performance profiling
 * guide, in camelCase; times are in milliseconds, MB are 2^20 bytes, as there.
 *
 * Averages, minima, maxima and counts are of the device's lifetime; percentiles and standard deviation of its last
 * 1000 successful executions. A statistic without a sample is `undefined`, never 0.
 */
import type { Distribution } from './distribution/distribution.ts';
import type { WindowStatistics } from './distribution/statistics.ts';
import type { DeviceProfile } from './profile/device-profile.ts';

/** Statistics of executions, of one kernel or of all kernels of a device. */
export interface KernelProfilingStats {
  /** Failed ones included. */
  readonly totalExecutions: number;
  /** Running average since measuring began. Hides change; `windowAverageExecutionTimeMs` shows it. */
  readonly averageExecutionTimeMs: number | undefined;
  /** Average of the last 1000. */
  readonly windowAverageExecutionTimeMs: number | undefined;
  readonly minExecutionTimeMs: number | undefined;
  readonly maxExecutionTimeMs: number | undefined;
  readonly medianExecutionTimeMs: number | undefined;
  readonly p95ExecutionTimeMs: number | undefined;
  readonly p99ExecutionTimeMs: number | undefined;
  /** Of the sample (n − 1); needs two executions. */
  readonly standardDeviationMs: number | undefined;
  readonly totalExecutionTimeMs: number;
  readonly failedExecutions: number;
  /** 0 to 1; 1 where nothing was executed. */
  readonly successRate: number;
}

/** Statistics of memory and copies. A part that nothing was told of is `undefined`. */
export interface MemoryProfilingStats {
  readonly totalAllocations: number | undefined;
  readonly totalBytesAllocated: number | undefined;
  readonly currentMemoryUsageBytes: number | undefined;
  readonly peakMemoryUsageBytes: number | undefined;
  readonly hostToDeviceTransfers: number | undefined;
  readonly hostToDeviceBytes: number | undefined;
  readonly deviceToHostTransfers: number | undefined;
  readonly deviceToHostBytes: number | undefined;
  /** Of copies in any direction. */
  readonly averageTransferTimeMs: number | undefined;
  /** Bytes over the time in which copies ran, in any direction, since measuring began. In 2^20 bytes a second. */
  readonly bandwidthMBps: number | undefined;
}

/** Statistics of each kernel by name, "other" among them once it has any. Sorts the last samples of each. */
export function takeKernelStatistics(profile: DeviceProfile): ReadonlyMap<string, KernelProfilingStats> {
  return new Map(
    Array.from(profile.kernels(), ({ name, distribution, failureCount }) => {
      const { count, sum, min, max } = distribution;
      return [name, kernelStatistics({ count, sum, min, max, failures: failureCount, window: distribution.window() })];
    }),
  );
}

/** Statistics of all kernels of the device together. */
export function deviceStatistics(profile: DeviceProfile): KernelProfilingStats {
  return kernelStatistics({ ...profile.totals(), window: profile.window() });
}

interface Executions {
  readonly count: number;
  /** Seconds, as `min`, `max` and the window. */
  readonly sum: number;
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly failures: number;
  readonly window: WindowStatistics | undefined;
}

function kernelStatistics({ count, sum, min, max, failures, window }: Executions): KernelProfilingStats {
  const total = count + failures;
  // The last samples are in single precision, the bounds are not: 100 ms would have a median above their maximum.
  const withinBounds = (seconds: number | undefined) =>
    seconds === undefined ? undefined : Math.min(Math.max(seconds, min ?? seconds), max ?? seconds);
  return Object.freeze({
    totalExecutions: total,
    averageExecutionTimeMs: count > 0 ? milliseconds(sum / count) : undefined,
    windowAverageExecutionTimeMs: milliseconds(withinBounds(window?.mean)),
    minExecutionTimeMs: milliseconds(min),
    maxExecutionTimeMs: milliseconds(max),
    medianExecutionTimeMs: milliseconds(withinBounds(window?.p50)),
    p95ExecutionTimeMs: milliseconds(withinBounds(window?.p95)),
    p99ExecutionTimeMs: milliseconds(withinBounds(window?.p99)),
    standardDeviationMs: milliseconds(window?.stddev),
    totalExecutionTimeMs: sum * 1000,
    failedExecutions: failures,
    successRate: total > 0 ? count / total : 1,
  });
}

/** `undefined` where neither an allocation nor a copy was ever told. */
export function memoryStatistics(profile: DeviceProfile): MemoryProfilingStats | undefined {
  const { memory } = profile;
  const transfers = profile.transfers;
  if (memory.allocations === undefined && transfers.length === 0) return undefined;
  const seen = transfers.length > 0;
  const toDevice = seen ? profile.transfer('host_to_device') : undefined;
  const toHost = seen ? profile.transfer('device_to_host') : undefined;
  const { count, sum } = together(transfers.map(({ distribution }) => distribution));
  const busy = profile.workSeconds.copySecondsTold;
  const bytes = transfers.reduce((total, transfer) => total + transfer.bytes, 0);
  return Object.freeze({
    totalAllocations: memory.allocations,
    totalBytesAllocated: memory.allocatedBytes,
    currentMemoryUsageBytes: memory.usage,
    peakMemoryUsageBytes: memory.peak,
    hostToDeviceTransfers: toDevice?.distribution.count,
    hostToDeviceBytes: toDevice?.bytes,
    deviceToHostTransfers: toHost?.distribution.count,
    deviceToHostBytes: toHost?.bytes,
    averageTransferTimeMs: count > 0 ? milliseconds(sum / count) : undefined,
    bandwidthMBps: busy > 0 ? bytes / 2 ** 20 / busy : undefined,
  });
}

/** Count, sum and bounds of several streams; of streams without a sample, `min` is +Infinity and `max` -Infinity. */
export function together(distributions: readonly Distribution[]) {
  const empty = { count: 0, sum: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };
  return distributions.reduce(
    (all, { count, sum, min = all.min, max = all.max }) => ({
      count: all.count + count,
      sum: all.sum + sum,
      min: Math.min(all.min, min),
      max: Math.max(all.max, max),
    }),
    empty,
  );
}

function milliseconds(seconds: number): number;
function milliseconds(seconds: number | undefined): number | undefined;
function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000;
}
