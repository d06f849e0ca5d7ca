/** Every rule is seen above its threshold and nothing is seen just short of it. */
import { expect, it } from 'vitest';
import { observe } from '../../../src/analyzer/observe.ts';
import { cases } from '../cases.ts';

const codes = (...of: Parameters<typeof observe>) => observe(...of).sightings.map(({ rule }) => rule.code);

it.each(Object.entries(cases))('%s is seen, and nothing beside it', (code, { raised }) => {
  expect(codes(raised)).toEqual([code]);
});

it.each(Object.entries(cases))('just short of %s nothing is seen', (_, { clear }) => {
  expect(codes(clear)).toEqual([]);
});

it('an event loop starves a device that is busy for less than the operator asks for, whatever the rule asks by itself', () => {
  const { raised } = cases.event_loop_starves_device;
  const { utilization = Number.NaN } = raised;
  const starved = (asked: number) => codes(raised, { thresholds: { low_utilization: asked } });
  expect(starved(utilization * 1.1)).toEqual(['event_loop_starves_device']);
  expect(starved(utilization * 0.9)).toEqual([]);
});
