import { describe, expect, test } from 'vitest';
import { Distribution } from '../../src/distribution/distribution.ts';
import { Exemplars } from '../../src/distribution/exemplars.ts';
import { classicBoundaries, classicBucket } from '../../src/distribution/sketch.ts';

const at = (traceId: string, spanId = 'b'.repeat(16)) => ({ traceId, spanId });
const first = at('1'.repeat(32));
const second = at('2'.repeat(32));

describe('exemplars', () => {
  test('are one an octave and interval, the first that comes', () => {
    const exemplars = new Exemplars();
    expect(exemplars.wants(0.003)).toBe(true);
    exemplars.take(0.003, first, 10);
    expect(exemplars.wants(0.0035)).toBe(false);
    expect(exemplars.wants(0.004)).toBe(true);
    exemplars.take(0.0035, second, 11);
    expect(exemplars.latest()).toEqual([{ value: 0.003, time: 10, ...first }]);
  });

  test('stay until an interval has another', () => {
    const exemplars = new Exemplars();
    exemplars.take(0.003, first, 10);
    exemplars.take(3, first, 10);
    exemplars.closeInterval();
    expect(exemplars.latest()).toHaveLength(2);
    exemplars.take(0.0035, second, 15);
    expect(exemplars.latest().map(({ value }) => value)).toEqual([0.0035, 3]);
  });

  test('are not wanted for a little while where there was no trace, and then again', () => {
    const exemplars = new Exemplars();
    for (let miss = 0; miss < 50; miss++) {
      exemplars.missed();
      const refused = Array.from({ length: 20 }, () => exemplars.wants(1)).indexOf(true);
      expect(refused).toBeGreaterThanOrEqual(4);
      expect(refused).toBeLessThanOrEqual(11);
    }
  });

  test('tell by their version when they change', () => {
    const exemplars = new Exemplars();
    expect(exemplars.version).toBe(0);
    exemplars.take(0.003, first, 10);
    exemplars.take(0.003, first, 10);
    expect(exemplars.version).toBe(1);
  });

  test('have ids of a length that every reader takes', () => {
    const exemplars = new Exemplars();
    exemplars.take(1, at('1'.repeat(200)), 10);
    exemplars.take(1, at('1'.repeat(32), ''), 10);
    expect(exemplars.latest()).toEqual([]);
  });

  test('are found by the classic bucket of a value', () => {
    const boundaries = classicBoundaries();
    for (const value of [0, 1e-12, 2 ** -20, 2 ** -20 * 1.0001, 0.001, 1, 1.5, 16, 16.1, 1e9]) {
      const bucket = boundaries.findIndex((bound) => value <= bound);
      expect(classicBucket(value)).toBe(bucket < 0 ? boundaries.length : bucket);
    }
  });

  test('of an interval end with it', () => {
    const distribution = new Distribution();
    distribution.exemplars.take(1, first, 10);
    distribution.closeInterval();
    expect(distribution.exemplars.wants(1)).toBe(true);
  });
});
