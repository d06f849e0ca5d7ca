/** What an operator sets: thresholds in place of the rules' own, and what is not to be heard of. */
import { describe, expect, it } from 'vitest';
import { codesHiddenBy, type ObserveOptions, observe, rulesFor } from '../../src/analyzer/observe.ts';
import type { Rule } from '../../src/analyzer/rule.ts';
import { parseSuppressions, suppressionsIn } from '../../src/analyzer/suppression.ts';
import { checkThresholds, thresholdsIn } from '../../src/analyzer/thresholds.ts';
import { cases, healthy, times } from './cases.ts';
import { kernelWindow, windowOf } from './window.ts';

const two = windowOf('opencl', {
  kernelsByName: [
    kernelWindow('onnx/MatMul, f16', [...times(300, 0.03), ...times(300, 0.08)]),
    kernelWindow('gemm', [...times(300, 0.003), ...times(300, 0.03)]),
  ],
});

function said(options: ObserveOptions, window = two) {
  const { sightings, suppressed } = observe(window, options);
  const told = ({ rule, observation }: (typeof sightings)[number]) =>
    [rule.code, observation.kernel].filter((each) => each !== undefined).join('/');
  return { sightings: sightings.map(told), suppressed: suppressed.map(told) };
}

describe('a suppression', () => {
  it('without one the costliest kernel is told', () => {
    expect(said({})).toEqual({ sightings: ['high_variance/onnx/MatMul, f16'], suppressed: [] });
  });

  it.each(['high_variance', 'high_*', '*', 'high_variance@d', 'high_variance@*', 'high_variance@d/*', '*/*'])(
    '%s silences all of them',
    (pattern) => {
      expect(said({ suppress: parseSuppressions([pattern]) })).toEqual({
        sightings: [],
        suppressed: ['high_variance/onnx/MatMul, f16'],
      });
    },
  );

  it.each(['high_variance@another', 'high_variance/gem', 'low_*', 'high_variance@d/another'])(
    '%s silences none of them',
    (pattern) => expect(said({ suppress: parseSuppressions([pattern]) }).sightings).toHaveLength(1),
  );

  it.each(['high_variance/onnx/MatMul, f16', 'high_variance@d/onnx*', 'high_variance/*MatMul*'])(
    '%s silences one kernel, and the next one is told',
    (pattern) => {
      expect(said({ suppress: parseSuppressions([pattern]) })).toEqual({
        sightings: ['high_variance/gemm'],
        suppressed: ['high_variance/onnx/MatMul, f16'],
      });
    },
  );

  it('of a kernel says nothing of what is about the whole device', () => {
    const { raised } = cases.failing_operations;
    expect(said({ suppress: parseSuppressions(['failing_operations/matmul']) }, raised).sightings).toEqual([
      'failing_operations',
    ]);
  });

  it('of a cause does not bring its symptoms forth', () => {
    const { raised } = cases.transfer_bound;
    const window = { ...raised, busySeconds: 20, kernels: kernelWindow('k', times(2000, 0.01)) };
    expect(
      observe(window, { rules: rulesFor('opencl').filter(({ code }) => code !== 'transfer_bound') }),
    ).toMatchObject({
      sightings: [{ rule: { code: 'low_utilization' } }],
    });
    expect(said({ suppress: parseSuppressions(['transfer_bound']) }, window)).toEqual({
      sightings: [],
      suppressed: ['transfer_bound'],
    });
  });

  it('is read from a variable as a list', () => {
    expect(suppressionsIn(' high_variance@d/gemm , low_utilization,')).toHaveLength(2);
  });

  it.each([
    [['high_varianc'], /no rule is called "high_varianc"; there are memory_errors, .*high_variance/],
    [['nothing_*'], /no rule is called "nothing_\*"/],
    [['@d'], /"@d" is not of the form code\[@device\]\[\/kernel\]/],
    [[''], /"" is not of the form/],
    [['high_variance@'], /not of the form/],
    [['high_variance/'], /not of the form/],
    ['high_variance', /suppress must be an array of texts/],
    [[1], /suppress must be an array of texts/],
  ])('%j is refused with a sentence that mends it', (patterns, message) => {
    expect(() => parseSuppressions(patterns as string[])).toThrow(message);
  });
});

