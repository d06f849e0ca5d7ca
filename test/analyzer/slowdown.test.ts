/** Slower kernels are told, through profile, history and analyzer, whatever the noise, the clock and how much runs. */
import { describe, expect, it } from 'vitest';
import { isTold, raisedAt, type Slowdown, slowdowns, slowTail, unchanged } from './slowdown.ts';

const day = 17_280;
const codes = (slowdown: Slowdown, course: Parameters<typeof raisedAt>[1]) =>
  raisedAt(slowdown, course).map(({ tick, finding: { code } }) => ({ code, early: tick < 0 }));

/** How many of so many runs are told. */
function told(slowdown: Slowdown, runs: number, course: Partial<Parameters<typeof isTold>[1]> = {}): number {
  const seeds = Array.from({ length: runs }, (_, seed) => seed);
  return seeds.filter((seed) => isTold(slowdown, { healthy: 60, factor: 1.3, slow: 20, seed, ...course })).length;
}

/** Four executions an interval that vary by 30 % are 40 before and 24 to 56 since: a fifth of the changes drowns. */
const isHard = ({ name }: Slowdown) => name === 'lognormal, 0.3, 4 an interval';

describe('30 % slower is told within 20 ticks', () => {
  const days = slowdowns.filter(({ perInterval }) => perInterval === 4);
  it.each(days)('after a day, and nothing else: $name', (each) => {
    const course = { healthy: day, looked: 720, factor: 1.3, slow: 40, seed: 2 };
    expect(codes(each, course)).toEqual([{ code: 'regression', early: false }]);
  });

  it.each(slowdowns.filter((each) => !isHard(each)))('each time: $name', (each) => {
    expect(told(each, 10)).toBe(10);
  });

  it.each(slowdowns.filter(isHard))('most times: $name', (each) => {
    expect(told(each, 40)).toBeGreaterThan(40 * 0.7);
  });

  it('where only every second or fourth tick is looked at', () => {
    for (const each of slowdowns.filter((one) => one.perInterval === 20)) {
      for (const lookEvery of [2, 4]) {
        const runs = told(each, 8, { lookEvery });
        expect(`${each.name}: ${runs >= 7}`).toBe(`${each.name}: true`);
      }
    }
  });

  it('where the smallest change that counts stays', () => {
    const [constant] = slowdowns.filter(({ name }) => name === 'always the same, 4 an interval');
    expect(constant && told(constant, 4, { factor: 1.22, lookEvery: 4 })).toBe(4);
  });

  it('where it is three of ten executions that take twice as long', () => {
    expect(told({ ...slowTail, perInterval: 50 }, 10, { factor: 2 })).toBe(10);
  });

  it('where one kernel was compiled meanwhile, which is no deployment', () => {
    const [constant] = slowdowns;
    const beside: Parameters<typeof raisedAt>[1]['beside'] = (profile, tick) => {
      if (tick === 8) profile.deliver({ kind: 'compilation', duration: 1.1, failed: undefined });
    };
    expect(constant && told(constant, 4, { factor: 2, beside })).toBe(4);
  });
});

it('nothing is told of what does not change, whatever the clock', () => {
  const runs = unchanged.flatMap((each) =>
    [1, 2, 4].map((lookEvery) => codes(each, { healthy: 400, factor: 1, slow: 0, lookEvery, seed: 3 })),
  );
  // A device whose kernel varies by more than 30 % is said to; that is another finding.
  expect(runs.flat().filter(({ code }) => code !== 'high_variance')).toEqual([]);
});
