import { describe, expect, it } from 'vitest';
import { Analyzer } from '../../src/analyzer/analyzer.ts';
import type { BottleneckCode, Finding } from '../../src/analyzer/finding.ts';
import type { Observed } from '../../src/analyzer/observe.ts';
import type { Observation, Rule } from '../../src/analyzer/rule.ts';
import type { Window } from '../../src/profile/window.ts';
import { kernelWindow, windowOf } from './window.ts';

const device = { id: 'GPU-1', backend: 'opencl', type: 'gpu', name: 'A GPU', index: 0 } as const;

/** What each rule of the test sees at a tick; of most ticks only the number matters. */
type Sight = Partial<Record<BottleneckCode, number | readonly Observation[]>>;

/** A device whose rules see what the test says, a tick every five seconds. */
function analyzed({ hides = {}, perKernel = [] as readonly BottleneckCode[], codes = defaultCodes } = {}) {
  let sight: Sight = {};
  const rules = codes.map((code): Rule => {
    const hidden: Partial<Record<BottleneckCode, readonly BottleneckCode[]>> = hides;
    return {
      code,
      kind: code === 'regression' ? 'regression' : 'bottleneck',
      severity: code === 'memory_errors' ? 'critical' : 'warning',
      looksFor: '',
      thresholds: { opencl: 1 },
      unit: 's',
      fault: 'above',
      samples: { fewest: 1, of: 'executions' },
      range: [0, 10],
      ...(perKernel.includes(code) && { perKernel: true as const }),
      recommends: () => ['check_cooling', 'warm_up'],
      hides: hidden[code] ?? [],
      find() {
        const seen = sight[code] ?? [];
        if (seen === Number.POSITIVE_INFINITY) throw new Error('a rule with a fault');
        return typeof seen === 'number' ? [{ observed: seen, samples: 20, sentence: `${code} is ${seen}` }] : seen;
      },
    };
  });
  let now = 0;
  const told: Finding[] = [];
  const analyzer = new Analyzer({ device, rules, now: () => now, announce: (finding) => told.push(finding) });
  const tick = (seen: Sight, window: Partial<Window> = {}) => {
    sight = seen;
    now += 5;
    analyzer.analyze({ ...windowOf('opencl', window), device });
    return analyzer.findings.map(({ code }) => code);
  };
  const events = () => told.map(({ state, code }) => `${state} ${code}`);
  return { analyzer, tick, told, events };
}

const defaultCodes: readonly BottleneckCode[] = ['memory_errors', 'transfer_bound', 'low_utilization'];
const slow = (kernel: string, observed = 2): Observation => ({ observed, kernel, samples: 20, sentence: `${kernel}!` });

