import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Sketch } from '../../src/distribution/sketch.ts';
import {
  allBuckets,
  historyLength,
  quantileErrorOf,
  quantileOf,
  RecentBuckets,
} from '../../src/profile/recent-buckets.ts';

/** Durations recorded interval after interval. */
function recorded(intervals: readonly (readonly number[])[]) {
  const sketch = new Sketch();
  const buckets = new RecentBuckets();
  for (const [number, seconds] of intervals.entries()) {
    for (const each of seconds) sketch.record(each);
    buckets.take(number + 1, seconds.length, [sketch]);
  }
  return { sketch, buckets };
}

const total = (counts: Float64Array) => counts.reduce((sum, count) => sum + count, 0);

/** Log-uniform between the ends of the sketch's range. */
const anywhere = fc.double({ min: -29.5, max: 9.5, noNaN: true }).map((exponent) => 2 ** exponent);
/** Within an octave, as kernels are. */
const narrow = fc.double({ min: -10, max: -9, noNaN: true }).map((exponent) => 2 ** exponent);

describe('buckets of the last intervals', () => {
  it('hold every duration of any run of intervals, with quantiles within the stated error', () => {
    const seconds = fc.array(fc.oneof({ weight: 3, arbitrary: narrow }, anywhere), { maxLength: 60 });
    const history = fc.array(seconds, { minLength: 1, maxLength: historyLength + 6 });
    fc.assert(
      fc.property(history, fc.nat(), fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (intervals, a, b, q) => {
        const { buckets } = recorded(intervals);
        const oldest = Math.max(1, intervals.length - historyLength + 1);
        const edges = [a, b].map((n) => oldest + (n % (intervals.length - oldest + 1))).sort((x, y) => x - y);
        const [first = 1, last = 1] = edges;
        const expected = intervals
          .slice(first - 1, last)
          .flat()
          .sort((x, y) => x - y);
        const sum = buckets.sum(first, last);
        expect(total(sum.counts)).toBe(expected.length);
        const exact = expected[Math.max(0, Math.ceil(q * expected.length) - 1)];
        if (exact === undefined) expect(quantileOf(sum, q)).toBeUndefined();
        else expect(Math.abs((quantileOf(sum, q) ?? 0) / exact - 1)).toBeLessThanOrEqual(quantileErrorOf(sum) + 1e-9);
      }),
      { numRuns: 300 },
    );
  });

  it('are 16 an octave for a kernel with some far outliers', () => {
    const seconds = Array.from({ length: 1000 }, (_, i) => 1e-3 * (1 + (i % 50) / 50));
    const { buckets } = recorded([[...seconds, 1e-8, 10, 100]]);
    const sum = buckets.sum(1, 1);
    expect(sum.joined).toBe(0);
    expect(quantileErrorOf(sum)).toBeCloseTo(0.0217, 4);
  });

  it('become coarser for an interval that is all over the place, and fine again when it has left', () => {
    const everywhere = Array.from({ length: 640 }, (_, i) => 2 ** (-30 + (i + 0.5) / 16));
    const intervals = [everywhere, ...new Array<number[]>(historyLength).fill([1e-3, 1.1e-3])];
    const { buckets } = recorded(intervals.slice(0, historyLength));
    expect(buckets.sum(1, historyLength).joined).toBe(4);
    expect(total(buckets.sum(1, historyLength).counts)).toBe(640 + 2 * (historyLength - 1));
    expect(buckets.sum(2, historyLength).joined).toBe(0);
    expect(recorded(intervals).buckets.joinedIn(2, historyLength + 1)).toBe(0);
  });

  it('have the same keys where they are asked to be compared', () => {
    const everywhere = Array.from({ length: 640 }, (_, i) => 2 ** (-30 + (i + 0.5) / 16));
    const { buckets } = recorded([everywhere, [1e-3]]);
    const joined = buckets.joinedIn(1, 2);
    const [older, newer] = [buckets.sum(1, 1, joined), buckets.sum(2, 2, joined)];
    expect(older.joined).toBe(newer.joined);
    expect([...older.keys]).toContain(newer.keys[0]);
  });

  it('leave out an interval where more came than in it', () => {
    const sketch = new Sketch();
    const buckets = new RecentBuckets();
    for (let i = 0; i < 10; i++) sketch.record(1e-3);
    expect(buckets.take(1, 4, [sketch])).toBe(false);
    sketch.record(2e-3);
    expect(buckets.take(2, 1, [sketch])).toBe(true);
    expect(total(buckets.sum(1, 2).counts)).toBe(1);
  });

  it('say nothing of intervals that were overwritten', () => {
    const { buckets } = recorded(new Array<number[]>(historyLength + 1).fill([1e-3]));
    expect(buckets.sum(1, 12).keys).toHaveLength(0);
    expect(total(buckets.sum(2, 12).counts)).toBe(11);
  });

  it('keep every count where a sketch holds more than 32 bits', () => {
    const sketch = new Sketch();
    sketch.add(0, 2 ** 32 + 7);
    const buckets = new RecentBuckets();
    buckets.take(1, 0, [sketch]);
    sketch.add(0, 2 ** 32 - 1);
    buckets.take(2, 2 ** 32 - 1, [sketch]);
    expect(total(buckets.sum(2, 2).counts)).toBe(2 ** 32 - 1);
    expect(total(allBuckets([sketch]).counts)).toBe(2 ** 33 + 6);
  });

  it('count zeros as the shortest there are', () => {
    const sketch = new Sketch();
    sketch.record(0);
    sketch.record(0);
    sketch.record(1);
    const all = allBuckets([sketch]);
    expect([...all.counts]).toEqual([2, 1]);
    expect(quantileOf(all, 0.5)).toBeLessThan(1e-9);
  });
});
