/**
 * Several devices on the same workload: the guide's CompareBackendPerformance. What is compared is what ran meanwhile:
 * an average or a rate over all that a device did before would hide the difference.
 */
import { cpuSecondsPerCore } from './cpu-time.ts';
import { type Device, profileOf } from './device.ts';
import type { DeviceProfile } from './profile/device-profile.ts';
import type { ProfilingSnapshot } from './snapshot.ts';

/** How the workload went on one device. What it has no value for is `undefined`. */
export interface BackendResult {
  readonly deviceId: string;
  readonly deviceName: string;
  readonly backendType: string;
  /** Kernel executions that accelmeter saw on the device meanwhile, failed ones included. */
  readonly executions: number;
  readonly failedExecutions: number;
  /** How long the workload took, in seconds. */
  readonly seconds: number;
  /** Average execution time. */
  readonly averageLatencyMs: number | undefined;
  /** Of these executions that succeeded, or of the last 1000 of them. */
  readonly p95LatencyMs: number | undefined;
  /** Executions a second, failed ones included. */
  readonly throughputOpsPerSecond: number;
  /** 0 to 100: of the time in which a kernel ran; of a CPU, of the time of all its cores that the process used. */
  readonly deviceUtilizationPercent: number;
  /** The average execution time over that of the fastest: 1 for the fastest. */
  readonly ratio: number | undefined;
  /** The device when the workload had ended. */
  readonly snapshot: ProfilingSnapshot;
}

/** A device on which the workload failed. */
export interface BackendFailure {
  readonly deviceId: string;
  readonly deviceName: string;
  readonly backendType: string;
  readonly error: unknown;
}

export interface BackendComparison {
  /** By average execution time, the fastest first; those on which no execution succeeded last. */
  readonly results: readonly BackendResult[];
  readonly failures: readonly BackendFailure[];
  /** As the guide prints it. */
  toString(): string;
}

/**
 * Runs `workload` on one device after the other and compares what accelmeter measured. The workload computes on the
 * device it is given; what it throws stands in `failures`, and the next device's turn comes.
 *
 * Rejects with the signal's reason once it is aborted, between two devices; with a TypeError for what is no device.
 */
export async function compareBackends(
  devices: Iterable<Device>,
  workload: (device: Device) => unknown,
  { signal }: { signal?: AbortSignal } = {},
): Promise<BackendComparison> {
  const results: BackendResult[] = [];
  const failures: BackendFailure[] = [];
  for (const device of devices) {
    signal?.throwIfAborted();
    const measure = await begin(device);
    try {
      await workload(device);
    } catch (error) {
      failures.push(Object.freeze({ ...columns(device), error }));
      continue;
    }
    results.push(await measure());
  }
  return comparisonOf(results, failures);
}

const columns = ({ id, name, backend }: Device) => ({ deviceId: id, deviceName: name, backendType: backend });

/** Begins a stretch of time; what is given back ends it, and says what the device did in it. */
async function begin(device: Device): Promise<() => Promise<BackendResult>> {
  const profile = profileOf(device);
  await device.getProfilingSnapshot(); // delivers what ran before: it is no part of the workload
  const from = pointOf(profile);
  return async () => {
    const end = performance.now() / 1000; // before what waits is delivered, which takes time of its own
    const cpuSeconds = cpuSecondsPerCore();
    const snapshot = await device.getProfilingSnapshot();
    const to = pointOf(profile);
    const seconds = Math.max(end - from.at, Number.EPSILON);
    const busy = device.backend === 'cpu' ? cpuSeconds - from.cpuSeconds : to.busy - from.busy;
    const succeeded = to.count - from.count;
    const failedExecutions = to.failures - from.failures;
    const executions = succeeded + failedExecutions;
    const p95 = profile.window(succeeded)?.p95;
    return {
      ...columns(device),
      executions,
      failedExecutions,
      seconds,
      averageLatencyMs: succeeded > 0 ? (1000 * (to.sum - from.sum)) / succeeded : undefined,
      p95LatencyMs: p95 === undefined ? undefined : 1000 * p95,
      throughputOpsPerSecond: executions / seconds,
      deviceUtilizationPercent: 100 * Math.min(1, Math.max(0, busy / seconds)),
      ratio: undefined,
      snapshot,
    };
  };
}

function pointOf(profile: DeviceProfile) {
  const at = performance.now() / 1000;
  const { count, sum, failures } = profile.totals();
  return { at, count, sum, failures, busy: profile.busyUntil(at), cpuSeconds: cpuSecondsPerCore() };
}

function comparisonOf(measured: readonly BackendResult[], failures: readonly BackendFailure[]): BackendComparison {
  const order = ({ averageLatencyMs = Number.POSITIVE_INFINITY }: BackendResult) => averageLatencyMs;
  const sorted = measured.toSorted((a, b) => (order(a) === order(b) ? 0 : order(a) - order(b)));
  const fastest = sorted[0]?.averageLatencyMs;
  const results = sorted.map((result) => {
    const { averageLatencyMs: average } = result;
    const known = average !== undefined && fastest !== undefined && fastest > 0;
    return Object.freeze({ ...result, ratio: known ? average / fastest : undefined });
  });
  return Object.freeze({
    results: Object.freeze(results),
    failures: Object.freeze([...failures]),
    toString: () => describe(results),
  });
}

function describe(results: readonly BackendResult[]): string {
  const sections = results.map((result) => {
    const { backendType, deviceName, averageLatencyMs, p95LatencyMs } = result;
    const alone = results.filter((other) => other.backendType === backendType).length === 1;
    const lines = [
      `${alone ? backendType : `${backendType} ${deviceName}`}:`,
      `  Utilization: ${result.deviceUtilizationPercent.toFixed(1)}%`,
      ...(averageLatencyMs === undefined ? [] : [`  Avg Latency: ${averageLatencyMs.toFixed(2)}ms`]),
      `  Throughput: ${result.throughputOpsPerSecond.toFixed(0)} ops/sec`,
      ...(p95LatencyMs === undefined ? [] : [`  P95 Latency: ${p95LatencyMs.toFixed(2)}ms`]),
    ];
    return `${lines.join('\n')}\n`;
  });
  return ['Backend Performance Comparison:\n', ...sections].join('\n');
}
