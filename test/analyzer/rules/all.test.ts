/** The rules as a whole: one of each code, an order, and causes that hide their symptoms. */
import { expect, it } from 'vitest';
import type { BottleneckCode } from '../../../src/analyzer/finding.ts';
import { observe } from '../../../src/analyzer/observe.ts';
import { guidesOwn, type RecommendationCode, recommendations } from '../../../src/analyzer/recommendations.ts';
import type { Rule, RuleBackend } from '../../../src/analyzer/rule.ts';
import { allRules } from '../../../src/analyzer/rules/all.ts';
import { cases, healthy, times } from '../cases.ts';
import { kernelWindow, windowOf } from '../window.ts';

const backends: readonly RuleBackend[] = ['cpu', 'cuda', 'opencl', 'metal', 'webgpu'];
const codes = allRules.map(({ code }) => code);
const ruleOf = (code: BottleneckCode) => allRules.find((rule) => rule.code === code) as Rule;

it('there is one rule for each code, and a case for each rule', () => {
  expect(new Set(codes).size).toBe(codes.length);
  expect([...codes].sort()).toEqual(Object.keys(cases).sort());
});

it('the gravest come first', () => {
  const gravity = ['critical', 'error', 'warning', 'info'];
  const order = allRules.map(({ severity }) => gravity.indexOf(severity));
  expect(order).toEqual([...order].sort((a, b) => a - b));
});

it('every threshold lies in its range', () => {
  for (const { code, thresholds, units, range } of allRules) {
    for (const backend of backends) {
      const threshold = units?.[backend] === undefined ? (thresholds[backend] ?? range[0]) : range[0];
      expect(threshold, code).toBeGreaterThanOrEqual(range[0]);
      expect(threshold, code).toBeLessThanOrEqual(range[1]);
    }
  }
});

it('no cause is its own symptom, in however many steps', () => {
  const effects = (code: BottleneckCode, path: readonly BottleneckCode[] = []): void => {
    expect(path, `${code} hides itself`).not.toContain(code);
    for (const each of allRules.find((rule) => rule.code === code)?.hides ?? []) effects(each, [...path, code]);
  };
  for (const code of codes) effects(code);
});

it('what is hidden shares a backend with its cause', () => {
  for (const rule of allRules) {
    for (const code of rule.hides.filter((each) => codes.includes(each))) {
      const shared = backends.filter((backend) => rule.thresholds[backend] !== undefined);
      expect(shared.some((backend) => ruleOf(code).thresholds[backend] !== undefined)).toBe(true);
    }
  }
});

it('a cause hides its symptom, and only for information it hides nothing', () => {
  const hot = { temperature: 90, thermalThrottle: 0.5, powerThrottle: 0.5, clockRatio: 0.6 };
  expect(seen(healthy('cuda', { hardware: hot }))).toEqual(['thermal_throttling']);
  const varying = kernelWindow('gemm', [...times(900, 0.02), ...times(900, 0.04)]);
  const onCuda = windowOf('cuda', { kernelsByName: [varying], hardware: { powerThrottle: 1 } });
  expect(seen({ ...onCuda, hardware: { powerThrottle: 1, clockRatio: 0.7 } })).toEqual(['power_throttling']);
  expect(seen(onCuda, { profile: 'guide' })).toEqual(['power_throttling', 'high_variance']);
});

it('what every rule recommends there is, and what there is some rule recommends, or it is the guide’s own', () => {
  const recommended = new Set<RecommendationCode>(
    allRules.flatMap((rule) => backends.flatMap((backend) => rule.recommends(backend))),
  );
  expect([...recommended, ...guidesOwn].sort()).toEqual(Object.keys(recommendations).sort());
});

it('the sentences have the words by which the guide’s programs know them', () => {
  expect(recommendations.enable_simd).toContain('SIMD');
  expect(recommendations.use_pinned_memory).toMatch(/pinned memory/i);
  expect(recommendations.increase_work_group_size).toMatch(/work group size/i);
});

function seen(...of: Parameters<typeof observe>): readonly BottleneckCode[] {
  return observe(...of).sightings.map(({ rule }) => rule.code);
}
