/** Every rule is seen above its threshold, nothing is seen just short of it, and there it is cleared. */
import { expect, it } from 'vitest';
import { Analyzer } from '../../../src/analyzer/analyzer.ts';
import type { Finding } from '../../../src/analyzer/finding.ts';
import { observe } from '../../../src/analyzer/observe.ts';
import type { DeviceIdentity } from '../../../src/backend.ts';
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

it.each(Object.entries(cases))(
  '%s is raised in the second window, and cleared in the third just short of it',
  (code, { raised, clear }) => {
    const told: string[] = [];
    const announce = ({ state, code: of }: Finding) => void told.push(`${state} ${of}`);
    const analyzer = new Analyzer({ device: raised.device as DeviceIdentity, now: () => 0, announce });
    analyzer.analyze(raised);
    expect(told).toEqual([]);
    analyzer.analyze(raised);
    expect(told).toEqual([`raised ${code}`]);
    for (let i = 0; i < 2; i++) analyzer.analyze(clear);
    expect(analyzer.findings.map((finding) => finding.code)).toEqual([code]);
    analyzer.analyze(clear);
    expect(told).toEqual([`raised ${code}`, `cleared ${code}`]);
  },
);
