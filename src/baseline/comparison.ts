/**
 * What runs now, held against a baseline. The improvement is the guide's: (baseline - current) / baseline in percent, so
 * that more is better. Where either is not known, or the baseline is 0, there is none: never NaN, never infinite.
 */
import { type Profiler, stateOf } from '../profiler.ts';
import type { KernelProfilingStats } from '../profiling-statistics.ts';
import { type Baseline, type BaselineDevice, type BaselineKernel, describeDevices } from './baseline.ts';
import { BaselineError } from './baseline-error.ts';
import { checkBaseline } from './file.ts';

/** A kernel that takes so many percent longer is a regression, where nothing else is set. The guide's. */
const defaultThresholdPercent = 20;
/** Fewer executions than this, on either side, decide nothing. */
const leastExecutions = 5;
/** From so many executions on a P95 stands on more than a few outliers. */
const leastForP95 = 100;

/**
 * `slower` and `faster`: by more than the threshold. `failing`: it ran, and each execution failed. `undecided`: too few
 * executions on either side.
 */
export type BaselineVerdict = 'faster' | 'same' | 'slower' | 'failing' | 'undecided';

/** One kernel, then and now. */
export interface KernelComparison {
  readonly kernel: string;
  readonly baseline: KernelProfilingStats;
  readonly current: KernelProfilingStats;
  /** Of the mean of the last 1000 executions, in percent; positive is better. */
  readonly improvementPercent: number | undefined;
  readonly medianImprovementPercent: number | undefined;
  readonly p95ImprovementPercent: number | undefined;
  readonly verdict: BaselineVerdict;
}

/** One device, then and now. */
export interface DeviceComparison {
  readonly deviceId: string;
  readonly deviceName: string;
  readonly backendType: string;
  /** `name`: the baseline has no device of this id, but one of the same backend and name, as of another host. */
  readonly matchedBy: 'id' | 'name';
  readonly baseline: BaselineDevice;
  readonly current: BaselineDevice;
  /** Of the average execution time of all kernels, as in the guide: a changed mix of kernels changes it too. */
  readonly improvementPercent: number | undefined;
  /** The kernels that both have, the heaviest of now first. */
  readonly kernels: readonly KernelComparison[];
  /** Names of kernels that the baseline lacks. */
  readonly newKernels: readonly string[];
  /** Names of kernels that did not run now. */
  readonly goneKernels: readonly string[];
}

export interface BaselineComparison {
  readonly baseline: Baseline;
  readonly thresholdPercent: number;
  readonly devices: readonly DeviceComparison[];
  /** Of the baseline, without a counterpart now. */
  readonly goneDevices: readonly BaselineDevice[];
  /** Of now, without a counterpart in the baseline. */
  readonly newDevices: readonly BaselineDevice[];
  /** True where a kernel is `slower` or `failing`. */
  readonly regressed: boolean;
  /** A line for each device and kernel, as the guide prints it. */
  toString(): string;
}

export interface ComparisonOptions {
  /** 0 to 1 000 000, 20 by default: a kernel that takes so many percent longer is `slower`. */
  readonly thresholdPercent?: number | undefined;
}

/**
 * What the profiler's devices did so far against a baseline. Rejects with a RangeError for a bad threshold; with a
 * BaselineError `malformed`, `version` or `empty` for a bad baseline, `empty` where no kernel has run now, and
 * `nothing_in_common` where none of the baseline's kernels has; with the signal's reason once that is aborted.
 */
export async function compareToBaseline(
  baseline: Baseline,
  profiler: Profiler,
  { signal, ...options }: ComparisonOptions & { readonly signal?: AbortSignal } = {},
): Promise<BaselineComparison> {
  signal?.throwIfAborted();
  const state = stateOf(profiler);
  await profiler.refresh();
  signal?.throwIfAborted();
  return compareDevices(baseline, describeDevices(state), options);
}

/** The same for devices that have been described already. */
export function compareDevices(
  given: Baseline,
  current: readonly BaselineDevice[],
  { thresholdPercent = defaultThresholdPercent }: ComparisonOptions = {},
): BaselineComparison {
  if (!(thresholdPercent >= 0 && thresholdPercent <= 1e6)) {
    throw new RangeError(`thresholdPercent must be a number from 0 to 1000000, not ${String(thresholdPercent)}`);
  }
  const baseline = checkBaseline(given);
  if (current.length === 0) throw new BaselineError('empty', 'no kernel has run: there is nothing to compare');
  const pairs = pairsOf(baseline.devices, current);
  const devices = pairs.map((pair) => compareDevice(pair, thresholdPercent));
  if (!devices.some(({ kernels }) => kernels.length > 0)) {
    const message = `they have no kernel in common: the baseline has ${namesOf(baseline.devices)}; now there is ${namesOf(current)}`;
    throw new BaselineError('nothing_in_common', message);
  }
  return Object.freeze({
    baseline,
    thresholdPercent,
    devices: Object.freeze(devices),
    goneDevices: Object.freeze(baseline.devices.filter((device) => !pairs.some((pair) => pair.baseline === device))),
    newDevices: Object.freeze(current.filter((device) => !pairs.some((pair) => pair.current === device))),
    regressed: devices.some(({ kernels }) => kernels.some(isRegression)),
    toString: () => devices.map(describe).join('\n'),
  });
}

/** True for what a build should fail on. */
export const isRegression = ({ verdict }: KernelComparison) => verdict === 'slower' || verdict === 'failing';

type Pair = Pick<DeviceComparison, 'baseline' | 'current' | 'matchedBy'>;

