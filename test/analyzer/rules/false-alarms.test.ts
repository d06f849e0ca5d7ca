/** What looks like a fault and is none. Each row is a machine on which nothing is to be seen, whatever the rule. */
import { describe, expect, it } from 'vitest';
import { observe } from '../../../src/analyzer/observe.ts';
import type { RuleBackend, RuleProfile } from '../../../src/analyzer/rule.ts';
import type { Window } from '../../../src/profile/window.ts';
import { copies, healthy, times } from '../cases.ts';
import { durations, kernelWindow, windowOf } from '../window.ts';

const codes = (window: Window, profile: RuleProfile = 'production') =>
  observe(window, { profile }).sightings.map(({ rule }) => rule.code);
const backends: readonly RuleBackend[] = ['cpu', 'cuda', 'opencl', 'metal', 'webgpu'];
const gibibyte = 2 ** 30;

/** Everything that can be wrong with a device at once: what is measured while no time passes is nothing. */
function broken(backend: RuleBackend): Window {
  return healthy(backend, {
    utilization: 0.01,
    process: {
      eventLoopUtilization: 1,
      threadPoolUtilization: 1,
      threadPoolWait: 1,
      heapUsage: gibibyte,
      heapLimit: gibibyte,
    },
    hardware: {
      temperature: 99,
      thermalThrottle: 1,
      powerThrottle: 1,
      clockRatio: 0.5,
      thermalState: 3,
      uncorrectedErrors: 1,
    },
    memory: { usage: gibibyte, limit: gibibyte, growth: gibibyte, failedAllocations: 9 },
    compilation: { count: 9, seconds: 20 },
    transfers: copies(9000, 59),
    waits: durations(times(3000, 1)),
  });
}

it.each(backends)('%s: the same machine at a clock that goes on is full of faults', (backend) => {
  expect(codes(broken(backend)).length).toBeGreaterThan(1);
});

describe.each(backends)('%s: nothing is seen of', (backend) => {
  const machines: Readonly<Record<string, Window>> = {
    'an idle device': windowOf(backend),
    'a healthy one': healthy(backend),
    'two executions': windowOf(backend, {
      kernelsByName: [{ ...kernelWindow('k', [0.000001, 0.1]), failures: 0 }],
      inFlightSeconds: 40,
      utilization: 0.01,
      transfers: copies(2, 10),
      compilation: { count: 2, seconds: 20 },
      waits: durations([1, 1]),
      process: { eventLoopUtilization: 1 },
    }),
    'a clock that stands still': { ...broken(backend), seconds: 0 },
    'a clock that goes backwards': { ...broken(backend), seconds: -60, busySeconds: -1 },
    'a night with a health check every five seconds': windowOf(backend, {
      kernelsByName: [kernelWindow('check', times(120, 0.00005))],
      inFlightSeconds: 0.05,
      transfers: copies(24, 0.03),
      waits: durations(times(120, 0.0002)),
    }),
  };

  it.each(Object.entries(machines))('%s', (_, window) => expect(codes(window)).toEqual([]));
});

it.each(backends)('%s: where all executions failed, that is all that is said', (backend) => {
  const failed = { ...kernelWindow('k', []), failures: 500 };
  for (const profile of ['production', 'guide'] as const) {
    expect(codes(windowOf(backend, { kernelsByName: [failed], utilization: 0.01 }), profile)).toEqual([
      'failing_operations',
    ]);
  }
});

const decode = [kernelWindow('attention', times(60_000, 0.00002)), kernelWindow('norm', times(1_000_000, 0.000045))];

