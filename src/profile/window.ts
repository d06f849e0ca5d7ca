/**
 * What one device did over one stretch of time: the last intervals, never the lifetime, since a lifetime hides change.
 * This is all that the rules of the analyzer see. Plain values, made by `history.ts`.
 *
 * Times are in seconds, sizes in bytes, shares from 0 to 1. What is not known is `undefined`, never 0.
 */
import type { BackendName, DeviceIdentity } from '../backend.ts';

export interface Window {
  readonly device: WindowDevice;
  /** How long the stretch is. */
  readonly seconds: number;
  /** Of how many intervals it is made. */
  readonly intervals: number;
  /** How long the device had been measured at its end: since it appeared, or since measuring went on after a pause. */
  readonly age: number;

  /** Executions of all kernels together. */
  readonly kernels: Durations;
  /**
   * The kernels that take most of the time, the heaviest first, and last those of which each execution failed; never
   * "other", which is a mixture.
   */
  readonly byKernel: readonly KernelWindow[];
  /** At least one kernel ran: merged intervals. */
  readonly busySeconds: number;
  /** At least one kernel or copy was queued or ran: merged intervals. */
  readonly inFlightSeconds: number;
  /** Of this process, on average: merged busy time over wall time; on the CPU backend the process's CPU time over all cores. */
  readonly utilization: number | undefined;
  readonly transfers: TransferWindow;
  /** From being queued to the start; only where the driver tells. */
  readonly waits: Durations;
  readonly compilation: { readonly count: number; readonly seconds: number };
  readonly memory: MemoryWindow;
  /** Kernels that are over an objective within the window: more than 1 − quantile of their executions took longer. */
  readonly overObjective: readonly OverObjective[];
  readonly process: ProcessWindow;
  readonly hardware: HardwareWindow;
  /** Sources that are down, by name: what this window does not show. */
  readonly unseen: readonly string[];
}

/** A device as rules see it: they have thresholds for more backends than there are yet. */
export interface WindowDevice extends Omit<DeviceIdentity, 'backend'> {
  readonly backend: BackendName | 'webgpu';
}

/** Durations of many pieces of work. */
export interface Durations {
  /** Those that succeeded. */
  readonly count: number;
  /** Those that failed; they have no duration. */
  readonly failures: number;
  readonly sum: number;
  /** `undefined` where nothing succeeded. */
  readonly mean: number | undefined;
  /** Standard deviation of the sample (n − 1); `undefined` for fewer than two. */
  readonly deviation: number | undefined;
  /** The `q`-quantile, 0 to 1, within `quantileError` of the true one; `undefined` where nothing succeeded. */
  quantile(q: number): number | undefined;
  /** Relative error of the quantiles: half the width of a bucket. */
  readonly quantileError: number;
  /**
   * Counts by rising duration, for tests of ranks: `key` rises with the duration and is comparable between the two halves
   * of a kernel's history. Only buckets that hold any.
   */
  readonly buckets: readonly { readonly key: number; readonly count: number }[];
}

export interface KernelWindow extends Durations {
  readonly name: string;
  /**
   * The last `newer` intervals against the `older` before them, as many where that is not said; of this kernel alone.
   * `undefined` where its history does not reach back so far: it is young, or did not count among the heaviest, or
   * measuring was paused.
   */
  halves(newer: number, older?: number): Halves | undefined;
  /**
   * The mean of each interval that its history reaches back to, at most 24, in order of time; `NaN` where nothing
   * succeeded.
   */
  means(): Float64Array;
}

/** One stretch of a kernel's history against the one before it. */
export interface Halves {
  readonly older: Half;
  readonly newer: Half;
  /** How long both are together. */
  readonly seconds: number;
  /** How many kernels of the device were compiled meanwhile, and how long that took. */
  readonly compilations: number;
  readonly compilingSeconds: number;
}

export interface Half extends Durations {
  /** How long it is. */
  readonly seconds: number;
  /** The mean of each interval in which an execution succeeded, in order of time. */
  readonly means: readonly number[];
}

export interface TransferWindow {
  /** Copies in all directions that succeeded. */
  readonly count: number;
  readonly bytes: number;
  /** At least one copy ran. */
  readonly seconds: number;
  /** At least one copy ran, and no kernel. */
  readonly exposedSeconds: number;
  /** Of copies of 1 MiB and more. `seconds` is the sum of their times. */
  readonly large: { readonly count: number; readonly bytes: number; readonly seconds: number };
}

export interface MemoryWindow {
  /** Of the device: by all processes where the driver tells, else by this one's account. */
  readonly usage: number | undefined;
  readonly limit: number | undefined;
  /** How much more this process holds than when the window began. */
  readonly growth: number | undefined;
  readonly failedAllocations: number;
}

export interface OverObjective {
  readonly kernel: string;
  readonly quantile: 'p95' | 'p99';
  /** What was set, in seconds. */
  readonly objective: number;
  /** The share of executions that took longer. */
  readonly exceeded: number;
}

/** The Node.js process; averages over the window where it is a share, else the last value. */
export interface ProcessWindow {
  /** Share of the time in which the main thread was ready to run and had no core. */
  readonly cpuWaiting?: number;
  readonly eventLoopUtilization?: number;
  /** Share of libuv's workers that had a task. */
  readonly threadPoolUtilization?: number;
  /** The longest that a trivial task waited for a worker. */
  readonly threadPoolWait?: number;
  readonly heapUsage?: number;
  readonly heapLimit?: number;
  readonly containerUsage?: number;
  readonly containerLimit?: number;
}

/** What the hardware tells of itself, by whatever process it is used. Where no backend reads it, it is not there. */
export interface HardwareWindow {
  /** By all processes, on average. */
  readonly utilization?: number;
  /** The highest, in °C. */
  readonly temperature?: number;
  /** At which it throttles itself, in °C. */
  readonly temperatureLimit?: number;
  /** Share of the window in which it was throttled for its temperature. */
  readonly thermalThrottle?: number;
  /** Share of the window in which its power limit held the clock down. */
  readonly powerThrottle?: number;
  /** Clock of the compute units, over what it is while busy and not held down. */
  readonly clockRatio?: number;
  /** Metal's: 0 nominal, 1 fair, 2 serious, 3 critical. */
  readonly thermalState?: number;
  readonly link?: {
    readonly generation: number;
    readonly maxGeneration: number;
    readonly width: number;
    readonly maxWidth: number;
    /** What the link as it is can carry in one direction, bytes a second. */
    readonly bandwidth: number;
  };
  /** Within the window. */
  readonly uncorrectedErrors?: number;
  readonly criticalXids?: number;
  readonly rowRemapPending?: boolean;
}
