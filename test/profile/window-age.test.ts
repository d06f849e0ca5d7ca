import { expect, it } from 'vitest';
import { Ring } from '../../src/distribution/ring.ts';
import { WindowAge } from '../../src/profile/window-age.ts';
import { randomNumbers } from '../analyzer/noise.ts';

it('is that of the tick before the oldest sample, whatever came between ticks', () => {
  const random = randomNumbers(7);
  const ring = new Ring();
  const age = new WindowAge(ring, 100);
  /** For each sample, the last tick before it. */
  const ticks: number[] = [];
  let lastTick = 100;
  expect(age.at(100)).toBeUndefined();
  for (let now = 101; now < 3000; now++) {
    for (let samples = Math.floor(random() * 6) - 2; samples > 0; samples--) {
      ring.push(now);
      ticks.push(lastTick);
    }
    age.tick(now);
    lastTick = now;
    expect(age.at(now + 0.5)).toBe(ticks.length === 0 ? undefined : now + 0.5 - (ticks.at(-1000) ?? ticks[0] ?? 0));
  }
  expect(ticks.length).toBeGreaterThan(2000);
});

it('is not negative when the clock goes back', () => {
  const ring = new Ring();
  const age = new WindowAge(ring, 100);
  ring.push(1);
  age.tick(50);
  expect(age.at(40)).toBe(0);
});
