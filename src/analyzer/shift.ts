/**
 * How much longer a kernel takes in the newer half of a stretch of time than in the older one, and whether that is more
 * than noise. Trends and regressions both stand on it.
 *
 * Two tests of ranks must agree, because each is blind where the other sees. The one over executions asks whether the
 * times themselves have moved; but executions of one interval share their clock, their neighbours and their batch, so
 * a million of them make any ripple significant. The one over the means of the intervals takes each interval as one
 * witness; but the mean of a few executions lies lower than that of many where the tail is heavy, so it takes a change
 * of load for one of time.
 */
import type { Durations, Halves } from '../profile/window.ts';
import { type Ranked, rankTest } from './rank-test.ts';

export interface Shift {
  /** Mean of the newer half over that of the older one. */
  readonly ratio: number;
  /** The same of the halves' middle intervals, which one slow execution does not move. */
  readonly typicalRatio: number;
  /** Two-sided probability that noise alone divides the halves so, of each test. */
  readonly ofExecutions: number;
  readonly ofIntervals: number;
  /** Executions in both halves. */
  readonly samples: number;
}

/** Fewer executions say nothing. */
export const fewestSamples = 20;

/** `undefined` where there are too few executions, or none in one half. */
export function shiftBetween({ older, newer }: Halves): Shift | undefined {
  const samples = older.count + newer.count;
  const ratio = over(newer.mean, older.mean);
  const typicalRatio = over(median(newer.means), median(older.means));
  if (samples < fewestSamples || ratio === undefined || typicalRatio === undefined) return undefined;
  return {
    ratio,
    typicalRatio,
    ofExecutions: rankTest(older.buckets, newer.buckets),
    ofIntervals: rankTest(ranked(older.means), ranked(newer.means)),
    samples,
  };
}

/**
 * Two-sided probability that noise alone divides the slowest tenth of all executions so. Where only the slow ones have
 * become slower their ranks among all executions stay what they were.
 */
export function tailProbability({ older, newer }: Halves): number {
  let from = Number.POSITIVE_INFINITY;
  let taken = 0;
  for (const { key, count } of [...older.buckets, ...newer.buckets].sort((a, b) => b.key - a.key)) {
    if (taken >= (older.count + newer.count) / 10) break;
    from = key;
    taken += count;
  }
  const tail = ({ buckets }: Durations) => buckets.filter(({ key }) => key >= from);
  return rankTest(tail(older), tail(newer));
}

/** `undefined` where there is no ratio: a side is missing, or the older one is 0. */
export function over(newer: number | undefined, older: number | undefined): number | undefined {
  if (newer === undefined || older === undefined || !(older > 0) || !(newer >= 0)) return undefined;
  return newer / older;
}

/**
 * Means as ranks: those that are equal are one, as a clock of milliseconds makes them. To seven digits, since a sum of
 * equal times divided by their number differs from the next in its last bits, and these say nothing of time.
 */
function ranked(means: readonly number[]): Ranked[] {
  const ranks: { key: number; count: number }[] = [];
  for (const key of Float32Array.from(means).sort()) {
    const last = ranks.at(-1);
    if (last?.key === key) last.count += 1;
    else ranks.push({ key, count: 1 });
  }
  return ranks;
}

function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2;
}
