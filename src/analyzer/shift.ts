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

/** What is slow: this share of all executions, and half of it of either half's. */
const tailShare = 0.1;

/**
 * Two-sided probability that noise alone divides the slow executions so. Where only the slow ones have become slower
 * their ranks among all executions stay what they were. Where they have become so slow that the slowest tenth is all of
 * one half, the tail goes down until it has its share of the other as well: else nothing would be compared.
 */
export function tailProbability({ older, newer }: Halves): number {
  const slow = { older: tail(older.buckets), newer: tail(newer.buckets) };
  const least = { all: tailShare * (older.count + newer.count), half: tailShare / 2 };
  const isWhole = () =>
    slow.older.count + slow.newer.count >= least.all &&
    slow.older.count >= least.half * older.count &&
    slow.newer.count >= least.half * newer.count;
  while (!isWhole()) {
    const key = Math.max(slow.older.next, slow.newer.next);
    if (key === Number.NEGATIVE_INFINITY) break;
    slow.older.take(key);
    slow.newer.take(key);
  }
  return rankTest(slow.older.taken, slow.newer.taken);
}

/** Buckets from the slowest on. */
function tail(buckets: Durations['buckets']) {
  let at = buckets.length;
  let count = 0;
  return {
    get count() {
      return count;
    },
    get next() {
      return buckets[at - 1]?.key ?? Number.NEGATIVE_INFINITY;
    },
    get taken() {
      return buckets.slice(at);
    },
    take(key: number) {
      if (buckets[at - 1]?.key !== key) return;
      at -= 1;
      count += buckets[at]?.count ?? 0;
    },
  };
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