describe('thresholds', () => {
  it('stand in place of the rule’s own', () => {
    const set = { high_variance: 0.9 };
    expect(said({ thresholds: set }).sightings).toEqual([]);
    expect(observe(cases.low_utilization.clear, { thresholds: { low_utilization: 0.5 } }).sightings).toMatchObject([
      { rule: { code: 'low_utilization' }, threshold: 0.5 },
    ]);
  });

  it('are read from a variable', () => {
    expect(thresholdsIn('low_utilization=0.2, launch_bound = 1e-4,')).toEqual({
      low_utilization: 0.2,
      launch_bound: 0.0001,
    });
  });

  it.each([
    [{ low_utilisation: 0.2 }, TypeError, /no rule is called "low_utilisation"; there are .*low_utilization/],
    [{ low_utilization: 20 }, RangeError, /threshold of low_utilization must be a number from 0 to 1, not 20/],
    [{ launch_bound: -1 }, RangeError, /must be a number from 0 to 1 \(in s\), not -1/],
    [{ low_utilization: '0.2' }, RangeError, /must be a number/],
    [{ low_utilization: Number.NaN }, RangeError, /must be a number/],
    [['low_utilization'], TypeError, /thresholds must be an object/],
    [null, TypeError, /thresholds must be an object/],
  ])('%j is refused with a sentence that mends it', (thresholds, kind, message) => {
    const check = () => checkThresholds(thresholds as Record<string, unknown>);
    expect(check).toThrow(kind);
    expect(check).toThrow(message);
  });

  it.each(['low_utilization', 'low_utilization=', 'low_utilization=a', '=1', 'low_utilization=0.2;launch_bound=1'])(
    'the variable %j is refused',
    (text) => expect(() => thresholdsIn(text)).toThrow(/form code=number|must be a number/),
  );
});

describe('rules', () => {
  const sees: Omit<Rule, 'find'> = {
    code: 'high_variance',
    kind: 'bottleneck',
    severity: 'warning',
    looksFor: '',
    thresholds: { opencl: 1 },
    unit: '1',
    samples: { fewest: 1, of: 'executions' },
    fault: 'above',
    range: [0, 1],
    recommends: () => [],
    hides: ['low_utilization'],
  };
  const observation = { observed: 2, samples: 1, sentence: '' };

  it('that throw are counted, and the others stand', () => {
    const broken: Rule = {
      ...sees,
      find() {
        throw new Error('broken');
      },
    };
    const well: Rule = { ...sees, find: () => [observation] };
    expect(observe(healthy('opencl'), { rules: [broken, well] })).toMatchObject({ faults: 1, sightings: [{}] });
  });

  it('that see what is no number see nothing', () => {
    const odd: Rule = { ...sees, find: () => [{ ...observation, observed: Number.NaN }] };
    expect(observe(healthy('opencl'), { rules: [odd] }).sightings).toEqual([]);
  });

  it('that tell kernels apart say each of them', () => {
    const each: Rule = {
      ...sees,
      perKernel: true,
      find: () => ['a', 'b', 'c'].map((kernel) => ({ ...observation, kernel })),
    };
    const suppress = parseSuppressions(['high_variance/b']);
    expect(said({ rules: [each], suppress })).toEqual({
      sightings: ['high_variance/a', 'high_variance/c'],
      suppressed: ['high_variance/b'],
    });
  });

  it('that only inform hide nothing', () => {
    const rule: Rule = { ...sees, find: () => [] };
    expect([...codesHiddenBy([{ rule, severity: 'warning' }])]).toEqual(['low_utilization']);
    expect([...codesHiddenBy([{ rule, severity: 'info' }])]).toEqual([]);
  });

  it('apply to the backends that they have a threshold for', () => {
    expect(rulesFor('cpu').map(({ code }) => code)).not.toContain('transfer_bound');
    expect(rulesFor('opencl').map(({ code }) => code)).not.toContain('thermal_throttling');
  });
});
