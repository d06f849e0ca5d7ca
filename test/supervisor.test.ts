import { expect, it, vi } from 'vitest';
import type { Session } from '../src/backend.ts';
import { ProbeError } from '../src/errors.ts';
import { supervise } from '../src/supervisor.ts';

const faulty = (): Session => ({
  sources: () => [
    { name: 'driver', up: true, detail: 'fine' },
    { name: 'tracer', up: true, detail: 'fine' },
  ],
  sample: vi.fn(() => {
    throw new ProbeError('lost', 'the GPU fell off the bus');
  }),
  drain: vi.fn(() => {
    throw new TypeError('a fault of our own');
  }),
  close: vi.fn(),
});

it('a session that throws is counted by source and kind, and nothing reaches the host', () => {
  const session = supervise('opencl', faulty(), () => 0);
  session.sources();
  expect(session.sample()).toBeUndefined();
  expect(session.drain(0.001)).toBe(false);
  expect([...session.failures()]).toEqual([
    { source: 'driver', kind: 'lost', count: 1 },
    { source: 'tracer', kind: 'broken', count: 1 },
  ]);
});

it('after three faults in a row it is closed, stays off, and its sources say why', () => {
  const inner = faulty();
  const session = supervise('opencl', inner, () => 0);
  session.sources();
  for (let i = 0; i < 10; i++) session.sample();
  expect(inner.sample).toHaveBeenCalledTimes(3);
  expect(inner.close).toHaveBeenCalledTimes(1);
  expect(session.sources()).toEqual([
    { name: 'driver', up: false, detail: 'switched off after 3 faults: the GPU fell off the bus' },
    { name: 'tracer', up: false, detail: 'switched off after 3 faults: the GPU fell off the bus' },
  ]);
  session.close();
  expect(inner.close).toHaveBeenCalledTimes(1);
});

it('faults that are not in a row do not switch it off', () => {
  const inner = faulty();
  let turn = 0;
  inner.sample = () => {
    turn += 1;
    if (turn % 3 !== 0) throw new ProbeError('stuck', 'no answer');
    return { devices: [] };
  };
  const session = supervise('opencl', inner, () => 0);
  for (let i = 0; i < 30; i++) session.sample();
  expect(session.sample()).toBeUndefined();
  expect(turn).toBe(31);
});

it('what is closed is not called again, and says so', () => {
  const inner = faulty();
  const session = supervise('opencl', inner, () => 0);
  session.close();
  session.close();
  expect([session.sample(), session.drain(1), session.settle(1)]).toEqual([undefined, false, undefined]);
  expect(inner.sample).not.toHaveBeenCalled();
  expect(inner.drain).not.toHaveBeenCalled();
  expect(inner.close).toHaveBeenCalledTimes(1);
  expect(session.sources()).toMatchObject([
    { up: false, detail: 'closed' },
    { up: false, detail: 'closed' },
  ]);
});

it('a close that throws is swallowed', () => {
  const session = supervise(
    'opencl',
    {
      ...faulty(),
      close() {
        throw new Error('no');
      },
    },
    () => 0,
  );
  expect(() => session.close()).not.toThrow();
});

it('what a sampling took is what this thread and another process took', () => {
  const sample = { devices: [], elsewhereSeconds: 0.0015, asideSeconds: 0.0002 };
  let time = 0;
  const session = supervise(
    'cuda',
    { sources: () => [{ name: 'nvml', up: true, detail: 'one GPU' }], sample: () => sample, close() {} },
    () => {
      time += 0.0001;
      return time;
    },
  );
  session.sample();
  expect([...session.sampleSeconds()]).toEqual([{ source: 'nvml', seconds: expect.closeTo(0.0018) }]);
});
