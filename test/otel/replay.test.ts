import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Distribution } from '../../src/distribution/distribution.ts';
import { Increments } from '../../src/distribution/increments.ts';
import { Replay, representatives } from '../../src/otel/replay.ts';
import { streams } from '../distribution/durations.ts';

const bucketsOf = ({ sketch }: Distribution) => {
  const buckets = new Map<number, number>([[Number.NEGATIVE_INFINITY, sketch.zeroCount]]);
  sketch.forEach((index, count) => {
    buckets.set(index, count);
  });
  return buckets;
};

it('what is replayed fills the same buckets, with the same sum, minimum and maximum, however the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(streams, { minLength: 1, maxLength: 4 }), (parts) => {
      const recorded = new Distribution();
      const replayed = new Distribution();
      const increments = new Increments();
      for (const part of parts) {
        for (const value of part) recorded.record(Math.abs(value));
        const increment = increments.take(recorded);
        if (increment === undefined) continue;
        for (const { value, times } of representatives(increment, recorded)) {
          for (let i = 0; i < times; i++) replayed.record(value);
        }
      }
      expect(bucketsOf(replayed)).toEqual(bucketsOf(recorded));
      expect([replayed.min, replayed.max]).toEqual([recorded.min, recorded.max]);
      expect(Math.abs(replayed.sum - recorded.sum)).toBeLessThanOrEqual(1e-6 * recorded.sum);
    }),
    // Once found: a maximum one step above the foot of its bucket.
    { examples: [[[[2.0000000000000004], [0.9999999999999999, 2.0000000000000004, 0.9999999999999999]]]] },
  );
});

it('stops when its time is over, says what is pending, and loses nothing of it', () => {
  let clock = 0;
  const replay = new Replay(() => clock);
  const distribution = new Distribution();
  for (let i = 0; i < 10_000; i++) distribution.record(0.001 * (1 + (i % 7)));
  let records = 0;
  const histogram = {
    record() {
      records += 1;
      clock += 1e-6;
    },
  };
  replay.add(distribution, histogram, {});
  expect(replay.work(0.002)).toBe(true);
  expect(records).toBeGreaterThanOrEqual(2000);
  expect(records).toBeLessThan(2000 + 257);
  distribution.record(1);
  expect(replay.pending(distribution)).toBe(10_001 - records);
  while (replay.work(0.002));
  replay.add(distribution, histogram, {});
  expect(replay.work(0.002)).toBe(false);
  expect(records).toBe(10_001);
  expect(replay.pending(distribution)).toBe(0);
});
