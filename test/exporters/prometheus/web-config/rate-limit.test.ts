import { expect, test } from 'vitest';
import { createRateLimit } from '../../../../src/exporters/prometheus/web-config/rate-limit.ts';

test('a burst is within the limit, and then one each interval, however long nobody asked', () => {
  let now = 0;
  const within = createRateLimit({ intervalMillis: 100, burst: 3 }, () => now);
  const take = (count: number) => Array.from({ length: count }, () => within()).filter(Boolean).length;
  expect(take(10)).toBe(3);
  now += 99;
  expect(take(10)).toBe(0);
  now += 1;
  expect(take(10)).toBe(1);
  now += 250;
  expect(take(10)).toBe(2);
  now += 50;
  expect(take(10)).toBe(1);
  now += 1e9;
  expect(take(10)).toBe(3);
});
