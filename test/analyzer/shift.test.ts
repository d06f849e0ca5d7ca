import { describe, expect, it } from 'vitest';
import { shiftBetween, tailProbability } from '../../src/analyzer/shift.ts';
import { kernelWindow } from './window.ts';

const of = (count: number, value: number) => new Array<number>(count).fill(value);

/** Ten intervals against ten, of two executions each. */
function between(older: readonly number[], newer: readonly number[]) {
  const twice = (means: readonly number[]) => means.flatMap((mean) => [mean, mean]);
  const halves = kernelWindow('k', twice(newer), twice(older)).halves(10);
  if (halves === undefined) throw new Error('there is no history');
  return halves;
}

describe('the test over intervals', () => {
  it('takes means that are equal for ties, on whichever side there are more of them', () => {
    // scipy.stats.mannwhitneyu(older, newer, method='asymptotic'), which corrects for ties.
    const most = shiftBetween(between(of(10, 1), [1, ...of(9, 2)]));
    expect(most?.ofIntervals).toBeCloseTo(0.0000966, 6);
    const half = shiftBetween(between(of(10, 2), [...of(5, 1), ...of(5, 2)]));
    expect(half?.ofIntervals).toBeCloseTo(0.0137, 3);
  });

  it('takes means for equal that differ by how they were added up', () => {
    const added = (0.1 + 0.2 + 0.3) / 3;
    const otherwise = (0.3 + 0.2 + 0.1) / 3;
    expect(added).not.toBe(otherwise);
    expect(shiftBetween(between(of(10, added), of(10, otherwise)))?.ofIntervals).toBe(1);
  });
});

describe('the test over the slow executions', () => {
  const mixed = (slow: number) => Array.from({ length: 20 }, () => [...of(7, 1e-3), ...of(3, slow)]).flat();

  it('is sure where the slowest tenth is all of one half', () => {
    expect(tailProbability(between(mixed(10e-3), mixed(20e-3)))).toBeLessThan(1e-9);
    expect(tailProbability(between(mixed(20e-3), mixed(10e-3)))).toBeLessThan(1e-9);
  });

  it('knows nothing where both halves are slow as often, and as slow', () => {
    expect(tailProbability(between(mixed(10e-3), mixed(10e-3)))).toBe(1);
    expect(tailProbability(between([], mixed(10e-3)))).toBe(1);
  });
});
