import type { Half, Halves, KernelWindow, Window } from '../../profile/window.ts';
import { formatSeconds } from '../../quantity.ts';
import { lastRise } from '../change-point.ts';
import type { Change } from '../finding.ts';
import { isAfterStartUp } from '../in-use.ts';
import type { Observation, Rule } from '../rule.ts';
import { fewestSamples, over, shiftBetween, tailProbability } from '../shift.ts';

/** Those since the change are set against all before it, of which there have to be so many. */
const fewest = { fewestOlder: 10, fewestNewer: 6 } as const;
/** What the profiling guide compares. */
const guideIntervals = 10;
/**
 * Every kernel is asked at every tick, 17 280 times a day, and at the place that looks most like a change: at the 1 %
 * of a trend noise alone would be told daily.
 */
const significance = 0.001;
/** A deployment that compiles for a greater share of the time, and not one kernel or two, warms up. */
const compilingShare = 0.01;
const fewestCompilations = 3;

/**
 * A kernel has become slower. Never against the lifetime, in which a change drowns as uptime grows; so it is news, and
 * over once the slow time is also what came before.
 */
export const regression: Rule = {
  code: 'regression',
  kind: 'regression',
  severity: 'warning',
  looksFor: `The mean time of a kernel over its mean in the intervals before it became slower: at least ${fewest.fewestOlder} before that, and at least ${fewest.fewestNewer} since.`,
  guard: `The P95 has risen as much, which a changed mix of sizes does not do; rank tests over intervals and over executions, or their slowest tenth, agree (p < ${significance}). The first minute, and intervals in which at least ${fewestCompilations} kernels are compiled for more than ${compilingShare * 100} % of the time, are compared with nothing. The profile \`guide\` compares the last ${guideIntervals} intervals with as many before them.`,
  thresholds: { cpu: 1.2, cuda: 1.2, opencl: 1.2, metal: 1.2, webgpu: 1.2 },
  unit: '1',
  samples: { fewest: fewestSamples, of: 'executions' },
  fault: 'above',
  range: [1, 100],
  perKernel: true,
  recommends: () => ['check_thermals', 'isolate_process', 'stabilise_workload'],
  hides: ['high_variance'],
  find(window, { threshold, profile }) {
    return window.byKernel
      .flatMap((kernel) => {
        const guarded = profile === 'production';
        const halves = guarded ? halvesAtRise(kernel) : kernel.halves(guideIntervals);
        if (!halves || halves.older.count + halves.newer.count < fewestSamples) return [];
        if (guarded && isWarmingUp(halves, window)) return [];
        const change = changeBetween(halves);
        if (change === undefined || !(change.after > threshold * change.before)) return [];
        if (guarded && !isMoreThanNoise(halves, threshold)) return [];
        return [observation(kernel.name, halves, change)];
      })
      .sort((a, b) => b.observed - a.observed);
  },
};

/** What came since the kernel became slower, against all before it. */
function halvesAtRise(kernel: KernelWindow): Halves | undefined {
  const means = kernel.means();
  const newer = lastRise(means, fewest);
  return newer === undefined ? undefined : kernel.halves(newer, means.length - newer);
}

function isWarmingUp({ seconds, compilations, compilingSeconds }: Halves, { age }: Window): boolean {
  const compiles = compilations >= fewestCompilations && compilingSeconds > compilingShare * seconds;
  return compiles || !isAfterStartUp({ age, seconds });
}

function isMoreThanNoise(halves: Halves, threshold: number): boolean {
  const { older, newer } = halves;
  const tail = over(newer.quantile(0.95), older.quantile(0.95));
  // As far as buckets can tell: both quantiles may be off by their error.
  const leastTail = threshold * (1 - older.quantileError - newer.quantileError);
  if (tail === undefined || !(tail > leastTail)) return false;
  const shift = shiftBetween(halves);
  if (shift === undefined || !(shift.ofIntervals < significance)) return false;
  return shift.ofExecutions < significance || tailProbability(halves) < significance;
}

/** Of the mean time; `undefined` where a half has none. */
function changeBetween({ older, newer }: Halves): Change | undefined {
  const [before, after] = [older.mean, newer.mean];
  return before === undefined || after === undefined || before === 0 ? undefined : { before, after };
}

function observation(kernel: string, { older, newer }: Halves, change: Change): Observation {
  const { before, after } = change;
  const observed = after / before;
  const more = `${Math.round((observed - 1) * 100)} % more than in the ${formatSeconds(older.seconds)} before`;
  const tail = (half: Half) => formatSeconds(half.quantile(0.95) ?? Number.NaN);
  return {
    observed,
    kernel,
    change,
    samples: older.count + newer.count,
    sentence: `${kernel} takes ${formatSeconds(after)} on average, ${more} (${formatSeconds(before)}).`,
    counterEvidence: [`P95 ${tail(newer)} after ${tail(older)}`],
  };
}
