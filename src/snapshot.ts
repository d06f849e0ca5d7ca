/**
 * What is known of one device at one moment, as an immutable picture for programs. Fields and metric types are those
 * of DotCompute's performance profiling guide, in camelCase; times are in milliseconds, MB are 2^20 bytes, as there.
 *
 * Averages, minima, maxima and counts are of the device's lifetime; percentiles and standard deviation of its last
 * 1000 successful executions. A statistic without a sample is `undefined`, never 0.
 */
import { catalogue, type Point, type ProcessDistribution, type ProcessPoint } from './catalogue.ts';
import type { Distribution } from './distribution/distribution.ts';
import type { WindowStatistics } from './distribution/statistics.ts';
import type { DeviceProfile } from './profile/device-profile.ts';

/** What a metric of a snapshot measures. */
export type ProfilingMetricType =
  | 'KernelExecutionTime'
  | 'MemoryTransferTime'
  | 'CompilationTime'
  | 'QueueWaitTime'
  | 'DeviceUtilization'
  | 'MemoryBandwidth'
  | 'Throughput'
  | 'Latency'
  | 'Custom';

/** One value of a snapshot, or one that a program reports through `device.report`. */
export interface ProfilingMetric {
  readonly type: ProfilingMetricType;
  readonly name: string;
  readonly value: number;
  readonly unit: string | undefined;
  /** The least and the greatest seen, where `value` is an average. */
  readonly minValue: number | undefined;
  readonly maxValue: number | undefined;
}

export const ProfilingMetric = Object.freeze({
  /** A frozen metric, its arguments in the guide's order. */
  create(
    type: ProfilingMetricType,
    value: number,
    name: string,
    unit?: string,
    minValue?: number,
    maxValue?: number,
  ): ProfilingMetric {
    return Object.freeze({ type, name, value, unit, minValue, maxValue });
  },
});

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

/** What is known of one device at one moment. */
export interface ProfilingSnapshot {
  readonly deviceId: string;
  readonly deviceName: string;
  readonly backendType: string;
  /** ISO 8601, in UTC. A string, because a Date can be changed. */
  readonly timestamp: string;
  /** False where nothing can be measured; `statusMessage` then says why. */
  readonly isAvailable: boolean;
  readonly metrics: readonly ProfilingMetric[];
  readonly kernelStats: KernelProfilingStats | undefined;
  readonly memoryStats: MemoryProfilingStats | undefined;
  /** 0 to 100, over the last interval. */
  readonly deviceUtilizationPercent: number | undefined;
  /** Kernel executions, failed ones included. */
  readonly totalOperations: number;
  /** Running average of the execution time since measuring began. */
  readonly averageLatencyMs: number | undefined;
  /** Executions a second, failed ones included, over the last 12 intervals. */
  readonly throughputOpsPerSecond: number | undefined;
  readonly statusMessage: string;
}

/**
 * The picture of a device at `now`, in process seconds. Consumes nothing. `process`: values of the process, which
 * belong to the CPU's picture.
 */
