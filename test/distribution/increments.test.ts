import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Distribution } from '../../src/distribution/distribution.ts';
import { Increments } from '../../src/distribution/increments.ts';
import { Sketch } from '../../src/distribution/sketch.ts';
import { streams } from './durations.ts';

const bucketsOf = (sketch: Sketch) => {
  const buckets: [number, number][] = [];
  sketch.forEach((index, count) => {
    buckets.push([index, count]);
  });
  return { buckets, zeros: sketch.zeroCount, count: sketch.count };
};

it('the increments of any stream, however it is cut, add up to the stream', () => {
  fc.assert(
    fc.property(fc.array(streams, { minLength: 1, maxLength: 5 }), (parts) => {
      const distribution = new Distribution();
      const increments = new Increments();
      const total = new Sketch();
      let sum = 0;
      for (const part of parts) {
        for (const value of part) distribution.record(Math.abs(value));
        const increment = increments.take(distribution);
        if (increment === undefined) continue;
        expect(increment.count).toBe(increment.sketch.count);
        total.merge(increment.sketch);
        sum += increment.sum;
      }
      expect(bucketsOf(total)).toEqual(bucketsOf(distribution.sketch));
      expect(Math.abs(sum - distribution.sum)).toBeLessThanOrEqual(1e-9 * distribution.sum);
    }),
  );
});

it('an increment holds what came after the last look, and nothing where nothing came', () => {
  const distribution = new Distribution();
  const increments = new Increments();
  expect(increments.take(distribution)).toBeUndefined();
  distribution.record(1);
  distribution.record(4);
  expect(increments.take(distribution)).toMatchObject({ count: 2, sum: 5, newMin: 1, newMax: 4 });
  expect(increments.take(distribution)).toBeUndefined();
  distribution.record(2);
  expect(increments.take(distribution)).toMatchObject({ count: 1, sum: 2, newMin: undefined, newMax: undefined });
  distribution.record(0.5);
  expect(increments.take(distribution)).toMatchObject({ count: 1, newMin: 0.5, newMax: undefined });
});

it('two readers do not disturb each other', () => {
  const distribution = new Distribution();
  const [one, other] = [new Increments(), new Increments()];
  distribution.record(1);
  one.take(distribution);
  distribution.record(1);
  expect(one.take(distribution)?.count).toBe(1);
  expect(other.take(distribution)?.count).toBe(2);
});
