import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Distribution } from '../../src/distribution/distribution.ts';
import { sketchError } from '../../src/distribution/sketch.ts';
import { noDurations, streams, streamsInRange } from './durations.ts';

function distributionOf(values: readonly number[]): Distribution {
  const distribution = new Distribution();
  for (const value of values) distribution.record(value);
  return distribution;
}

/** Everything that a distribution says, but how much it rejected. */
function sayings(distribution: Distribution) {
  const { count, sum, min, max, sketch } = distribution;
  return { count, sum, min, max, window: distribution.window(), buckets: sketch.exponential({ maxSize: 2000 }) };
}

/** The statistics of the last 1000, computed the plain way. */
function plainWindow(values: readonly number[]) {
  const last = values.slice(-1000).map(Math.fround);
  if (last.length === 0) return undefined;
  const sorted = last.toSorted((a, b) => a - b);
  const at = (q: number) => {
    const position = (sorted.length - 1) * q;
    const [low, high] = [sorted[Math.floor(position)] ?? Number.NaN, sorted[Math.ceil(position)] ?? Number.NaN];
    return low + (high - low) * (position % 1);
  };
  const mean = last.reduce((sum, value) => sum + value, 0) / last.length;
  const squares = last.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    count: last.length,
    mean,
    min: Math.min(...last),
    max: Math.max(...last),
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    stddev: last.length > 1 ? Math.sqrt(squares / (last.length - 1)) : undefined,
  };
}

function expectClose(actual: object | undefined, expected: object | undefined): void {
  expect(Object.keys(actual ?? {})).toEqual(Object.keys(expected ?? {}));
  const scale = Math.max(0, ...Object.values(expected ?? {}).filter((value) => typeof value === 'number'));
  for (const [key, value] of Object.entries(expected ?? {})) {
    const other: unknown = Reflect.get(actual ?? {}, key);
    if (typeof value !== 'number' || typeof other !== 'number') expect(other).toBe(value);
    else expect(Math.abs(other - value), key).toBeLessThanOrEqual(1e-9 * (key === 'stddev' ? scale : Math.abs(value)));
  }
}

describe('a distribution', () => {
  it('counts, sums and bounds all that it was told', () => {
    fc.assert(
      fc.property(streams, (values) => {
        const { count, sum, min, max } = distributionOf(values);
        expect(count).toBe(values.length);
        expect(sum).toBe(values.reduce((total, value) => total + value, 0) + 0);
        expect(min).toBe(values.length > 0 ? Math.min(...values) + 0 : undefined);
        expect(max).toBe(values.length > 0 ? Math.max(...values) + 0 : undefined);
      }),
    );
  });

  it('that was told nothing says nothing', () => {
    const { count, sum, min, max } = new Distribution();
    expect({ count, sum, min, max }).toEqual({ count: 0, sum: 0, min: undefined, max: undefined });
    expect(new Distribution().window()).toBeUndefined();
    expect(new Distribution().quantile(0.5)).toBeUndefined();
  });

  it('counts what is no duration as rejected, and is otherwise as if it had not been told', () => {
    const mixed = fc.array(fc.oneof(streamsInRange, fc.array(noDurations, { maxLength: 5 })), { maxLength: 8 });
    fc.assert(
      fc.property(mixed, (parts) => {
        const values = parts.flat();
        const durations = values.filter((value) => value >= 0 && value < 1e300);
        const distribution = distributionOf(values);
        expect(distribution.rejected).toBe(values.length - durations.length);
        expect(sayings(distribution)).toEqual(sayings(distributionOf(durations)));
      }),
    );
  });

  it('answers whether it took a duration', () => {
    const distribution = new Distribution();
    expect([0, 1e-9, Number.NaN, -1].map((value) => distribution.record(value))).toEqual([true, true, false, false]);
  });
});

describe('the window', () => {
  it('says what a plain computation over the last 1000 says', () => {
    const long = fc
      .tuple(streams, fc.integer({ min: 1, max: 40 }))
      .map(([values, times]) => Array.from({ length: times }, (_, i) => values.map((value) => value / (i + 1))).flat());
    fc.assert(
      fc.property(fc.oneof(streams, long), (values) => {
        expectClose(distributionOf(values).window(), plainWindow(values));
      }),
      { numRuns: 200 },
    );
  });

  it.each([15, 16, 17, 511, 512, 513, 999, 1000, 1001, 1999, 2000, 2001])('holds the last of %i samples', (count) => {
    const values = Array.from({ length: count }, (_, i) => i + 1);
    const window = distributionOf(values).window();
    expect([window?.count, window?.min, window?.max]).toEqual([Math.min(count, 1000), Math.max(1, count - 999), count]);
  });
});

describe('a quantile of the lifetime', () => {
  it('is near the nearest rank of all values, and never outside of them', () => {
    fc.assert(
      fc.property(streamsInRange, fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
        const sorted = values.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(1, Math.ceil(q * values.length)) - 1] ?? Number.NaN;
        const estimate = distributionOf(values).quantile(q) ?? Number.NaN;
        expect(Math.abs(estimate - exact)).toBeLessThanOrEqual(exact * sketchError * (1 + 1e-12));
        expect(estimate).toBeGreaterThanOrEqual(sorted[0] ?? Number.NaN);
        expect(estimate).toBeLessThanOrEqual(sorted.at(-1) ?? Number.NaN);
      }),
    );
  });

  it('of a constant is that constant, also outside the range of the buckets', () => {
    for (const value of [0, Number.MIN_VALUE, 1e-12, 0.25, 1e6]) {
      expect(distributionOf([value, value]).quantile(0.5)).toBe(value);
    }
  });
});

describe('merging', () => {
  it('gives the distribution of both', () => {
    fc.assert(
      fc.property(streams, streams, (a, b) => {
        const merged = distributionOf([...a, Number.NaN]);
        merged.merge(distributionOf([...b, -1]));
        const both = sayings(distributionOf([...a, ...b]));
        const { sum, ...rest } = sayings(merged);
        expect({ ...rest, sum: both.sum }).toEqual(both);
        expect(Math.abs(sum - both.sum)).toBeLessThanOrEqual(both.sum * 1e-12);
        expect(merged.rejected).toBe(2);
      }),
    );
  });

  it('never lowers a count or a sum', () => {
    fc.assert(
      fc.property(streams, streams, (a, b) => {
        const merged = distributionOf(a);
        const { count, sum } = merged;
        merged.merge(distributionOf(b));
        expect(merged.count).toBeGreaterThanOrEqual(count);
        expect(merged.sum).toBeGreaterThanOrEqual(sum);
      }),
    );
  });
});