export function takeSnapshot(
  profile: DeviceProfile,
  now: number,
  process: readonly ProcessPoint[] = [],
): ProfilingSnapshot {
  const { identity, utilization, throughput } = profile;
  const { count, sum, min, max, failures } = profile.totals();
  const window = profile.window();
  const kernelStats = kernelStatistics({ count, sum, min, max, failures, window });
  const memoryStats = memoryStatistics(profile);
  return Object.freeze({
    deviceId: identity.id,
    deviceName: identity.name,
    backendType: identity.backend,
    timestamp: new Date(performance.timeOrigin + now * 1000).toISOString(),
    isAvailable: true,
    metrics: Object.freeze([
      ...workMetrics(profile, kernelStats, memoryStats),
      ...profile.readings.map(readingMetric),
      ...process.flatMap((point) => ('value' in point ? [readingMetric(point)] : distributionMetrics(point))),
      ...profile.custom.values(),
    ]),
    kernelStats,
    memoryStats,
    deviceUtilizationPercent: utilization === undefined ? undefined : utilization * 100,
    totalOperations: kernelStats.totalExecutions,
    averageLatencyMs: kernelStats.averageExecutionTimeMs,
    throughputOpsPerSecond: throughput,
    statusMessage: kernelStats.totalExecutions === 0 ? 'Measuring; no kernel has run yet.' : 'Measuring.',
  });
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

/** The snapshot of a device that can't be measured, and why. The guide's `CreateUnavailable`. */
export function createUnavailableSnapshot(
  deviceId: string,
  deviceName: string,
  backendType: string,
  reason: string,
): ProfilingSnapshot {
  return Object.freeze({
    deviceId,
    deviceName,
    backendType,
    timestamp: new Date().toISOString(),
    isAvailable: false,
    metrics: Object.freeze([]),
    kernelStats: undefined,
    memoryStats: undefined,
    deviceUtilizationPercent: undefined,
    totalOperations: 0,
    averageLatencyMs: undefined,
    throughputOpsPerSecond: undefined,
    statusMessage: reason,
  });
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
  return Object.freeze({
    totalExecutions: total,
    averageExecutionTimeMs: count > 0 ? milliseconds(sum / count) : undefined,
    windowAverageExecutionTimeMs: milliseconds(window?.mean),
    minExecutionTimeMs: milliseconds(min),
    maxExecutionTimeMs: milliseconds(max),
    medianExecutionTimeMs: milliseconds(window?.p50),
    p95ExecutionTimeMs: milliseconds(window?.p95),
    p99ExecutionTimeMs: milliseconds(window?.p99),
    standardDeviationMs: milliseconds(window?.stddev),
    totalExecutionTimeMs: sum * 1000,
    failedExecutions: failures,
    successRate: total > 0 ? count / total : 1,
  });
}

/** `undefined` where neither an allocation nor a copy was ever told. */
function memoryStatistics(profile: DeviceProfile): MemoryProfilingStats | undefined {
  const { memory } = profile;
  const transfers = profile.transfers;
  if (memory.allocations === undefined && transfers.length === 0) return undefined;
  const seen = transfers.length > 0;
  const toDevice = seen ? profile.transfer('host_to_device') : undefined;
  const toHost = seen ? profile.transfer('device_to_host') : undefined;
  const { count, sum } = together(transfers.map(({ distribution }) => distribution));
  const busy = transfers.reduce((total, { busySeconds }) => total + busySeconds, 0);
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

function* workMetrics(
  profile: DeviceProfile,
  kernels: KernelProfilingStats,
  memory: MemoryProfilingStats | undefined,
): Iterable<ProfilingMetric> {
  const { utilization, throughput } = profile;
  const { create } = ProfilingMetric;
  if (utilization !== undefined) yield create('DeviceUtilization', utilization * 100, 'Device utilization', '%');
  const { averageExecutionTimeMs: average, minExecutionTimeMs: min, maxExecutionTimeMs: max } = kernels;
  if (average !== undefined) {
    yield create('KernelExecutionTime', average, 'Kernel execution time', 'ms', min, max);
    yield create('Latency', average, 'Average latency', 'ms', min, max);
  }
  if (throughput !== undefined) yield create('Throughput', throughput, 'Throughput', 'ops/s');
  yield* durationMetric('QueueWaitTime', 'Queue wait time', [profile.queueWait]);
  yield* durationMetric('CompilationTime', 'Compilation time', [profile.compilation]);
  const transfers = profile.transfers.map(({ distribution }) => distribution);
  yield* durationMetric('MemoryTransferTime', 'Memory transfer time', transfers);
  if (memory?.bandwidthMBps !== undefined) {
    yield create('MemoryBandwidth', memory.bandwidthMBps, 'Memory bandwidth', 'MB/s');
  }
}

/** The average of some streams of durations, with their minimum and maximum; nothing where they are empty. */
function* durationMetric(
  type: ProfilingMetricType,
  name: string,
  distributions: readonly Distribution[],
): Iterable<ProfilingMetric> {
  const { count, sum, min, max } = together(distributions);
  if (count === 0) return;
  yield ProfilingMetric.create(type, (sum / count) * 1000, name, 'ms', min * 1000, max * 1000);
}

/** Of streams without a sample, `min` is +Infinity and `max` -Infinity. */
function together(distributions: readonly Distribution[]) {
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

/** A polled value under its name of the catalogue, in its unit: `process.cpu.time (user)`. */
function readingMetric({ name, value, attributes }: Point): ProfilingMetric {
  const { unit } = catalogue[name];
  const type = name === 'accelmeter.device.utilization' ? 'DeviceUtilization' : 'Custom';
  return ProfilingMetric.create(type, value, called(name, attributes), unit === '' ? undefined : unit);
}

/**
 * How often, `v8js.gc.duration count (minor)`, and where it was ever, how long on average, `v8js.gc.duration (minor)`,
 * in the catalogue's unit.
 */
function distributionMetrics({ name, attributes, distribution }: ProcessDistribution): ProfilingMetric[] {
  const { count, sum, min, max } = distribution;
  const times = ProfilingMetric.create('Custom', count, called(`${name} count`, attributes));
  if (count === 0) return [times];
  return [
    times,
    ProfilingMetric.create('Custom', sum / count, called(name, attributes), catalogue[name].unit, min, max),
  ];
}

function called(name: string, attributes: object = {}): string {
  const which = Object.values(attributes).join(', ');
  return which === '' ? name : `${name} (${which})`;
}

function milliseconds(seconds: number): number;
function milliseconds(seconds: number | undefined): number | undefined;
function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000;
}
