/** Which way each kernel's time goes: the newer half of the window against the older one. */
import type { Halves, Window } from '../profile/window.ts';
import { formatSeconds } from '../quantity.ts';
import { type Shift, shiftBetween } from './shift.ts';
import { asSpoken } from './spoken.ts';
import type { Trend } from './trend.ts';

/** Above it a kernel degrades, below its counterpart it improves. */
const leastChange = 0.1;
/** Noise divides the halves as far as this once in a hundred windows. */
const significance = 0.01;

/**
 * One for each kernel of the window that ran often enough in both halves, the heaviest first. A kernel is `stable`
 * until the mean, the middle interval and the tests of ranks say the same; so it stays in a window of fewer than ten
 * intervals in which it ran, which noise divides too easily.
 */
export function trendsIn({ byKernel, intervals }: Window): Trend[] {
  const length = Math.floor(intervals / 2);
  return byKernel.flatMap((kernel) => {
    const halves = length > 0 ? kernel.halves(length) : undefined;
    const shift = halves && shiftBetween(halves);
    return shift ? [trendOf(kernel.name, halves, shift)] : [];
  });
}

function trendOf(kernel: string, { older, newer, seconds }: Halves, shift: Shift): Trend {
  const { ratio, samples } = shift;
  const probability = Math.max(shift.ofExecutions, shift.ofIntervals);
  const direction = directionOf(shift, probability);
  const how = { improving: `${percent(1 - ratio)} faster`, degrading: `${percent(ratio - 1)} slower`, stable: '' };
  const means = `${formatSeconds(newer.mean ?? Number.NaN)} on average, ${formatSeconds(older.mean ?? Number.NaN)} before`;
  const isNoise = direction === 'stable' && Math.abs(ratio - 1) > leastChange;
  const over = `${samples} executions in ${formatSeconds(seconds)}`;
  const sentence = `${kernel} is ${direction}: ${direction === 'stable' ? '' : `${how[direction]}, `}${means} (${over}${isNoise ? ', which differ as much among themselves' : ''}).`;
  return asSpoken({ kernel, direction, ratio, probability, samples, sentence });
}

function directionOf({ ratio, typicalRatio }: Shift, probability: number): Trend['direction'] {
  if (!(probability < significance)) return 'stable';
  if (Math.min(ratio, typicalRatio) > 1 + leastChange) return 'degrading';
  if (Math.max(ratio, typicalRatio) < 1 - leastChange) return 'improving';
  return 'stable';
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
