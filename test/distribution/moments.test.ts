import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Distribution } from '../../src/distribution/distribution.ts';
import { deviationOf, joinMoments, type Moments, noMoments } from '../../src/distribution/moments.ts';
import { standardDeviation } from '../../src/distribution/statistics.ts';

/** By the definition, in two passes. */
function momentsOf(values: readonly number[]): Moments {
  const count = values.length;
  const sum = values.reduce((total, value) => total + value, 0);
  const squares = values.reduce((total, value) => total + (value - sum / count) ** 2, 0);
  return { count, sum, squares };
}

const duration = fc.double({ min: 1e-6, max: 1e3, noNaN: true });

describe('moments', () => {
  it('of parts are joined to those of the whole, in any order', () => {
    fc.assert(
      fc.property(fc.array(fc.array(duration, { maxLength: 20 }), { maxLength: 6 }), (parts) => {
        const joined = parts.map(momentsOf).map((each) => (each.count === 0 ? noMoments : each));
        const whole = momentsOf(parts.flat());
        for (const order of [joined, joined.toReversed()]) {
          const all = order.reduce(joinMoments, noMoments);
          expect(all.count).toBe(whole.count);
          expect(all.sum).toBeCloseTo(whole.sum, 6);
          if (whole.count > 1) expect(deviationOf(all)).toBeCloseTo(standardDeviation(parts.flat()) ?? Number.NaN, 6);
        }
      }),
    );
  });

  it('of fewer than two values have no deviation', () => {
    expect(deviationOf(noMoments)).toBeUndefined();
    expect(deviationOf(momentsOf([1]))).toBeUndefined();
  });
});

describe("a distribution's intervals", () => {
  it('tell what came in each of them, and the lifetime all of it', () => {
    const distribution = new Distribution();
    distribution.record(1);
    distribution.record(3);
    expect(distribution.interval).toEqual(noMoments);
    distribution.closeInterval();
    distribution.record(5);
    expect(distribution.interval).toEqual({ count: 2, sum: 4, squares: 2 });
    expect(distribution.sum).toBe(9);
    expect(deviationOf(distribution.moments)).toBe(2);
    distribution.closeInterval();
    distribution.closeInterval();
    expect(distribution.interval).toEqual(noMoments);
    expect(distribution.moments).toEqual({ count: 3, sum: 9, squares: 8 });
  });

  it('are right after years of other times, where a difference of lifetime sums of squares is all rounding', () => {
    const distribution = new Distribution();
    for (let i = 0; i < 1000; i++) distribution.record(1e5);
    distribution.closeInterval();
    const last = Array.from({ length: 1000 }, (_, i) => 1e-5 * (1 + 0.01 * Math.sin(i)));
    const before = 1000 * 1e5 ** 2;
    for (const seconds of last) distribution.record(seconds);
    distribution.closeInterval();
    expect(before + last.reduce((sum, seconds) => sum + seconds ** 2, 0) - before).toBe(0);
    const exact = standardDeviation(last) ?? Number.NaN;
    expect(deviationOf(distribution.interval)).toBeGreaterThan(exact * (1 - 1e-9));
    expect(deviationOf(distribution.interval)).toBeLessThan(exact * (1 + 1e-9));
  });

  it('stay with what was recorded in them when a distribution becomes a part of another', () => {
    const [all, part] = [new Distribution(), new Distribution()];
    all.record(1);
    all.closeInterval();
    part.record(2);
    all.record(4);
    all.merge(part);
    all.closeInterval();
    expect(all.interval).toEqual({ count: 2, sum: 6, squares: 2 });
    expect(all.moments.count).toBe(3);
  });
});