/** By id; what is left, by backend and name in their order. Each device has one counterpart at most. */
function pairsOf(baseline: readonly BaselineDevice[], current: readonly BaselineDevice[]): Pair[] {
  const left = new Set(baseline);
  const pairs = new Map<BaselineDevice, Pair>();
  const match = (matchedBy: Pair['matchedBy'], isSame: (a: BaselineDevice, b: BaselineDevice) => boolean) => {
    for (const device of current) {
      const counterpart = pairs.has(device) ? undefined : [...left].find((other) => isSame(other, device));
      if (counterpart === undefined) continue;
      left.delete(counterpart);
      pairs.set(device, { baseline: counterpart, current: device, matchedBy });
    }
  };
  match('id', (a, b) => a.deviceId === b.deviceId && a.backendType === b.backendType);
  match('name', (a, b) => a.backendType === b.backendType && a.deviceName === b.deviceName);
  return current.flatMap((device) => pairs.get(device) ?? []);
}

function compareDevice(pair: Pair, thresholdPercent: number): DeviceComparison {
  const { baseline, current } = pair;
  const before = new Map(baseline.kernels.map((kernel) => [kernel.kernel, kernel]));
  const now = new Set(current.kernels.map(({ kernel }) => kernel));
  const both = current.kernels
    .toSorted((a, b) => b.totalExecutionTimeMs - a.totalExecutionTimeMs)
    .flatMap((kernel) => {
      const counterpart = before.get(kernel.kernel);
      // One of which each execution failed then has nothing to be compared with.
      if (counterpart?.averageExecutionTimeMs === undefined) return [];
      return [compareKernel(counterpart, kernel, thresholdPercent)];
    });
  const compared = new Set(both.map(({ kernel }) => kernel));
  const names = (kernels: readonly BaselineKernel[], missing: (name: string) => boolean) =>
    Object.freeze(kernels.map(({ kernel }) => kernel).filter(missing));
  return Object.freeze({
    deviceId: current.deviceId,
    deviceName: current.deviceName,
    backendType: current.backendType,
    ...pair,
    improvementPercent: improvement(
      baseline.kernelStats.averageExecutionTimeMs,
      current.kernelStats.averageExecutionTimeMs,
    ),
    kernels: Object.freeze(both),
    newKernels: names(current.kernels, (name) => !compared.has(name)),
    goneKernels: names(baseline.kernels, (name) => !now.has(name)),
  });
}

function compareKernel(before: BaselineKernel, now: BaselineKernel, thresholdPercent: number): KernelComparison {
  const { kernel, ...baseline } = before;
  const { kernel: _, ...current } = now;
  const improvements = {
    improvementPercent: improvement(baseline.windowAverageExecutionTimeMs, current.windowAverageExecutionTimeMs),
    medianImprovementPercent: improvement(baseline.medianExecutionTimeMs, current.medianExecutionTimeMs),
    p95ImprovementPercent: improvement(baseline.p95ExecutionTimeMs, current.p95ExecutionTimeMs),
  };
  const verdict = verdictOf({ baseline, current, ...improvements }, thresholdPercent);
  return Object.freeze({ kernel, baseline, current, ...improvements, verdict });
}

/**
 * A mean alone is moved by one outlier, and a median does not see what happens to a third of the executions. So the mean
 * decides, where the median agrees, or the P95 of enough executions to leave outliers aside.
 */
function verdictOf(compared: Omit<KernelComparison, 'kernel' | 'verdict'>, thresholdPercent: number): BaselineVerdict {
  const { baseline, current, improvementPercent: mean, medianImprovementPercent, p95ImprovementPercent } = compared;
  if (current.averageExecutionTimeMs === undefined) return 'failing';
  const executions = Math.min(successes(baseline), successes(current));
  if (executions < leastExecutions || mean === undefined) return 'undecided';
  const others = [medianImprovementPercent, executions >= leastForP95 ? p95ImprovementPercent : undefined];
  const agrees = (beyond: (percent: number) => boolean) =>
    beyond(mean) && others.some((percent) => percent !== undefined && beyond(percent));
  if (agrees((percent) => percent < -thresholdPercent)) return 'slower';
  return agrees((percent) => percent > thresholdPercent) ? 'faster' : 'same';
}

const successes = ({ totalExecutions, failedExecutions }: KernelProfilingStats) => totalExecutions - failedExecutions;

function improvement(baseline: number | undefined, current: number | undefined): number | undefined {
  if (baseline === undefined || current === undefined) return undefined;
  const percent = ((baseline - current) / baseline) * 100;
  return Number.isFinite(percent) ? percent : undefined;
}

/** "+3.1%", "-12.0%", as the guide writes it; a dash where there is none. */
export function formatImprovement(percent: number | undefined): string {
  if (percent === undefined) return '–';
  const rounded = percent.toFixed(1);
  return `${percent >= 0 || Number(rounded) === 0 ? `+${rounded.replace('-', '')}` : rounded}%`;
}

function describe({ backendType, deviceName, improvementPercent, kernels }: DeviceComparison): string {
  const lines = kernels.map(
    ({ kernel, improvementPercent: percent, verdict }) => `  ${kernel}: ${formatImprovement(percent)} (${verdict})`,
  );
  const heading = `${backendType} ${deviceName}: performance vs baseline: ${formatImprovement(improvementPercent)}`;
  return [heading, ...lines].join('\n');
}

function namesOf(devices: readonly BaselineDevice[]): string {
  const most = 3;
  return devices
    .map(({ backendType, deviceName, kernels }) => {
      const names = kernels.slice(0, most).map(({ kernel }) => kernel);
      const more = kernels.length > most ? ` and ${kernels.length - most} more` : '';
      return `${backendType} ${deviceName} with ${names.join(', ')}${more}`;
    })
    .join('; ');
}
