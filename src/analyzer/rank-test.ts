/**
 * The rank test of Wilcoxon (1945) and of Mann and Whitney (1947): how probable it is that two samples of one and the
 * same distribution lie as far apart as these do. It asks for the order of the values only, so no distribution is
 * assumed and an outlier weighs no more than any other value.
 */

/** So many values of one rank. `key` rises with the value, and no other entry of the list has it. */
export interface Ranked {
  readonly key: number;
  readonly count: number;
}

/**
 * Up to so many values all ways to divide them are counted; above, the normal distribution is near enough. With ties
 * they are counted anew at each call, so only where that takes a few microseconds.
 */
export const exactUpTo = { withoutTies: 24, withTies: 12 } as const;

/**
 * Two-sided probability, 0 to 1, that chance alone divides the values so. Both lists rise by `key`, each of which stands once; those that are in both are ties.
 * Exact for few values (`exactUpTo`); for more the normal approximation, corrected for ties and for continuity.
 * 1 where a side is empty.
 */
export function rankTest(older: readonly Ranked[], newer: readonly Ranked[]): number {
  const { ranks, olderCount, newerCount, newerRankSum } = rankTogether(older, newer);
  if (olderCount === 0 || newerCount === 0) return 1;
  const count = olderCount + newerCount;
  return count <= (ranks.length === count ? exactUpTo.withoutTies : exactUpTo.withTies)
    ? exactly(ranks, newerCount, newerRankSum)
    : normally(ranks, olderCount, newerCount, newerRankSum);
}

interface Ranks {
  /** Ties share the mean of the ranks that they take. Kept doubled, so that it is a whole number. */
  readonly ranks: readonly { readonly doubled: number; readonly count: number }[];
  readonly olderCount: number;
  readonly newerCount: number;
  /** Of the newer ones, doubled. */
  readonly newerRankSum: number;
}

function rankTogether(older: readonly Ranked[], newer: readonly Ranked[]): Ranks {
  const ranks: { doubled: number; count: number }[] = [];
  let olderCount = 0;
  let newerCount = 0;
  let newerRankSum = 0;
  let o = 0;
  let n = 0;
  while (o < older.length || n < newer.length) {
    const key = Math.min(older[o]?.key ?? Number.POSITIVE_INFINITY, newer[n]?.key ?? Number.POSITIVE_INFINITY);
    if (Number.isNaN(key)) break; // what has no order has no rank
    const fromOlder = older[o]?.key === key ? (older[o++]?.count ?? 0) : 0;
    const fromNewer = newer[n]?.key === key ? (newer[n++]?.count ?? 0) : 0;
    const count = fromOlder + fromNewer;
    const doubled = 2 * (olderCount + newerCount) + count + 1;
    ranks.push({ doubled, count });
    olderCount += fromOlder;
    newerCount += fromNewer;
    newerRankSum += doubled * fromNewer;
  }
  return { ranks, olderCount, newerCount, newerRankSum };
}

/** The share of all ways to choose the newer ones whose sum of ranks is as far from the expected one. */
function exactly(ranks: Ranks['ranks'], newerCount: number, newerRankSum: number): number {
  const all = ranks.flatMap(({ doubled, count }) => new Array<number>(count).fill(doubled));
  const ways = all.length === ranks.length ? waysWithoutTies(all.length, newerCount) : waysToSum(all, newerCount);
  const expected = newerCount * (all.length + 1);
  const distance = Math.abs(newerRankSum - expected);
  let total = 0;
  let asFar = 0;
  for (let sum = 0; sum < ways.length; sum++) {
    const count = ways[sum] as number;
    total += count;
    if (Math.abs(sum - expected) >= distance) asFar += count;
  }
  return asFar / total;
}

/** In how many ways `chosen` of the ranks add up to each sum. */
function waysToSum(ranks: readonly number[], chosen: number): Float64Array {
  const width = ranks.reduce((total, rank) => total + rank, 0) + 1;
  const ways = Array.from({ length: chosen + 1 }, () => new Float64Array(width));
  (ways[0] as Float64Array)[0] = 1;
  for (const rank of ranks) {
    for (let size = chosen; size > 0; size--) {
      const to = ways[size] as Float64Array;
      const from = ways[size - 1] as Float64Array;
      for (let sum = rank; sum < width; sum++) to[sum] = (to[sum] as number) + (from[sum - rank] as number);
    }
  }
  return ways[chosen] as Float64Array;
}

/** Without ties they depend on the counts alone, and the same few come again at each tick. */
const known = new Map<number, Float64Array>();
/** Of up to 5 KB each; kernels that run now and then divide in many ways. */
const mostKnown = 32;

function waysWithoutTies(count: number, chosen: number): Float64Array {
  const key = count * (exactUpTo.withoutTies + 1) + chosen;
  let ways = known.get(key);
  if (ways === undefined) {
    ways = waysToSum(
      Array.from({ length: count }, (_, i) => 2 * (i + 1)),
      chosen,
    );
    if (known.size >= mostKnown) known.clear();
    known.set(key, ways);
  }
  return ways;
}

function normally(ranks: Ranks['ranks'], olderCount: number, newerCount: number, newerRankSum: number): number {
  const count = olderCount + newerCount;
  const distance = Math.abs(newerRankSum - newerCount * (count + 1)) / 2;
  const ties = ranks.reduce((total, { count: tied }) => total + (tied ** 3 - tied), 0);
  const variance = ((olderCount * newerCount) / 12) * (count + 1 - ties / (count * (count - 1)));
  if (!(variance > 0)) return 1;
  return complementaryError(Math.max(0, distance - 0.5) / Math.sqrt(2 * variance));
}

/** erfc of a value that is not negative, within 1.5e-7. Abramowitz and Stegun (1964), 7.1.26. */
function complementaryError(x: number): number {
  const t = 1 / (1 + 0.3275911 * x);
  const terms = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592];
  return terms.reduce((sum, term) => (sum + term) * t, 0) * Math.exp(-x * x);
}
