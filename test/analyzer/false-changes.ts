/** How often noise that does not change is taken for a change: for the tests that bound it and the benchmark that tells it. */
import { regression } from '../../src/analyzer/rules/regression.ts';
import { trendsIn } from '../../src/analyzer/trends.ts';
import { bimodal, lognormal, type Noise, normal, pareto, randomNumbers } from './noise.ts';
import { kernelOf, kernelWindow, windowOf } from './window.ts';

const noises: Readonly<Record<string, Noise>> = {
  'lognormal, a tenth': lognormal(0.1),
  'lognormal, as much again': lognormal(1),
  bimodal,
  'Pareto, shape 1.1': pareto(1.1),
  'Pareto, shape 2.5': pareto(2.5),
};

/** Executions in one interval. */
const sizes = [2, 4, 8] as const;

/** What all that runs in one interval shares: the standard deviation of its logarithm. */
const ripples = [0, 0.2] as const;

export interface Case {
  readonly name: string;
  readonly noise: Noise;
  readonly perInterval: number;
  readonly ripple: number;
}

export const cases: readonly Case[] = Object.entries(noises).flatMap(([name, noise]) =>
  sizes.flatMap((perInterval) =>
    ripples.map((ripple) => ({
      name: `${name}, ${perInterval} an interval${ripple > 0 ? ', rippling' : ''}`,
      noise,
      perInterval,
      ripple,
    })),
  ),
);

/** Shares of the runs that raise what is not there. */
export interface FalseAlarms {
  readonly trend: number;
  readonly regression: number;
  /** By the guide's comparison of means alone. */
  readonly guide: number;
}

const intervals = { trend: 12, regression: 24 } as const;

export function falseAlarms({ noise, perInterval, ripple }: Case, runs: number, seed: number): FalseAlarms {
  const random = randomNumbers(seed);
  const interval = () => {
    const shared = Math.exp(ripple * normal(random));
    return Array.from({ length: perInterval }, () => shared * noise(random));
  };
  const halfOf = (count: number) => Array.from({ length: count / 2 }, interval).flat();
  let trend = 0;
  let regressed = 0;
  let guide = 0;
  for (let run = 0; run < runs; run++) {
    const shorter = kernelWindow('k', halfOf(intervals.trend), halfOf(intervals.trend));
    trend += Number(trendsIn(windowOf('opencl', { kernelsByName: [shorter] })).some(isTrend));
    const longer = windowOf('opencl', {
      kernelsByName: [kernelOf('k', Array.from({ length: intervals.regression }, interval))],
    });
    regressed += regression.find(longer, {
      threshold: 1.2,
      profile: 'production',
      thresholdOf: () => undefined,
    }).length;
    guide += regression.find(longer, { threshold: 1.2, profile: 'guide', thresholdOf: () => undefined }).length;
  }
  return { trend: trend / runs, regression: regressed / runs, guide: guide / runs };
}

/** When a regression is raised in noise which becomes slower at some tick: seen in two ticks in a row, over after three. */
export function regressionsRaised(
  { noise, perInterval, ripple }: Case,
  {
    ticks,
    slowerFrom = ticks,
    factor = 1,
    seed,
  }: { ticks: number; slowerFrom?: number; factor?: number; seed: number },
): number[] {
  const random = randomNumbers(seed);
  const history: number[][] = [];
  const raisedAt: number[] = [];
  let seen = 0;
  let raised = false;
  for (let tick = 0; tick < ticks; tick++) {
    const shared = Math.exp(ripple * normal(random)) * (tick < slowerFrom ? 1 : factor);
    history.push(Array.from({ length: perInterval }, () => shared * noise(random)));
    if (history.length > intervals.regression) history.shift();
    if (history.length < intervals.regression || !isSlower(history)) {
      seen = Math.min(seen, 0) - 1;
      if (seen <= -3) raised = false;
      continue;
    }
    seen = Math.max(seen, 0) + 1;
    if (seen < 2 || raised) continue;
    raised = true;
    raisedAt.push(tick);
  }
  return raisedAt;
}

function isSlower(history: readonly (readonly number[])[]): boolean {
  const window = windowOf('opencl', { kernelsByName: [kernelOf('k', history)] });
  return regression.find(window, { threshold: 1.2, profile: 'production', thresholdOf: () => undefined }).length > 0;
}

function isTrend({ direction }: { readonly direction: string }): boolean {
  return direction !== 'stable';
}
