/**
 * How fast kernels were, kept for later: what a program did on its devices, so that another run, another version or
 * another day can be held against it.
 */
import { hostname } from 'node:os';
import { cpuSecondsPerCore } from '../cpu-time.ts';
import type { DeviceProfile } from '../profile/device-profile.ts';
import { type Profiler, type ProfilerState, stateOf } from '../profiler.ts';
import { type KernelProfilingStats, takeKernelStatistics } from '../profiling-statistics.ts';
import { takeSnapshot } from '../snapshot.ts';
import { version } from '../version.ts';
import { BaselineError } from './baseline-error.ts';

/** Changes with the shape of `Baseline`: a file of another version is refused. */
export const baselineFormat = 1;

/** Plain data. In the file, what is not known is not there. */
export interface Baseline {
  readonly kind: 'accelmeter-baseline';
  readonly formatVersion: number;
  readonly accelmeterVersion: string;
  readonly nodeVersion: string;
  /** When it was taken: ISO 8601, in UTC. */
  readonly date: string;
  /** The host's name. */
  readonly host: string;
  /** Those on which a kernel ran. */
  readonly devices: readonly BaselineDevice[];
}

export interface BaselineDevice {
  readonly deviceId: string;
  readonly deviceName: string;
  readonly backendType: string;
  /** 0 to 100, since measuring began: kernels ran; of a CPU, the process used its cores, since it began. */
  readonly deviceUtilizationPercent: number | undefined;
  /** Of the last 12 intervals. */
  readonly throughputOpsPerSecond: number | undefined;
  /** Of copies, since measuring began. */
  readonly bandwidthMBps: number | undefined;
  /** Of all kernels together. */
  readonly kernelStats: KernelProfilingStats;
  readonly kernels: readonly BaselineKernel[];
}

export interface BaselineKernel extends KernelProfilingStats {
  readonly kernel: string;
}

/**
 * What the profiler's devices did so far, as a baseline. Rejects with a BaselineError `empty` where no kernel has
 * succeeded yet, since nothing can be held against it; with the signal's reason once that is aborted.
 */
export async function takeBaseline(profiler: Profiler, { signal }: { signal?: AbortSignal } = {}): Promise<Baseline> {
  signal?.throwIfAborted();
  const state = stateOf(profiler);
  await profiler.refresh();
  signal?.throwIfAborted();
  return baselineOf(describeDevices(state));
}

/** Throws a BaselineError `empty` where no kernel of the devices has succeeded. */
export function baselineOf(devices: readonly BaselineDevice[]): Baseline {
  if (!devices.some(hasSamples)) throw new BaselineError('empty', 'no kernel has succeeded: there is nothing to keep');
  return Object.freeze({
    kind: 'accelmeter-baseline',
    formatVersion: baselineFormat,
    accelmeterVersion: version,
    nodeVersion: process.versions.node,
    date: new Date().toISOString(),
    host: hostname(),
    devices: Object.freeze([...devices]),
  });
}

/** True where any of its kernels has succeeded. */
export function hasSamples({ kernels }: BaselineDevice): boolean {
  return kernels.some(({ averageExecutionTimeMs }) => averageExecutionTimeMs !== undefined);
}

/** The devices on which a kernel ran, also those on which each one failed. */
export function describeDevices({ profiles, now }: Pick<ProfilerState, 'profiles' | 'now'>): BaselineDevice[] {
  const devices: BaselineDevice[] = [];
  for (const profile of profiles.values()) {
    const { kernelStats, memoryStats, ...snapshot } = takeSnapshot(profile, now());
    if (kernelStats === undefined || kernelStats.totalExecutions === 0) continue;
    const kernels = Array.from(takeKernelStatistics(profile), ([kernel, stats]) => Object.freeze({ kernel, ...stats }));
    devices.push(
      Object.freeze({
        deviceId: snapshot.deviceId,
        deviceName: snapshot.deviceName,
        backendType: snapshot.backendType,
        deviceUtilizationPercent: utilizationPercent(profile, now()),
        throughputOpsPerSecond: snapshot.throughputOpsPerSecond,
        bandwidthMBps: memoryStats?.bandwidthMBps,
        kernelStats,
        kernels: Object.freeze(kernels.filter(({ totalExecutions }) => totalExecutions > 0)),
      }),
    );
  }
  return devices;
}

/** Over the whole time: the last interval, which a snapshot tells of, may be a fraction of a second. */
function utilizationPercent(profile: DeviceProfile, now: number): number | undefined {
  const isCpu = profile.identity.backend === 'cpu';
  const seconds = isCpu ? performance.now() / 1000 : now - profile.since;
  if (!(seconds > 0)) return undefined;
  return 100 * Math.min(1, (isCpu ? cpuSecondsPerCore() : profile.busyUntil(now)) / seconds);
}
