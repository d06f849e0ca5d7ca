import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  coefficientOfVariation,
  percentile,
  standardDeviation,
  windowStatistics,
} from '../../src/distribution/statistics.ts';

describe('percentiles', () => {
  it('are those of NumPy', () => {
    // numpy.percentile([15, 20, 35, 40, 50], [5, 25, 40, 50, 95, 99])
    const samples = [15, 20, 35, 40, 50];
    const expected = [16, 20, 29, 35, 48, 49.6];
    for (const [i, q] of [0.05, 0.25, 0.4, 0.5, 0.95, 0.99].entries()) {
      expect(percentile(samples, q)).toBeCloseTo(expected[i] as number, 12);
    }
  });

  it('of one sample are that sample', () => {
    expect([0, 0.5, 0.99, 1].map((q) => percentile([7], q))).toEqual([7, 7, 7, 7]);
  });

  it('never leave the samples, and rise with q', () => {
    const samples = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(samples, share, share, (values, a, b) => {
        const sorted = values.toSorted((x, y) => x - y);
        const [low, high] = [percentile(sorted, Math.min(a, b)), percentile(sorted, Math.max(a, b))];
        expect(low).toBeGreaterThanOrEqual(sorted[0] as number);
        expect(high).toBeLessThanOrEqual((sorted.at(-1) as number) * (1 + 1e-15));
        expect(high).toBeGreaterThanOrEqual(low * (1 - 1e-15));
      }),
    );
  });
});

describe('the standard deviation', () => {
  it("is the sample's, with n - 1", () => {
    // statistics.stdev([2, 4, 4, 4, 5, 5, 7, 9]) in Python
    expect(standardDeviation([2, 4, 4, 4, 5, 5, 7, 9])).toBeCloseTo(2.138089935299395, 14);
  });

  it('keeps its digits where samples differ little from a large mean', () => {
    const samples = [4, 7, 13, 16].map((value) => value + 1e9);
    expect(standardDeviation(samples)).toBeCloseTo(Math.sqrt(30), 9);
  });

  it('says nothing of one sample, and 0 of equal ones', () => {
    expect(standardDeviation([1])).toBeUndefined();
    expect(standardDeviation([0.1, 0.1, 0.1])).toBe(0);
  });
});

it('the coefficient of variation is the spread over the mean, where both say something', () => {
  const of = (...samples: number[]) => {
    const window = windowStatistics(Float64Array.from(samples));
    return window && coefficientOfVariation(window);
  };
  expect(of(1, 3)).toBeCloseTo(Math.SQRT2 / 2, 15);
  expect(of(1)).toBeUndefined();
  expect(of(0, 0)).toBeUndefined();
});