describe('a finding', () => {
  it('is raised in the second tick in a row, and cleared in the third without', () => {
    const { tick, events } = analyzed();
    expect(tick({ transfer_bound: 2 })).toEqual([]);
    expect(tick({ transfer_bound: 2 })).toEqual(['transfer_bound']);
    expect(tick({})).toEqual(['transfer_bound']);
    expect(tick({})).toEqual(['transfer_bound']);
    expect(events()).toEqual(['raised transfer_bound']);
    expect(tick({})).toEqual([]);
    expect(events()).toEqual(['raised transfer_bound', 'cleared transfer_bound']);
  });

  it('is none where two ticks that see it are not in a row', () => {
    const { tick, events } = analyzed();
    for (let i = 0; i < 10; i++) tick(i % 2 === 0 ? { transfer_bound: 2 } : {});
    expect(events()).toEqual([]);
  });

  it('stays one, with one id, while what it is about wavers', () => {
    const { tick, told, analyzer } = analyzed();
    for (let i = 0; i < 40; i++) tick(i % 3 === 2 || i < 2 ? { transfer_bound: 2 } : {});
    expect(told).toHaveLength(1);
    expect(analyzer.findings[0]?.id).toBe(told[0]?.id);
  });

  it('has the numbers of the last tick that saw it, and the time of the one that raised it', () => {
    const { tick, told, analyzer } = analyzed();
    tick({ transfer_bound: 2 });
    tick({ transfer_bound: 3 });
    tick({ transfer_bound: 4 });
    const [raised] = told;
    expect(raised).toMatchObject({ observed: 3, state: 'raised', sentence: 'transfer_bound is 3' });
    expect(analyzer.findings).toMatchObject([{ id: raised?.id, observed: 4, raisedAt: raised?.raisedAt }]);
    for (let i = 0; i < 3; i++) tick({});
    expect(told).toHaveLength(2);
    expect(told[1]).toMatchObject({ id: raised?.id, observed: 4, state: 'cleared', raisedAt: raised?.raisedAt });
    expect(Date.parse(told[1]?.clearedAt ?? '') - Date.parse(raised?.raisedAt ?? '')).toBe(20_000);
  });

  it('that comes back is another one', () => {
    const { tick, told } = analyzed();
    for (const seen of [true, true, false, false, false, true, true]) tick(seen ? { transfer_bound: 2 } : {});
    expect(told.map(({ state }) => state)).toEqual(['raised', 'cleared', 'raised']);
    expect(told[2]?.id).not.toBe(told[0]?.id);
  });

  it('can become graver, is not told again for it, and stays so', () => {
    const { tick, told, analyzer } = analyzed();
    const seen = (severity: 'info' | 'error'): Sight => ({ transfer_bound: [{ ...slow('k'), severity }] });
    for (const severity of ['info', 'info', 'error', 'info'] as const) tick(seen(severity));
    expect(told.map(({ severity }) => severity)).toEqual(['info']);
    expect(analyzer.findings[0]?.severity).toBe('error');
  });

  it('says what it stands on, what would help and where to read on, and cannot be changed', () => {
    const { tick, analyzer } = analyzed();
    for (let i = 0; i < 2; i++) {
      const counterEvidence = ['busy 96 %'];
      tick({ transfer_bound: [{ ...slow('k'), counterEvidence }] }, { unseen: ['opencl_layer'] });
    }
    const [finding] = analyzer.findings;
    expect(finding).toMatchObject({
      kind: 'bottleneck',
      device: 'GPU-1',
      deviceName: 'A GPU',
      backend: 'opencl',
      kernel: 'k',
      threshold: 1,
      unit: 's',
      evidence: { windowSeconds: 60, samples: 20, counterEvidence: ['busy 96 %'], unseen: ['opencl_layer'] },
      recommendations: [
        { code: 'check_cooling', link: 'docs/RULES.md#transfer_bound' },
        { code: 'warm_up', sentence: expect.stringMatching(/Run each kernel/) },
      ],
    });
    expect(`${finding}`).toBe('k!');
    expect(structuredClone(finding)).toEqual(JSON.parse(JSON.stringify({ ...finding, clearedAt: undefined })));
    expect(Object.isFrozen(finding)).toBe(true);
    expect(Object.isFrozen(finding?.evidence.counterEvidence)).toBe(true);
    expect(finding?.recommendations.every(Object.isFrozen)).toBe(true);
  });
});