const machines: Readonly<Record<string, Window>> = {
  'a model that decodes with short kernels, busy for 77 % of the time': windowOf('cuda', {
    kernelsByName: decode,
    inFlightSeconds: 59,
    waits: durations(times(1000, 0.0004)),
    hardware: { utilization: 0.95 },
  }),
  'bursts of short kernels without a gap, ten times a second': windowOf('cuda', {
    kernelsByName: [kernelWindow('step', times(300_000, 0.00001))],
    inFlightSeconds: 3.1,
    waits: durations(times(3000, 0.002)),
  }),
  'a device that another process holds': windowOf('cuda', {
    kernelsByName: [kernelWindow('matmul', times(600, 0.01))],
    inFlightSeconds: 50,
    hardware: { utilization: 0.97 },
  }),
  'memory taken ahead': healthy('cuda', {
    memory: { usage: 0.97 * gibibyte, limit: gibibyte, growth: 0, failedAllocations: 0 },
  }),
  'memory taken in the first minute': healthy('cuda', {
    age: 100,
    memory: { usage: 0.97 * gibibyte, limit: gibibyte, growth: 0.9 * gibibyte, failedAllocations: 0 },
  }),
  'a roll-out that compiles': healthy('opencl', { age: 65, compilation: { count: 80, seconds: 20 } }),
  'a card at its power limit under full load': healthy('cuda', { hardware: { powerThrottle: 1, clockRatio: 0.9 } }),
  'a card that is always at its power limit, so that nobody knows its other clock': healthy('cuda', {
    hardware: { powerThrottle: 1 },
  }),
  'a hot device that is not throttled': healthy('cuda', { hardware: { temperature: 88, thermalThrottle: 0 } }),
  'a device that was throttled for a moment': healthy('cuda', {
    hardware: { temperature: 80, thermalThrottle: 0.005 },
  }),
  'an event loop that computes beside a device which another process holds': windowOf('cuda', {
    kernelsByName: [kernelWindow('matmul', times(600, 0.01))],
    process: { eventLoopUtilization: 0.97 },
    hardware: { utilization: 0.95 },
  }),
  'a Mac that is somewhat warm': healthy('metal', { hardware: { thermalState: 1 } }),
  'copies beside kernels': healthy('metal', {
    inFlightSeconds: 60,
    transfers: { ...copies(9000, 58), exposedSeconds: 5 },
  }),
  'copies on two queues that share the link': healthy('cuda', {
    transfers: {
      ...copies(3000, 1),
      large: { count: 3000, bytes: 3000 * 4 * 2 ** 20, seconds: 2 },
    },
  }),
  'an OpenCL device that is the CPU, whose copies go through its own memory': {
    ...healthy('opencl', { transfers: copies(100, 1) }),
    device: { id: 'd', backend: 'opencl', type: 'cpu', name: 'PoCL', index: 0 },
  },
  'an idle link that sleeps': windowOf('cuda', {
    hardware: { link: { generation: 1, maxGeneration: 5, width: 16, maxWidth: 16, bandwidth: 4e9 } },
  }),
  'a program that waits for its device in the event loop': windowOf('opencl', {
    kernelsByName: [kernelWindow('matmul', times(2300, 0.01))],
    inFlightSeconds: 55,
    process: { eventLoopUtilization: 1 },
    utilization: 0.38,
    busySeconds: 23,
  }),
  'a full pool that keeps up': healthy('cpu', {
    utilization: 0.5,
    process: { threadPoolUtilization: 0.95, threadPoolWait: 0.002 },
  }),
  'a program that launches a few kernels ahead': healthy('opencl', { waits: durations(times(3000, 0.0099)) }),
  'one execution in a thousand that takes thirty times as long': windowOf('opencl', {
    kernelsByName: [kernelWindow('gemm', [...times(2997, 0.01), ...times(3, 0.3)])],
  }),
  'two of twelve executions that took three times as long': windowOf('opencl', {
    kernelsByName: [kernelWindow('gemm', [...times(10, 0.1), ...times(2, 0.3)])],
  }),
  'kernels of microseconds, now and then, that vary': windowOf('opencl', {
    kernelsByName: [kernelWindow('add', [...times(200, 0.00001), ...times(200, 0.00004)])],
    inFlightSeconds: 0.1,
  }),
  'a kernel that varies and takes no time': windowOf('opencl', {
    kernelsByName: [
      kernelWindow('gemm', times(3000, 0.01)),
      kernelWindow('init', [...times(100, 0.001), ...times(100, 0.003)]),
    ],
  }),
};

it.each(Object.entries(machines))('nothing is seen of %s', (_, window) => expect(codes(window)).toEqual([]));

it.each([
  ['a kernel of two sizes', 0.5],
  ['one execution in ten that takes four times as long', 0.1],
  ['one in thirty', 1 / 30],
])('high_variance sees %s', (_, share) => {
  const slow = Math.round(3000 * share);
  const gemm = kernelWindow('gemm', [...times(3000 - slow, 0.005), ...times(slow, 0.02)]);
  expect(codes(windowOf('opencl', { kernelsByName: [gemm] }))).toEqual(['high_variance']);
});
