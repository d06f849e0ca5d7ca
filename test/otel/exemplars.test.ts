/** Which executions of kernels become exemplars, with the SDK's own tracer around them. */
import { context, type SpanContext, TraceFlags, trace } from '@opentelemetry/api';
import { describe, expect, test } from 'vitest';
import { presentDevice } from '../../src/device.ts';
import { DeviceProfile } from '../../src/profile/device-profile.ts';
import { traced } from './traced.ts';

function device() {
  const now = () => performance.now() / 1000;
  const profile = new DeviceProfile({ id: 'c', backend: 'cpu', type: 'cpu', name: 'C', index: 0 }, { now });
  const nobody = () => {
    throw new Error('nobody asks for it here');
  };
  const presented = presentDevice(profile, {
    now,
    refresh: async () => {},
    analysed: () => undefined,
    findings: () => [],
    health: nobody,
    presence: () => 'running',
    sources: () => [],
    processPoints: () => [],
  });
  const kernel = profile.kernel('work');
  return { profile, presented, kernel, exemplars: () => kernel.distribution.exemplars.latest() };
}

/** Runs in an active span, and gives its context. */
function inSpan(run: () => void): SpanContext {
  return trace.getTracer('test').startActiveSpan('request', (span) => {
    run();
    span.end();
    return span.spanContext();
  });
}

const ids = ({ traceId, spanId }: Pick<SpanContext, 'traceId' | 'spanId'>) => ({ traceId, spanId });

describe('an execution that is recorded', () => {
  test('in a sampled span is an exemplar with its ids, value and time', () => {
    traced();
    const { kernel, exemplars } = device();
    const before = Date.now() / 1000;
    const span = inSpan(() => kernel.record(0.25));
    expect(exemplars()).toEqual([{ value: 0.25, time: expect.any(Number), ...ids(span) }]);
    expect(exemplars()[0]?.time).toBeGreaterThanOrEqual(before);
  });

  test('after another of its octave and interval is none, and is one again in the next interval', () => {
    traced();
    const { profile, kernel, exemplars } = device();
    const first = inSpan(() => kernel.record(0.25));
    inSpan(() => kernel.record(0.2));
    expect(exemplars()).toMatchObject([{ value: 0.25, ...ids(first) }]);
    profile.closeInterval(performance.now() / 1000 + 5);
    const later = inSpan(() => kernel.record(0.2));
    expect(exemplars()).toMatchObject([{ value: 0.2, ...ids(later) }]);
  });

  test('without a span, in one that is not sampled, or in one of a tracer that throws is none', () => {
    traced();
    const { kernel, exemplars } = device();
    kernel.record(1);
    const unsampled = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: TraceFlags.NONE };
    context.with(trace.setSpanContext(context.active(), unsampled), () => kernel.record(1));
    const thrower = {
      spanContext() {
        throw new Error('no');
      },
    };
    context.with(trace.setSpan(context.active(), thrower as never), () => kernel.record(1));
    expect(kernel.distribution.count).toBe(3);
    expect(exemplars()).toEqual([]);
  });

  test('is one sooner or later also where most executions have no span', () => {
    traced();
    const { kernel, exemplars } = device();
    for (let i = 0; i < 400; i++) {
      if (i % 8 === 0) inSpan(() => kernel.record(1));
      else kernel.record(1);
    }
    expect(exemplars()).toHaveLength(1);
  });

  test('and refused is none', () => {
    traced();
    const { kernel, exemplars } = device();
    inSpan(() => kernel.record(-1));
    expect(exemplars()).toEqual([]);
  });

  test('by a driver is none, whatever span is active when it is told', () => {
    traced();
    const { profile, kernel, exemplars } = device();
    inSpan(() =>
      profile.deliver({ kind: 'kernel', name: 'work', start: 0, duration: 0.25, wait: undefined, failed: undefined }),
    );
    expect(kernel.distribution.count).toBe(1);
    expect(exemplars()).toEqual([]);
  });

  test('by a driver with its trace is one', () => {
    const { kernel, exemplars } = device();
    kernel.recordAt(0, 0.25);
    kernel.exemplify(0.25, { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) });
    kernel.exemplify(2, undefined);
    expect(exemplars()).toMatchObject([{ value: 0.25, spanId: 'b'.repeat(16) }]);
  });
});

describe('timeKernel', () => {
  test('takes the span around the call, also when the work ends after it', async () => {
    traced();
    const { presented, kernel, exemplars } = device();
    let done: Promise<void> | undefined;
    const span = inSpan(() => {
      done = presented.timeKernel('work', () => new Promise((resolve) => setTimeout(resolve, 5)));
    });
    expect(exemplars()).toEqual([]);
    await done;
    expect(kernel.distribution.count).toBe(1);
    expect(exemplars()).toMatchObject([ids(span)]);
  });

  test('gives no exemplar of what failed', () => {
    traced();
    const { presented, exemplars } = device();
    inSpan(() => {
      expect(() =>
        presented.timeKernel('work', () => {
          throw new TypeError('no');
        }),
      ).toThrow('no');
    });
    expect(exemplars()).toEqual([]);
  });
});