describe('findings of one device', () => {
  it('are one for each rule, whatever kernel it is at its worst', () => {
    const { tick, told, analyzer } = analyzed();
    for (const kernel of ['a', 'b', 'a', 'b']) tick({ transfer_bound: [slow(kernel), slow('c')] });
    expect(told).toHaveLength(1);
    expect(analyzer.findings.map(({ kernel }) => kernel)).toEqual(['b']);
  });

  it('are one for each kernel where the rule tells them apart, each cleared for itself', () => {
    const { tick, events, analyzer } = analyzed({ perKernel: ['transfer_bound'] });
    tick({ transfer_bound: [slow('a'), slow('b')] });
    tick({ transfer_bound: [slow('b', 3), slow('a')] });
    expect(new Set(analyzer.findings.map(({ id }) => id)).size).toBe(2);
    for (let i = 0; i < 3; i++) tick({ transfer_bound: [slow('b')] });
    expect(analyzer.findings.map(({ kernel }) => kernel)).toEqual(['b']);
    expect(events()).toHaveLength(3);
  });

  it('come the gravest first', () => {
    const { tick } = analyzed();
    tick({ low_utilization: 2, transfer_bound: 2, memory_errors: 2 });
    expect(tick({ low_utilization: 2, transfer_bound: 2, memory_errors: 2 })[0]).toBe('memory_errors');
  });

  it('are all cleared at once when it leaves, and told once', () => {
    const { tick, analyzer, events } = analyzed();
    for (let i = 0; i < 2; i++) tick({ low_utilization: 2, transfer_bound: 2 });
    analyzer.clear();
    analyzer.clear();
    expect(analyzer.findings).toEqual([]);
    expect(events().filter((event) => event.startsWith('cleared'))).toHaveLength(2);
    tick({ low_utilization: 2 });
    expect(events()).toHaveLength(4);
  });

  it('stay as many as there are rules and kernels, for however long and however many kernels come and go', () => {
    const { tick, analyzer, events } = analyzed({ perKernel: ['transfer_bound'] });
    for (let i = 0; i < 1000; i++) {
      tick({ transfer_bound: Array.from({ length: 16 }, (_, k) => slow(`kernel_${16 * Math.floor(i / 2) + k}`)) });
    }
    // Those that ran last, and those before them that are not cleared yet.
    expect(analyzer.findings.length).toBeLessThanOrEqual(3 * 16);
    const raised = events().filter((event) => event.startsWith('raised')).length;
    expect(raised).toBe(500 * 16);
    expect(events().length - raised).toBe(raised - analyzer.findings.length);
  });
});

describe('a symptom', () => {
  const hides = { transfer_bound: ['low_utilization'] };

  it('is not raised beside its cause', () => {
    const { tick, events } = analyzed({ hides });
    for (let i = 0; i < 5; i++) tick({ transfer_bound: 2, low_utilization: 2 });
    expect(events()).toEqual(['raised transfer_bound']);
  });

  it('that stood first is cleared when its cause is raised, and is told so before it', () => {
    const { tick, events } = analyzed({ hides });
    for (let i = 0; i < 2; i++) tick({ low_utilization: 2 });
    expect(tick({ transfer_bound: 2, low_utilization: 2 })).toEqual(['low_utilization']);
    expect(tick({ transfer_bound: 2, low_utilization: 2 })).toEqual(['transfer_bound']);
    expect(events()).toEqual(['raised low_utilization', 'cleared low_utilization', 'raised transfer_bound']);
  });

  it('that stood first is cleared as well where its cause was only worth an information, and is more now', () => {
    const { tick } = analyzed({ hides });
    const cause = (severity: 'info' | 'warning') => ({ ...slow('k'), severity });
    const both = (severity: 'info' | 'warning') => ({ transfer_bound: [cause(severity)], low_utilization: 2 });
    for (let i = 0; i < 2; i++) tick(both('info'));
    expect(tick(both('info'))).toHaveLength(2);
    expect(tick(both('warning'))).toEqual(['transfer_bound']);
  });

  it('waits until its cause is cleared', () => {
    const { tick } = analyzed({ hides });
    for (let i = 0; i < 2; i++) tick({ transfer_bound: 2 });
    for (let i = 0; i < 2; i++) expect(tick({ low_utilization: 2 })).toEqual(['transfer_bound']);
    expect(tick({ low_utilization: 2 })).toEqual([]);
    expect(tick({ low_utilization: 2 })).toEqual([]);
    expect(tick({ low_utilization: 2 })).toEqual(['low_utilization']);
  });
});

describe('a cause that is seen now and then', () => {
  const hides = { transfer_bound: ['low_utilization'] };

  it('does not keep quiet what is there all the time', () => {
    const { tick, events } = analyzed({ hides });
    for (let i = 0; i < 40; i++) tick({ low_utilization: 2, ...(i % 2 === 0 && { transfer_bound: 2 }) });
    expect(events()).toEqual(['raised low_utilization']);
  });

  it('does not make a symptom of two ticks out of one', () => {
    const { tick, events } = analyzed({ hides });
    for (let i = 0; i < 41; i++) tick(i % 3 === 0 ? { low_utilization: 2 } : {});
    tick({ low_utilization: 2 });
    tick({ low_utilization: 2, transfer_bound: 2 });
    tick({});
    tick({ low_utilization: 2 });
    expect(events()).toEqual([]);
  });

  it('hides it once it is raised', () => {
    const { tick, events } = analyzed({ hides });
    for (let i = 0; i < 4; i++) tick({ low_utilization: 2, ...(i % 2 === 0 && { transfer_bound: 2 }) });
    for (let i = 0; i < 2; i++) tick({ low_utilization: 2, transfer_bound: 2 });
    expect(events()).toEqual(['raised low_utilization', 'cleared low_utilization', 'raised transfer_bound']);
  });
});

