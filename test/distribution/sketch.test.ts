import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bucketEnd,
  bucketIndex,
  type ClassicScale,
  classicBoundaries,
  Sketch,
  sketchError,
} from '../../src/distribution/sketch.ts';
import { neighbour, streams, streamsInRange } from './durations.ts';

const lowestIndex = -30 * 32;
const highestIndex = 10 * 32 - 1;

function sketchOf(values: readonly number[]): Sketch {
  const sketch = new Sketch();
  for (const value of values) sketch.record(Math.abs(value));
  return sketch;
}

function bucketsOf(sketch: Sketch): Map<number, number> {
  const buckets = new Map<number, number>();
  sketch.forEach((index, count) => {
    buckets.set(index, count);
  });
  return buckets;
}

/** True where value > 2^(index/32), decided by integers: value^32 against 2^index. */
function isAbove(value: number, index: number): boolean {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigInt64(0);
  const mantissa = (bits & ((1n << 52n) - 1n)) | (1n << 52n);
  const exponent = (bits >> 52n) - 1023n - 52n;
  const shift = 32n * exponent - BigInt(index);
  return shift >= 0n ? (mantissa ** 32n) << shift > 1n : mantissa ** 32n > 1n << -shift;
}

describe('buckets', () => {
  it('hold each value above their lower end and not above their upper one, decided by exact arithmetic', () => {
    const inRange = fc.double({ min: -30, max: 10, noNaN: true }).map((exponent) => Math.min(2 ** exponent, 1024));
    fc.assert(
      fc.property(inRange, (value) => {
        fc.pre(value > 2 ** -30);
        const index = bucketIndex(value);
        expect(isAbove(value, index)).toBe(true);
        expect(isAbove(value, index + 1)).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  it('end at every one of their boundaries: the greatest double in a bucket, and the next in the next', () => {
    for (let index = lowestIndex; index < highestIndex; index++) {
      const end = bucketEnd(index);
      expect(bucketIndex(end)).toBe(index);
      expect(bucketIndex(neighbour(end, 1))).toBe(index + 1);
      expect(isAbove(end, index + 1)).toBe(false);
      expect(isAbove(neighbour(end, 1), index + 1)).toBe(true);
    }
  });

  it('end with the powers of two', () => {
    for (let exponent = -29; exponent <= 10; exponent++) {
      expect(bucketIndex(2 ** exponent)).toBe(exponent * 32 - 1);
      expect(bucketIndex(neighbour(2 ** exponent, -1))).toBe(exponent * 32 - 1);
      if (exponent < 10) expect(bucketIndex(neighbour(2 ** exponent, 1))).toBe(exponent * 32);
    }
  });

  it('at the edges hold what lies outside', () => {
    for (const value of [Number.MIN_VALUE, 2 ** -1022, 2 ** -31, 2 ** -30])
      expect(bucketIndex(value)).toBe(lowestIndex);
    for (const value of [2 ** 10, 1025, 1e300]) expect(bucketIndex(value)).toBe(highestIndex);
  });

  it('count zeros apart', () => {
    const sketch = sketchOf([0, -0, 1]);
    expect(sketch.zeroCount).toBe(2);
    expect(bucketsOf(sketch)).toEqual(new Map([[-1, 1]]));
  });

  it('count every value once', () => {
    fc.assert(
      fc.property(streams, (values) => {
        const sketch = sketchOf(values);
        const total = [...bucketsOf(sketch).values()].reduce((sum, count) => sum + count, 0);
        expect(total + sketch.zeroCount).toBe(values.length);
        expect(sketch.count).toBe(values.length);
      }),
    );
  });
});

describe('quantiles', () => {
  it('are within half a bucket of the nearest rank of the sorted values', () => {
    fc.assert(
      fc.property(streamsInRange, fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
        const sorted = values.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(1, Math.ceil(q * values.length)) - 1] ?? Number.NaN;
        const estimate = sketchOf(values).quantile(q) ?? Number.NaN;
        expect(Math.abs(estimate - exact) / exact).toBeLessThanOrEqual(sketchError * (1 + 1e-12));
      }),
      { numRuns: 500 },
    );
  });

  it('stay within 1.1 %, which is what half a bucket is', () => {
    expect(sketchError).toBeLessThan(0.011);
  });

  it('of nothing are absent', () => {
    expect(new Sketch().quantile(0.5)).toBeUndefined();
    expect(sketchOf([1]).quantile(Number.NaN)).toBeUndefined();
  });

  it('see zeros as the lowest values', () => {
    const sketch = sketchOf([0, 0, 0, 1]);
    expect(sketch.quantile(0.75)).toBe(0);
    expect(sketch.quantile(0.76)).toBeGreaterThan(0.98);
  });
});

describe('merging', () => {
  it('gives the sketch of both streams together', () => {
    fc.assert(
      fc.property(streams, streams, (a, b) => {
        const merged = sketchOf(a);
        merged.merge(sketchOf(b));
        const both = sketchOf([...a, ...b]);
        expect(bucketsOf(merged)).toEqual(bucketsOf(both));
        expect([merged.count, merged.zeroCount]).toEqual([both.count, both.zeroCount]);
      }),
    );
  });

  it('leaves the other as it was', () => {
    const other = sketchOf([1e-3, 1]);
    const before = bucketsOf(other);
    sketchOf([1e-6]).merge(other);
    expect(bucketsOf(other)).toEqual(before);
  });
});

describe('counts beyond 32 bits', () => {
  /** A sketch with 2^32 - 1 values in one bucket, made by doubling. */
  function almostFull(): Sketch {
    const full = new Sketch();
    const doubling = sketchOf([1.5]);
    for (let bit = 0; bit < 32; bit++) {
      full.merge(doubling);
      doubling.merge(doubling);
    }
    return full;
  }

  it('neither wrap nor stick when one more is recorded', () => {
    const sketch = almostFull();
    const counts: number[] = [];
    for (let i = 0; i < 3; i++) {
      counts.push(bucketsOf(sketch).get(bucketIndex(1.5)) ?? 0);
      sketch.record(1.5);
    }
    expect(counts).toEqual([2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1]);
    expect(sketch.count).toBe(2 ** 32 + 2);
  });

  it('survive the growth of the range and further merges', () => {
    const sketch = almostFull();
    sketch.merge(sketch);
    sketch.record(1e-6);
    sketch.record(500);
    expect(bucketsOf(sketch).get(bucketIndex(1.5))).toBe(2 ** 33 - 2);
    expect(sketch.classic().reduce((sum, count) => sum + count)).toBe(2 ** 33);
  });
});

describe('classic buckets', () => {
  const scales: readonly ClassicScale[] = [0, 1, 2];

  it('have boundaries from 2^-20 to 2^4, one, two or four an octave', () => {
    expect(classicBoundaries(0)).toEqual(Array.from({ length: 25 }, (_, i) => 2 ** (i - 20)));
    for (const scale of scales) {
      const boundaries = classicBoundaries(scale);
      expect(boundaries).toHaveLength(24 * 2 ** scale + 1);
      for (const [i, boundary] of boundaries.entries()) expect(boundary).toBeCloseTo(2 ** (i / 2 ** scale - 20), 14);
    }
  });

  it('count exactly the values that are not above their boundary', () => {
    fc.assert(
      fc.property(streams, fc.constantFrom(...scales), (values, scale) => {
        const counts = sketchOf(values).classic(scale);
        const cumulative = counts.map((_, i) => counts.slice(0, i + 1).reduce((sum, count) => sum + count, 0));
        const direct = classicBoundaries(scale).map((boundary) => values.filter((value) => value <= boundary).length);
        expect(cumulative).toEqual([...direct, values.length]);
      }),
      { numRuns: 300 },
    );
  });

  it('put a value that is a boundary below it, and the next double above', () => {
    for (const scale of scales) {
      for (const [i, boundary] of classicBoundaries(scale).entries()) {
        expect(sketchOf([boundary]).classic(scale).indexOf(1)).toBe(i);
        expect(
          sketchOf([neighbour(boundary, 1)])
            .classic(scale)
            .indexOf(1),
        ).toBe(i + 1);
      }
    }
  });
});

describe('exponential buckets', () => {
  it('hold all values, each where its scale says, in no more buckets than asked for', () => {
    const sizes = fc.integer({ min: 2, max: 200 });
    fc.assert(
      fc.property(streams, sizes, fc.integer({ min: -4, max: 5 }), (values, maxSize, maxScale) => {
        const sketch = sketchOf(values);
        const { scale, offset, counts, zeroCount } = sketch.exponential({ maxSize, maxScale });
        expect(scale).toBeLessThanOrEqual(maxScale);
        expect(counts.length).toBeLessThanOrEqual(maxSize);
        const expected = new Map<number, number>();
        for (const [index, count] of bucketsOf(sketch)) {
          const coarse = Math.floor(index / 2 ** (5 - scale));
          expected.set(coarse, (expected.get(coarse) ?? 0) + count);
        }
        const actual = new Map(counts.map((count, i) => [offset + i, count] as const).filter(([, count]) => count > 0));
        expect(actual).toEqual(expected);
        expect(zeroCount).toBe(sketch.zeroCount);
        if (counts.length > 0) expect([counts[0], counts.at(-1)]).not.toContain(0);
      }),
    );
  });

  it('are as fine as the bound allows', () => {
    const spread = sketchOf([2 ** -10, 2 ** 0.5]);
    expect(spread.exponential({ maxSize: 1000 }).scale).toBe(5);
    expect(spread.exponential({ maxSize: 160 }).scale).toBe(3);
  });

  it('of nothing are none', () => {
    expect(new Sketch().exponential()).toEqual({ scale: 5, offset: 0, counts: [], zeroCount: 0 });
  });
});
