/** A device as the program sees it: its identity, its snapshot, and the ways to record work on it. */
import type { TransferDirection } from './activity.ts';
import type { DeviceAnalysis } from './analysis.ts';
import type { Finding } from './analyzer/finding.ts';
import type { DeviceAbilities, DeviceIdentity, SourceState } from './backend.ts';
import type { ProcessPoint } from './catalogue.ts';
import type { Distribution } from './distribution/distribution.ts';
import { type DeviceStatus, deviceStatusOf } from './health/device-status.ts';
import type { HealthSnapshot } from './health.ts';
import type { MetalDevice } from './metal-device.ts';
import { sampledSpan } from './otel/active-span.ts';
import { attachFindings } from './otel/span-events.ts';
import type { Presence } from './presence.ts';
import type { DeviceProfile } from './profile/device-profile.ts';
import type { Kernel } from './profile/kernel-table.ts';
import type { MemoryAccount } from './profile/memory-account.ts';
import type { Transfer } from './profile/transfer.ts';
import type { ProfilingMetric } from './profiling-metrics.ts';
import { type KernelProfilingStats, takeKernelStatistics } from './profiling-statistics.ts';
import { type ProfilingSnapshot, takeSnapshot } from './snapshot.ts';

/** One device of a profiler. Every method that records is safe at any time, also after the device went away. */
export interface Device extends DeviceIdentity {
  /** A handle for a kernel, to be bound once: `record(seconds)` on it is the hot path. The name is admitted at once. */
  kernel(name: string): Kernel;
  /**
   * Runs `run` and records its wall time under `name`: until it returns, or until its promise settles. What it throws
   * is thrown on, and counted as a failure by the error's name. While the device has findings, a span that is active
   * around the call gets them as events. A sampled span around the call is an exemplar of the kernel's durations.
   */
  timeKernel<T>(name: string, run: () => T): T;
  /** A handle for the copies of one direction. */
  transfer(direction: TransferDirection): Transfer;
  /** The account of the memory this process holds on the device. */
  readonly memory: MemoryAccount;
  /** How long executions waited from being queued to their start, in seconds. */
  readonly queueWait: Distribution;
  /** How long compilations took, in seconds. */
  readonly compilation: Distribution;
  /** Reports a value of the program's own, exported as `accelmeter.custom`; the latest of a name counts. */
  report(metric: ProfilingMetric): void;
  /** What is known of the device now. Consumes nothing. Rejects with the signal's reason if it is aborted. */
  getProfilingSnapshot(options?: { signal?: AbortSignal }): Promise<ProfilingSnapshot>;
  /** How the device was over the last intervals. Rejects with the signal's reason if it is aborted. */
  getHealthSnapshot(options?: { signal?: AbortSignal }): Promise<HealthSnapshot>;
  /** Both in one: how it is and how it performs. Rejects with the signal's reason if it is aborted. */
  getDeviceStatus(options?: { signal?: AbortSignal }): Promise<DeviceStatus>;
  /** The same statistics for each kernel by name, computed at this call. */
  getKernelStatistics(): ReadonlyMap<string, KernelProfilingStats>;
  /** What only a device of Metal can do; `undefined` of any other. */
  readonly metal: MetalDevice | undefined;
}

/** What a device needs of the profiler it belongs to. */
export interface DeviceContext {
  now(): number;
  refresh(): Promise<void>;
  /** What the analyzer says of the device; `undefined` once it has left. */
  analysed(): DeviceAnalysis | undefined;
  /** What is raised about the device; asked at every `timeKernel`. */
  findings(): readonly Finding[];
  health(): HealthSnapshot;
  /** Whether it is measured. */
  presence(): Presence;
  /** What was last sampled about the process: it belongs to the CPU's picture. */
  processPoints(): readonly ProcessPoint[];
  /** Those of its backend, as they are now. */
  sources(): readonly SourceState[];
}

const profiles = new WeakMap<Device, DeviceProfile>();

/** What a device measures into. Throws a TypeError for what is no device of this copy of accelmeter. */
export function profileOf(device: Device): DeviceProfile {
  const profile = profiles.get(device);
  if (profile !== undefined) return profile;
  throw new TypeError('not a device of a profiler, or one of another copy of accelmeter');
}

/** Presents a profile; `refresh` delivers what waits in buffers first, so that a snapshot is up to date. */
export function presentDevice(profile: DeviceProfile, context: DeviceContext, { metal }: DeviceAbilities = {}): Device {
  const { now, refresh, analysed, health, presence, processPoints, sources } = context;
  const { memory, queueWait, compilation } = profile;
  const snapshot = () =>
    takeSnapshot(profile, now(), {
      process: profile.identity.backend === 'cpu' ? processPoints() : [],
      judgement: analysed(),
      presence: presence(),
      sources: sources(),
    });
  const upToDate =
    <T>(take: () => T) =>
    async ({ signal }: { signal?: AbortSignal } = {}) => {
      signal?.throwIfAborted();
      await refresh();
      signal?.throwIfAborted();
      return take();
    };
  const device: Device = Object.freeze({
    ...profile.identity,
    kernel: (name: string) => profile.kernel(name),
    timeKernel: <T>(name: string, run: () => T) => timeKernel(profile, context, name, run),
    transfer: (direction: TransferDirection) => profile.transfer(direction),
    memory,
    queueWait,
    compilation,
    report: (metric: ProfilingMetric) => profile.report(metric),
    getProfilingSnapshot: upToDate(snapshot),
    getHealthSnapshot: upToDate(health),
    getDeviceStatus: upToDate(() => deviceStatusOf(health(), snapshot())),
    getKernelStatistics: () => takeKernelStatistics(profile),
    metal,
  });
  profiles.set(device, profile);
  return device;
}

function timeKernel<T>(profile: DeviceProfile, { now, findings }: DeviceContext, name: string, run: () => T): T {
  attachFindings(findings());
  const kernel = profile.kernel(name);
  const span = sampledSpan(); // that around the call, whatever is active when a promise settles
  const start = now();
  const succeed = () => {
    const seconds = now() - start;
    kernel.recordAt(start, seconds);
    kernel.exemplify(seconds, span);
  };
  const fail = (error: unknown) => kernel.recordFailure(error instanceof Error ? error.name : 'error');
  try {
    const result = run();
    if (isPromise(result)) {
      // The promise handed on is the one that is observed: a rejection nobody handles stays unhandled. What only
      // behaves like one is made one: then it settles once, and what is handed on has its value.
      return (result instanceof Promise ? result : Promise.resolve(result)).then(
        (value) => {
          succeed();
          return value;
        },
        (error) => {
          fail(error);
          throw error;
        },
      ) as T;
    }
    succeed();
    return result;
  } catch (error) {
    fail(error);
    throw error;
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
