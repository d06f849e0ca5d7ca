/**
 * The metrics of a snapshot: what was measured, polled and reported, as a list of values with their types. Types are
 * those of DotCompute's performance profiling guide.
 */
import { catalogue, type Point, type ProcessDistribution, type ProcessPoint } from './catalogue.ts';
import type { Distribution } from './distribution/distribution.ts';
import type { DeviceProfile } from './profile/device-profile.ts';
import { type KernelProfilingStats, type MemoryProfilingStats, together } from './profiling-statistics.ts';

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

/** Everything there is a value of. `process`: values of the process, which belong to the CPU's picture. */
export function* metricsOf(
  profile: DeviceProfile,
  process: readonly ProcessPoint[],
  { kernelStats, memoryStats }: { kernelStats: KernelProfilingStats; memoryStats: MemoryProfilingStats | undefined },
): Iterable<ProfilingMetric> {
  yield* workMetrics(profile, kernelStats, memoryStats);
  yield* profile.readings.map(readingMetric);
  for (const point of process) {
    if ('value' in point) yield readingMetric(point);
    else yield* distributionMetrics(point);
  }
  yield* profile.custom.values();
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
