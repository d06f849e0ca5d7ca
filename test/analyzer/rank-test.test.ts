import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exactUpTo, rankTest } from '../../src/analyzer/rank-test.ts';

/** Values as counts of equal ones, rising. */
function ranked(values: readonly number[]) {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return Array.from(counts, ([key, count]) => ({ key, count })).sort((a, b) => a.key - b.key);
}

/** Counts as SciPy's `numpy.repeat` takes them. */
const repeated = (counts: Readonly<Record<number, number>>) =>
  Object.entries(counts).map(([key, count]) => ({ key: Number(key), count }));

const probability = (older: readonly number[], newer: readonly number[]) => rankTest(ranked(older), ranked(newer));

describe('the rank test', () => {
  it('agrees with published examples', () => {
    // The example of scipy.stats.mannwhitneyu: ages at which type II diabetes was found.
    expect(probability([19, 22, 16, 29, 24], [20, 11, 17, 12])).toBeCloseTo(0.1111111111111111, 12);
    // Hollander and Wolfe (1973), 69f., the example of R's wilcox.test: permeability of the human chorioamnion.
    const atTerm = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
    expect(probability(atTerm, [1.15, 0.88, 0.9, 0.74, 1.21])).toBeCloseTo(0.2544122544122544, 12);
  });

  it('agrees with SciPy where there are many values with many ties', () => {
    // mannwhitneyu(numpy.repeat(…), numpy.repeat(…), method='asymptotic')
    const few = rankTest(repeated({ 1: 10, 2: 30, 3: 5 }), repeated({ 1: 3, 2: 25, 3: 17, 5: 2 }));
    expect(few).toBeCloseTo(0.00044525650126111106, 6);
    const many = rankTest(repeated({ 1: 1000, 2: 3000, 3: 2000, 4: 5 }), repeated({ 1: 900, 2: 3050, 3: 2100, 4: 12 }));
    expect(many).toBeCloseTo(0.010570314580787664, 6);
  });

  it('counts the ways to divide few values, ties or not', () => {
    const value = fc.integer({ min: 0, max: 6 });
    const side = fc.array(value, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(side, side, (older, newer) => {
        expect(probability(older, newer)).toBeCloseTo(byCounting(older, newer), 10);
      }),
    );
  });

  it('goes from counting to approximation without a step', () => {
    const older = Array.from({ length: exactUpTo.withoutTies / 2 }, (_, i) => i * 2);
    const newer = older.map((each) => each + 7);
    const exact = probability(older, newer);
    const approximate = probability(older, [...newer, 23.5]);
    expect(Math.abs(exact - approximate)).toBeLessThan(0.03);
    expect(exact).not.toBe(approximate);
  });

  it('does not care which side is which', () => {
    const side = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(side, side, (a, b) => {
        const there = probability(a, b);
        expect(probability(b, a)).toBeCloseTo(there, 9);
        expect(there).toBeGreaterThan(0);
        expect(there).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('knows nothing of a side without values, nor of values that are all equal', () => {
    expect(probability([], [1, 2, 3])).toBe(1);
    expect(probability([1, 2, 3], [])).toBe(1);
    expect(rankTest(repeated({ 5: 1e7 }), repeated({ 5: 2e7 }))).toBe(1);
  });

  it('ends where a value is none', () => {
    expect(probability([Number.NaN, 1], [2])).toBeLessThanOrEqual(1);
  });

  it('holds out against millions', () => {
    const older = repeated({ 1: 4e8, 2: 6e8, 3: 4e8 });
    expect(rankTest(older, older)).toBeCloseTo(1, 6);
    expect(rankTest(older, repeated({ 1: 3e8, 2: 6e8, 3: 5e8 }))).toBeLessThan(1e-12);
  });
});

/** By the definition: of all ways to call so many of the values newer, those whose U lies as far from the middle. */
function byCounting(older: readonly number[], newer: readonly number[]): number {
  const all = [...older, ...newer];
  const middle = (older.length * newer.length) / 2;
  const distance = (chosen: readonly number[]) => {
    const rest = [...all.keys()].filter((at) => !chosen.includes(at));
    let u = 0;
    for (const n of chosen) {
      for (const o of rest) u += Math.sign((all[n] as number) - (all[o] as number)) / 2 + 0.5;
    }
    return Math.abs(u - middle);
  };
  const observed = distance(newer.map((_, i) => older.length + i));
  const ways = choices(all.length, newer.length);
  return ways.filter((chosen) => distance(chosen) >= observed).length / ways.length;
}

function choices(count: number, size: number, from = 0): number[][] {
  if (size === 0) return [[]];
  return Array.from({ length: count - from }, (_, i) => from + i).flatMap((first) =>
    choices(count, size - 1, first + 1).map((rest) => [first, ...rest]),
  );
}