describe('what is silenced', () => {
  /** An analyzer whose `observe` says of everything that it is silenced. */
  function silenced() {
    const loud = analyzed();
    const told: Finding[] = [];
    let observed: Observed = { sightings: [], caused: [], suppressed: [], faults: 0 };
    const analyzer = new Analyzer({ device, now: () => 0, announce: (f) => told.push(f), observe: () => observed });
    const tick = (sightings: Observed['suppressed']) => {
      observed = { sightings: [], caused: [], suppressed: sightings, faults: 0 };
      analyzer.analyze({ ...windowOf('opencl'), device });
    };
    return { ...loud, analyzer, tick, told };
  }
  const rule = { code: 'high_variance', perKernel: true, hides: [] } as unknown as Rule;
  const sighting = { rule, observation: slow('k'), severity: 'info', threshold: 1, unit: 's' } as const;

  it('is told nobody, and counted as often as it would have been raised', () => {
    const { analyzer, tick, told } = silenced();
    tick([sighting]);
    expect(analyzer.suppressed).toBe(0);
    for (let i = 0; i < 10; i++) tick([sighting]);
    expect(analyzer.suppressed).toBe(1);
    for (let i = 0; i < 3; i++) tick([]);
    for (let i = 0; i < 2; i++) tick([sighting]);
    expect(analyzer.suppressed).toBe(2);
    expect(told).toEqual([]);
    expect(analyzer.findings).toEqual([]);
  });
});

it('a rule that throws is counted and left out; the others stand', () => {
  const { tick, analyzer } = analyzed();
  for (let i = 0; i < 2; i++) tick({ memory_errors: Number.POSITIVE_INFINITY, transfer_bound: 2 });
  expect(analyzer.findings.map(({ code }) => code)).toEqual(['transfer_bound']);
  expect(analyzer.faults).toBe(2);
});

describe('for metrics', () => {
  it('every rule that applies is there from the start, with the worst of its findings while it has any', () => {
    const { tick, analyzer } = analyzed({
      perKernel: ['transfer_bound'],
      codes: ['transfer_bound', 'low_utilization'],
    });
    const nothing = [
      { code: 'transfer_bound', worst: undefined },
      { code: 'low_utilization', worst: undefined },
    ];
    expect(analyzer.states()).toEqual(nothing);
    for (let i = 0; i < 2; i++) tick({ transfer_bound: [slow('a', 3), slow('b', 7), slow('c', 4)] });
    expect(analyzer.states()).toMatchObject([{ worst: { kernel: 'b', observed: 7 } }, { worst: undefined }]);
    for (let i = 0; i < 3; i++) tick({});
    expect(analyzer.states()).toEqual(nothing);
  });

  it('regressions count by kernel, from 0 for each that was ever followed', () => {
    const { tick, analyzer } = analyzed({ perKernel: ['regression'], codes: ['regression'] });
    const byKernel = [kernelWindow('a', [0.1]), kernelWindow('b', [0.2])];
    tick({ regression: [slow('a')] }, { byKernel });
    expect(Object.fromEntries(analyzer.regressions())).toEqual({ a: 0, b: 0 });
    for (let i = 0; i < 4; i++) tick({ regression: [slow('a')] }, { byKernel });
    expect(Object.fromEntries(analyzer.regressions())).toEqual({ a: 1, b: 0 });
  });

  it('there are no counts of regressions where no rule looks for them', () => {
    const { tick, analyzer } = analyzed();
    tick({}, { byKernel: [kernelWindow('a', [0.1])] });
    expect([...analyzer.regressions()]).toEqual([]);
  });
});
