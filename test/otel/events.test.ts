/** Findings as log records. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Finding } from '../../src/analyzer/finding.ts';
import { type EventDefinition, type EventName, eventCatalogue } from '../../src/otel/event-catalogue.ts';
import { bridgeEventsToApi } from '../../src/otel/events.ts';
import type { EventLoggerProvider, EventRecord } from '../../src/otel/logger-provider.ts';
import { advice, finding, over, regression, telling } from './findings.ts';

/** Keeps what is emitted to it. */
function keeping() {
  const records: EventRecord[] = [];
  const loggerProvider: EventLoggerProvider = { getLogger: () => ({ emit: (record) => records.push(record) }) };
  return { records, loggerProvider };
}

/** What is emitted when a profiler tells this. */
function emitted(...told: Finding[]): EventRecord[] {
  const profiler = telling();
  const { records, loggerProvider } = keeping();
  bridgeEventsToApi(profiler, { loggerProvider });
  for (const each of told) profiler.tell(each);
  return records;
}

const names = (records: readonly EventRecord[]) => records.map(({ eventName }) => eventName.replace('accelmeter.', ''));
const codes = (records: readonly EventRecord[]) =>
  records.flatMap(({ attributes }) => attributes['accelmeter.recommendation.code'] ?? []);

describe('a finding', () => {
  it('that is raised is one event with its numbers, and one for each thing that would help', () => {
    const raised = finding({
      kernel: 'add',
      evidence: { windowSeconds: 60, samples: 5000, counterEvidence: ['busy 96 %'], unseen: ['opencl_layer'] },
    });
    const [detected, ...issued] = emitted(raised);
    expect(detected).toMatchObject({
      eventName: 'accelmeter.bottleneck.detected',
      timestamp: new Date('2026-03-01T10:00:00Z'),
      severityNumber: 13,
      severityText: 'WARN',
      body: 'A GPU runs 5000 kernels of 20 µs.',
    });
    expect(detected?.attributes).toEqual({
      'hw.id': 'GPU-1',
      'hw.name': 'A GPU',
      'accelmeter.backend': 'opencl',
      'accelmeter.finding.id': raised.id,
      'accelmeter.kernel.name': 'add',
      'accelmeter.bottleneck.code': 'launch_bound',
      'accelmeter.bottleneck.severity': 'warning',
      'accelmeter.bottleneck.observed': 2e-5,
      'accelmeter.bottleneck.threshold': 2e-4,
      'accelmeter.bottleneck.unit': 's',
      'accelmeter.bottleneck.window': 60,
      'accelmeter.bottleneck.samples': 5000,
      'accelmeter.bottleneck.recommendations': ['fuse_kernels', 'batch_operations'],
      'accelmeter.bottleneck.counter_evidence': ['busy 96 %'],
      'accelmeter.bottleneck.unseen': ['opencl_layer'],
    });
    expect(issued.map(({ severityText, body }) => [severityText, body])).toEqual(
      advice('fuse_kernels', 'batch_operations').map(({ sentence }) => ['INFO', sentence]),
    );
    expect(issued[1]?.attributes).toEqual({
      'hw.id': 'GPU-1',
      'hw.name': 'A GPU',
      'accelmeter.backend': 'opencl',
      'accelmeter.finding.id': raised.id,
      'accelmeter.kernel.name': 'add',
      'accelmeter.bottleneck.code': 'launch_bound',
      'accelmeter.recommendation.code': 'batch_operations',
      'accelmeter.recommendation.link': 'docs/RULES.md#batch_operations',
    });
  });

  it('that is over says how long it lasted', () => {
    const raised = finding();
    const cleared = emitted(raised, over(raised)).at(-1);
    expect(cleared).toMatchObject({
      eventName: 'accelmeter.bottleneck.cleared',
      timestamp: new Date('2026-03-01T10:01:05Z'),
      severityText: 'INFO',
      body: 'Over after 65 s: A GPU runs 5000 kernels of 20 µs.',
      attributes: { 'accelmeter.finding.id': raised.id, 'accelmeter.bottleneck.duration': 65 },
    });
  });

  it('that is over before it began, because the clock was set back, lasted for no time', () => {
    const raised = finding();
    const cleared = emitted(raised, { ...over(raised), clearedAt: '2026-03-01T09:00:00.000Z' }).at(-1);
    expect(cleared?.attributes).toMatchObject({ 'accelmeter.bottleneck.duration': 0 });
  });

  it.each([
    ['info', 'INFO', 9],
    ['warning', 'WARN', 13],
    ['error', 'ERROR', 17],
    ['critical', 'ERROR', 17],
  ] as const)('of severity %s is %s, and says which it is', (severity, severityText, severityNumber) => {
    expect(emitted(finding({ severity, recommendations: [] }))).toMatchObject([
      { severityText, severityNumber, attributes: { 'accelmeter.bottleneck.severity': severity } },
    ]);
  });

  it('that is told again while it stands is no further event', () => {
    const raised = finding({ recommendations: [] });
    expect(names(emitted(raised, { ...raised, observed: 1e-5 }, over(raised)))).toEqual([
      'bottleneck.detected',
      'bottleneck.cleared',
    ]);
  });

  it('that is raised again after it was over is an event again, with its recommendations', () => {
    const [first, second] = [finding(), finding()];
    expect(names(emitted(first, over(first), second))).toEqual([
      ...['bottleneck.detected', 'recommendation.issued', 'recommendation.issued'],
      'bottleneck.cleared',
      ...['bottleneck.detected', 'recommendation.issued', 'recommendation.issued'],
    ]);
  });

  it('of a kernel that became slower is a regression, with what it was before; and is cleared like any other', () => {
    const raised = regression({ recommendations: [] });
    const [detected, cleared] = emitted(raised, over(raised));
    expect(detected).toMatchObject({
      eventName: 'accelmeter.regression.detected',
      severityText: 'WARN',
      attributes: {
        'accelmeter.kernel.name': 'matmul',
        'accelmeter.regression.before': 0.001,
        'accelmeter.regression.after': 0.0013,
        'accelmeter.regression.ratio': 1.3,
      },
    });
    expect(cleared).toMatchObject({
      eventName: 'accelmeter.bottleneck.cleared',
      attributes: { 'accelmeter.bottleneck.code': 'regression', 'accelmeter.finding.id': raised.id },
    });
  });
});

