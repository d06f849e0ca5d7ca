import { describe, expect, it } from 'vitest';
import { cases, falseAlarms } from './false-changes.ts';

const runs = 1000;

describe(`noise that does not change, in ${runs} runs of each kind`, () => {
  const independent = cases.filter(({ ripple }) => ripple === 0);

  it.each(independent)('is a trend or a regression in less than one run of a hundred: $name', (each) => {
    const { trend, regression } = falseAlarms(each, runs, 1);
    expect(trend).toBeLessThan(0.01);
    expect(regression).toBeLessThan(0.01);
  });

  it('is no more often one where all that runs in an interval is slower together', () => {
    const rippling = cases.filter(({ ripple }) => ripple > 0).map((each, i) => falseAlarms(each, runs / 5, i));
    const mean = (of: (each: (typeof rippling)[number]) => number) =>
      rippling.reduce((sum, each) => sum + of(each), 0) / rippling.length;
    expect(mean(({ trend }) => trend)).toBeLessThan(0.01);
    expect(mean(({ regression }) => regression)).toBeLessThan(0.01);
  });

  it('would be a regression in every third run by means alone, where the tail is heavy', () => {
    const heavy = independent.filter(({ name }) => name.startsWith('Pareto, shape 1.1'));
    expect(heavy.length).toBeGreaterThan(0);
    for (const each of heavy) expect(falseAlarms(each, 200, 1).guide).toBeGreaterThan(0.3);
  });
});
