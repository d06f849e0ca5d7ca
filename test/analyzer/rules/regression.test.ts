import { describe, expect, it } from 'vitest';
import type { RuleProfile } from '../../../src/analyzer/rule.ts';
import { regression } from '../../../src/analyzer/rules/regression.ts';
import type { Halves } from '../../../src/profile/window.ts';
import { lognormal, randomNumbers } from '../noise.ts';
import { kernelWindow, windowOf } from '../window.ts';

const random = randomNumbers(12);
const noise = lognormal(0.05);
/** About a millisecond each, times a factor. */
const times = (count: number, factor = 1) => Array.from({ length: count }, () => factor * noise(random));

interface Stated {
  readonly age?: number;
  readonly profile?: RuleProfile;
  readonly threshold?: number;
  readonly halves?: Partial<Halves>;
}

function found(older: readonly number[], newer: readonly number[], stated: Stated = {}) {
  const kernel = kernelWindow('matmul', newer, older);
  const halves = (intervals: number, before?: number) => {
    const told = kernel.halves(intervals, before);
    return told && { ...told, ...stated.halves };
  };
  const window = windowOf('opencl', { age: stated.age ?? 3600, kernelsByName: [{ ...kernel, halves }] });
  return regression.find(window, {
    threshold: stated.threshold ?? 1.2,
    profile: stated.profile ?? 'production',
    thresholdOf: () => undefined,
  });
}

describe('regression', () => {
  it('is a kernel that takes a third more than before', () => {
    const [seen, ...others] = found(times(100), times(100, 1.3));
    expect(others).toEqual([]);
    expect(seen?.kernel).toBe('matmul');
    expect(seen?.observed).toBeCloseTo(1.3, 1);
    const { before, after } = seen?.change ?? { before: 0, after: 0 };
    expect(before).toBeCloseTo(0.001, 4);
    expect(after / before).toBe(seen?.observed);
    expect(seen?.samples).toBe(200);
    expect(seen?.sentence).toMatch(/^matmul takes 1\.3\d? ms on average, 3\d % more than in the 50\.?\d* s before \(/);
  });

  it('is none just under the threshold, nor where a kernel becomes faster', () => {
    expect(found(times(100), times(100, 1.18))).toEqual([]);
    expect(found(times(100), times(100, 0.5))).toEqual([]);
    expect(found(times(100), times(100, 1.3), { threshold: 1.5 })).toEqual([]);
  });

  it('is none where one execution was slow, which the guide calls one', () => {
    const slowOnce = [...times(99), 0.1];
    expect(found(times(100), slowOnce)).toEqual([]);
    expect(found(times(100), slowOnce, { profile: 'guide' })).toHaveLength(1);
  });

  it('is none where the same sizes come in another mix, since the P95 stays', () => {
    const small = (count: number) => times(count);
    const large = (count: number) => times(count, 4);
    const mixed = (count: number, share: number) =>
      Array.from({ length: count / 10 }, () => [...small(10 - share), ...large(share)]).flat();
    expect(found(mixed(1000, 2), mixed(1000, 5), { profile: 'guide' })).toHaveLength(1);
    expect(found(mixed(1000, 2), mixed(1000, 5))).toEqual([]);
  });

  it('is one where only the slow tenth became slower', () => {
    const tailed = (slow: number) => Array.from({ length: 100 }, () => [...times(9), ...times(1, slow)]).flat();
    expect(found(tailed(1.2), tailed(5))).toHaveLength(1);
  });

  it('needs twenty executions', () => {
    expect(found(times(10), times(10, 2))).toHaveLength(1);
    expect(found(times(10), times(9, 2))).toEqual([]);
    expect(found([1e-3], [2e-3])).toEqual([]);
  });

  it('does not compare the first minute with anything', () => {
    expect(found(times(100), times(100, 1.5), { age: 159 })).toEqual([]);
    expect(found(times(100), times(100, 1.5), { age: 160 })).toHaveLength(1);
    expect(found(times(100), times(100, 1.5), { age: 120, profile: 'guide' })).toHaveLength(1);
  });

  it('does not compare a deployment that compiles with anything', () => {
    const compiled = (compilations: number, compilingSeconds: number) =>
      found(times(100), times(100, 1.5), { halves: { compilations, compilingSeconds } });
    expect(compiled(3, 1.1)).toEqual([]);
    expect(compiled(3, 0.9)).toHaveLength(1);
    // One kernel that is first used late is no deployment.
    expect(compiled(2, 20)).toHaveLength(1);
  });

  it('tells each kernel by itself, the worst first', () => {
    const kernelsByName = [
      kernelWindow('heavy', times(100, 10), times(100, 10)),
      kernelWindow('worse', times(100, 1.3), times(100)),
      kernelWindow('worst', times(100, 2), times(100)),
    ];
    const seen = regression.find(windowOf('opencl', { kernelsByName }), {
      threshold: 1.2,
      profile: 'production',
      thresholdOf: () => undefined,
    });
    expect(seen.map(({ kernel }) => kernel)).toEqual(['worst', 'worse']);
  });

  it('is not known of a kernel without a history, nor of one that took no time', () => {
    const young = windowOf('opencl', { kernelsByName: [kernelWindow('young', times(100))] });
    expect(regression.find(young, { threshold: 1.2, profile: 'production', thresholdOf: () => undefined })).toEqual([]);
    const zeros = new Array<number>(100).fill(0);
    for (const profile of ['production', 'guide'] as const) {
      expect(found(zeros, times(100), { profile })).toEqual([]);
      expect(found([], times(100), { profile })).toEqual([]);
      expect(found(times(100), [], { profile })).toEqual([]);
    }
  });
});