describe('a recommendation', () => {
  const [a, b] = [finding({ recommendations: advice('batch_operations') }), finding({ code: 'low_utilization' })];

  it('is not issued again while the same one stands for the device', () => {
    expect(codes(emitted(a, b))).toEqual(['batch_operations', 'fuse_kernels']);
  });

  it('stands until the last finding that has it is over', () => {
    const again = finding({ recommendations: advice('batch_operations') });
    expect(codes(emitted(a, b, over(a), again))).toEqual(['batch_operations', 'fuse_kernels']);
    expect(codes(emitted(a, b, over(a), over(b), again))).toEqual([
      ...['batch_operations', 'fuse_kernels'],
      'batch_operations',
    ]);
  });

  it('of another device is another one', () => {
    expect(codes(emitted(a, finding({ ...a, id: 'other', device: 'GPU-2' })))).toEqual([
      'batch_operations',
      'batch_operations',
    ]);
  });
});

it('a device that goes away is an error, and one that comes back is told', () => {
  const profiler = telling();
  const { records, loggerProvider } = keeping();
  bridgeEventsToApi(profiler, { loggerProvider });
  const device = { id: 'GPU-1', backend: 'opencl', type: 'gpu', name: 'A GPU', index: 0 } as const;
  profiler.tellDevice({ device, state: 'lost', at: '2026-03-01T10:00:00.000Z' });
  profiler.tellDevice({ device, state: 'recovered', at: '2026-03-01T10:00:09.000Z' });
  const attributes = { 'hw.id': 'GPU-1', 'hw.name': 'A GPU', 'hw.type': 'gpu', 'accelmeter.backend': 'opencl' };
  expect(records).toMatchObject([
    { eventName: 'accelmeter.device.lost', severityText: 'ERROR', attributes: { ...attributes, 'error.type': 'lost' } },
    { eventName: 'accelmeter.device.recovered', severityText: 'INFO', attributes },
  ]);
});

it('every event has the attributes of the catalogue, and no other', () => {
  const profiler = telling();
  const { records, loggerProvider } = keeping();
  bridgeEventsToApi(profiler, { loggerProvider });
  const device = { id: 'GPU-1', backend: 'opencl', type: 'gpu', name: 'A GPU', index: 0 } as const;
  for (const each of [finding(), finding({ kernel: 'k' }), regression(), regression({ severity: 'info' })]) {
    profiler.tell(each);
    profiler.tell(over(each));
  }
  for (const state of ['lost', 'recovered'] as const) profiler.tellDevice({ device, state, at: '2026-03-01' });
  expect(new Set(records.map(({ eventName }) => eventName))).toEqual(new Set(Object.keys(eventCatalogue)));
  for (const { eventName, attributes, severityText } of records) {
    const { attributes: all, optional = [], severities }: EventDefinition = eventCatalogue[eventName as EventName];
    expect(severities).toContain(severityText);
    expect(Object.keys(attributes)).toEqual(expect.arrayContaining([...all]));
    const others = Object.keys(attributes).filter((name) => ![...all, ...optional].some((each) => each === name));
    expect(others).toEqual([]);
  }
});

describe('a bridge', () => {
  it('that is attached late tells first what stands', () => {
    const stands = finding({ recommendations: [] });
    const profiler = telling([stands]);
    const { records, loggerProvider } = keeping();
    bridgeEventsToApi(profiler, { loggerProvider });
    expect(records).toMatchObject([{ timestamp: new Date(stands.raisedAt), body: stands.sentence }]);
    profiler.tell(stands); // announced, but not yet told when the bridge was attached
    expect(records).toHaveLength(1);
  });

  it('that is detached emits no more, and listens to nothing', () => {
    const profiler = telling();
    const { records, loggerProvider } = keeping();
    const bridge = bridgeEventsToApi(profiler, { loggerProvider });
    expect(profiler.listeners).toBe(2);
    bridge.detach();
    bridge.detach();
    profiler.tell(finding());
    expect(profiler.listeners).toBe(0);
    expect(records).toEqual([]);
  });

  it('to a provider that throws goes on, and a warning says so once', () => {
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    onTestFinished(() => warning.mockRestore());
    const profiler = telling();
    let calls = 0;
    const loggerProvider = {
      getLogger() {
        calls += 1;
        throw new Error('full');
      },
    };
    bridgeEventsToApi(profiler, { loggerProvider });
    profiler.tell(finding({ recommendations: [] }));
    profiler.tell(finding({ recommendations: [] }));
    expect(calls).toBe(2);
    expect(warning.mock.calls.map(([text]) => text)).toEqual(['an event is lost, the LoggerProvider threw: full']);
  });

  it('without any provider, as on API 1.9, does nothing', () => {
    expect(() => {
      const profiler = telling();
      bridgeEventsToApi(profiler);
      profiler.tell(finding());
    }).not.toThrow();
  });
});
