/**
 * What is known of one device at one moment, as an immutable picture for programs. Fields and metric types are those
 * of DotCompute's performance profiling guide, in camelCase; times are in milliseconds, MB are 2^20 bytes, as there.
 *
 * Averages, minima, maxima and counts are of the device's lifetime; percentiles and standard deviation of its last
 * 1000 successful executions. A statistic without a sample is `undefined`, never 0.
 */
import type { Finding } from './analyzer/finding.ts';
import type { Trend } from './analyzer/trend.ts';
import type { SourceState } from './backend.ts';
import type { ProcessPoint } from './catalogue.ts';
import { type Presence, whyAbsent } from './presence.ts';
import type { DeviceProfile } from './profile/device-profile.ts';
import { metricsOf, type ProfilingMetric } from './profiling-metrics.ts';
import {
  deviceStatistics,
  type KernelProfilingStats,
  type MemoryProfilingStats,
  memoryStatistics,
} from './profiling-statistics.ts';
import { wallTime } from './wall-clock.ts';
import { whyWorkIsUnseen } from './work-seen.ts';

/** What is known of one device at one moment. */
export interface ProfilingSnapshot {
  readonly deviceId: string;
  readonly deviceName: string;
  readonly backendType: string;
  /** ISO 8601, in UTC. A string, because a Date can be changed. */
  readonly timestamp: string;
  /** False where nothing can be measured, or the device's work cannot be seen; `statusMessage` then says why. */
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
  /** In a sentence; where something is wrong, the gravest of it. */
  readonly statusMessage: string;
  /** Which way kernels' times go, in sentences: of eight, those that change first. */
  readonly performanceTrends: readonly string[];
  /** What is wrong now, in sentences: the eight gravest. */
  readonly identifiedBottlenecks: readonly string[];
  /** What would help, in sentences, each once. */
  readonly recommendations: readonly string[];
  /** The same as `identifiedBottlenecks` and `recommendations`, for programs. */
  readonly findings: readonly Finding[];
  /** The same as `performanceTrends`, for programs. A kernel with too few executions has none. */
  readonly trends: readonly Trend[];
}

/** Of findings and of trends, so that a snapshot that is kept stays under 10 KiB. `profiler.findings` has them all. */
const mostJudgements = 8;

/** What the analyzer says of a device. */
export interface Judgement {
  /** The gravest first. */
  readonly findings: readonly Finding[];
  readonly trends: readonly Trend[];
}

/** What stands beside a device's profile in its picture; each may be left out. */
export interface Surroundings {
  /** Values of the process, which belong to the CPU's picture. */
  readonly process?: readonly ProcessPoint[];
  /** Of the last tick. */
  readonly judgement?: Judgement | undefined;
  /** Where the device has left, or the profiler is closed, the snapshot is of what was measured until then. */
  readonly presence?: Presence;
  /** Those of the device's backend: where work is not seen, nothing is said of how much there is. */
  readonly sources?: readonly SourceState[];
}

/** The picture of a device at `now`, in process seconds. Consumes nothing. */
export function takeSnapshot(
  profile: DeviceProfile,
  now: number,
  { process = [], judgement = { findings: [], trends: [] }, presence = 'running', sources = [] }: Surroundings = {},
): ProfilingSnapshot {
  const { identity } = profile;
  const kernelStats = deviceStatistics(profile);
  const unseen = presence === 'running' ? whyWorkIsUnseen(kernelStats.totalExecutions, sources) : undefined;
  const { utilization, throughput } = profile;
  const memoryStats = memoryStatistics(profile);
  return Object.freeze({
    deviceId: identity.id,
    deviceName: identity.name,
    backendType: identity.backend,
    timestamp: wallTime(now),
    isAvailable: unseen === undefined && (presence === 'running' || presence === 'paused'),
    metrics: Object.freeze([...metricsOf(profile, process, { kernelStats, memoryStats })]),
    kernelStats,
    memoryStats,
    deviceUtilizationPercent: utilization === undefined ? undefined : utilization * 100,
    totalOperations: kernelStats.totalExecutions,
    averageLatencyMs: kernelStats.averageExecutionTimeMs,
    throughputOpsPerSecond: throughput,
    statusMessage: presence === 'running' ? (unseen ?? statusOf(kernelStats, judgement)) : whyAbsent[presence],
    ...judged(judgement),
  });
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
    ...judged({ findings: [], trends: [] }),
  });
}

function statusOf({ totalExecutions }: KernelProfilingStats, { findings }: Judgement): string {
  const [worst, ...others] = findings;
  if (worst === undefined) return totalExecutions === 0 ? 'Measuring; no kernel has run yet.' : 'Measuring.';
  const more = others.length === 0 ? '' : ` And ${others.length} more.`;
  return `Measuring; ${worst.severity} ${worst.code}: ${worst}${more}`;
}

/** The findings and trends, and the same as the guide has them: as texts. */
function judged({ findings: all, trends: ofAll }: Judgement) {
  const findings = all.slice(0, mostJudgements);
  const changing = ofAll.filter(({ direction }) => direction !== 'stable');
  const stable = ofAll.filter(({ direction }) => direction === 'stable');
  const trends = [...changing, ...stable].slice(0, mostJudgements);
  const advice = findings.flatMap(({ recommendations }) => recommendations.map(({ sentence }) => sentence));
  return {
    performanceTrends: Object.freeze(trends.map(String)),
    identifiedBottlenecks: Object.freeze(findings.map(String)),
    recommendations: Object.freeze([...new Set(advice)]),
    findings: Object.freeze(findings),
    trends: Object.freeze(trends),
  };
}
