import { type Span, trace } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/analyzer/finding.ts';
import { presentDevice } from '../../src/device.ts';
import { attachFindings } from '../../src/otel/span-events.ts';
import { DeviceProfile } from '../../src/profile/device-profile.ts';
import { finding, regression } from './findings.ts';
import { traced } from './traced.ts';

const tracer = () => trace.getTracer('test');

/** Runs in an active span that then ends. */
function inSpan(run: (span: Span) => void): void {
  tracer().startActiveSpan('request', (span) => {
    run(span);
    span.end();
  });
}

it('the active span gets an event for each finding, with what the log record says', () => {
  const ended = traced();
  inSpan(() => attachFindings([finding({ kernel: 'add' }), regression()]));
  expect(ended[0]?.events).toMatchObject([
    {
      name: 'accelmeter.bottleneck.detected',
      attributes: {
        'accelmeter.bottleneck.code': 'launch_bound',
        'accelmeter.kernel.name': 'add',
        'accelmeter.bottleneck.recommendations': ['fuse_kernels', 'batch_operations'],
      },
    },
    { name: 'accelmeter.regression.detected', attributes: { 'accelmeter.regression.ratio': 1.3 } },
  ]);
});

it('a finding is on a span once, and on the next span again', () => {
  const ended = traced();
  const stands = finding();
  for (let i = 0; i < 2; i++) {
    inSpan(() => {
      attachFindings([stands]);
      attachFindings([{ ...stands, observed: 1e-5 }]);
    });
  }
  expect(ended.map(({ events }) => events.length)).toEqual([1, 1]);
});

it('a span that is given is taken before the active one', () => {
  const ended = traced();
  const own = tracer().startSpan('inference');
  inSpan(() => attachFindings([finding()], own));
  own.end();
  expect(ended.map(({ name, events }) => [name, events.length])).toEqual([
    ['request', 0],
    ['inference', 1],
  ]);
});

it('a span that lives long has 64 of them at most', () => {
  const ended = traced();
  inSpan(() => {
    for (let i = 0; i < 100; i++) attachFindings([finding()]);
  });
  expect(ended[0]?.events).toHaveLength(64);
});

it('without a span, with one that does not record, and with one that throws, nothing happens', () => {
  const silent = trace.wrapSpanContext({ traceId: '', spanId: '', traceFlags: 0 });
  const broken = { ...silent, isRecording: () => true, addEvent: () => expect.fail('thrown') } as unknown as Span;
  const stands: Finding[] = [finding()];
  expect(() => {
    attachFindings(stands);
    attachFindings(stands, silent);
    attachFindings(stands, broken);
  }).not.toThrow();
});

describe('timeKernel', () => {
  const device = (findings: readonly Finding[]) => {
    const now = () => 0;
    const profile = new DeviceProfile(
      { id: 'GPU-1', backend: 'opencl', type: 'gpu', name: 'A GPU', index: 0 },
      { now },
    );
    return presentDevice(profile, {
      now,
      refresh: async () => {},
      analysed: () => undefined,
      findings: () => findings,
      health: () => {
        throw new Error('nobody asks for it here');
      },
      presence: () => 'running' as const,
      processPoints: () => [],
      sources: () => [],
    });
  };

  it('says on the span around it what is wrong with the device, once, also where it runs on', async () => {
    const ended = traced();
    const stands = device([finding()]);
    let running: Promise<unknown> | undefined;
    inSpan(() => {
      stands.timeKernel('add', () => 1);
      running = stands.timeKernel('add', async () => 1);
    });
    await running;
    expect(ended[0]?.events.map(({ name }) => name)).toEqual(['accelmeter.bottleneck.detected']);
  });

  it('of a device without findings leaves the span alone', () => {
    const ended = traced();
    inSpan(() => device([]).timeKernel('add', () => 1));
    expect(ended[0]?.events).toEqual([]);
  });
});
