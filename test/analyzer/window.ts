/** Windows as tests want them: an idle device but for what is said. */
import type { RuleBackend } from '../../src/analyzer/rule.ts';
import type { Durations, Half, Halves, KernelWindow, Window } from '../../src/profile/window.ts';

export const quiet: Durations = durations([]);

/** The durations of pieces of work, in seconds. Buckets are an eighth of an octave, as coarse as they come. */
export function durations(seconds: readonly number[], failures = 0): Durations {
  const sorted = Float64Array.from(seconds).sort();
  const count = sorted.length;
  const sum = sorted.reduce((total, each) => total + each, 0);
  const mean = count > 0 ? sum / count : undefined;
  const squares = sorted.reduce((total, each) => total + (each - (mean ?? 0)) ** 2, 0);
  const buckets = new Map<number, number>();
  for (const each of sorted) {
    const key = Math.ceil(Math.log2(each) * 8);
    buckets.set(key, (buckets.get(key) ?? 0) + 1);
  }
  return {
    count,
    failures,
    sum,
    mean,
    deviation: count > 1 ? Math.sqrt(squares / (count - 1)) : undefined,
    quantile: (q) => sorted[Math.max(0, Math.ceil(q * count) - 1)],
    quantileError: 0,
    buckets: Array.from(buckets, ([key, n]) => ({ key, count: n })).sort((a, b) => a.key - b.key),
  };
}

/** A kernel of a window; with `older`, its history is that and then `newer`, each evenly over ten intervals. */
export function kernelWindow(name: string, newer: readonly number[], older?: readonly number[]): KernelWindow {
  const kernel = kernelOf(name, older ? [...divided(older, 10), ...divided(newer, 10)] : []);
  return {
    ...kernel,
    ...durations(newer),
    halves: (intervals, before = intervals) =>
      older && intervals === before
        ? halvesOf(divided(older, intervals), divided(newer, intervals))
        : kernel.halves(intervals, before),
  };
}

/** A kernel of a window, with what it took in each interval of its history, in order of time. */
export function kernelOf(name: string, intervals: readonly (readonly number[])[]): KernelWindow {
  return {
    ...durations(intervals.slice(-12).flat()),
    name,
    halves: (newer, older = newer) =>
      newer + older <= intervals.length
        ? halvesOf(intervals.slice(-newer - older, -newer), intervals.slice(-newer))
        : undefined,
    means: () => Float64Array.from(intervals, meanOf),
  };
}

function halvesOf(older: readonly (readonly number[])[], newer: readonly (readonly number[])[]): Halves {
  const seconds = 5 * (older.length + newer.length);
  return { older: half(older), newer: half(newer), seconds, compilations: 0, compilingSeconds: 0 };
}

function half(intervals: readonly (readonly number[])[]): Half {
  const means = intervals.filter(({ length }) => length > 0).map(meanOf);
  return { ...durations(intervals.flat()), seconds: 5 * intervals.length, means };
}

/** So many intervals, each with as many of the durations as the next. */
function divided(seconds: readonly number[], intervals: number): (readonly number[])[] {
  const each = seconds.length / intervals;
  return Array.from({ length: intervals }, (_, i) => seconds.slice(Math.round(i * each), Math.round((i + 1) * each)));
}

function meanOf(seconds: readonly number[]): number {
  return seconds.reduce((total, each) => total + each, 0) / seconds.length;
}

export function windowOf(
  backend: RuleBackend,
  { kernelsByName = [], ...stated }: Partial<Window> & { readonly kernelsByName?: readonly KernelWindow[] } = {},
): Window {
  const sum = kernelsByName.reduce((total, kernel) => total + kernel.sum, 0);
  const count = kernelsByName.reduce((total, kernel) => total + kernel.count, 0);
  const failures = kernelsByName.reduce((total, kernel) => total + kernel.failures, 0);
  return {
    device: { id: 'd', backend, type: backend === 'cpu' ? 'cpu' : 'gpu', name: 'D', index: 0 },
    seconds: 60,
    intervals: 12,
    age: 3600,
    // Quantiles and deviation of all only where there is one: of more they do not follow from each.
    kernels: {
      ...(kernelsByName.length === 1 && kernelsByName[0] ? kernelsByName[0] : quiet),
      ...{ count, failures, sum, mean: count > 0 ? sum / count : undefined },
    },
    byKernel: [...kernelsByName].sort((a, b) => b.sum - a.sum),
    busySeconds: sum,
    inFlightSeconds: sum,
    utilization: sum / 60,
    transfers: { count: 0, bytes: 0, seconds: 0, exposedSeconds: 0, large: { count: 0, bytes: 0, seconds: 0 } },
    waits: quiet,
    compilation: { count: 0, seconds: 0 },
    memory: { usage: undefined, limit: undefined, growth: undefined, failedAllocations: 0 },
    overObjective: [],
    process: {},
    hardware: {},
    unseen: [],
    ...stated,
  };
}
