/** Thresholds, guards and sentences of each rule on the other backends and in the profile `guide`. */
import { describe, expect, it } from 'vitest';
import type { BottleneckCode } from '../../../src/analyzer/finding.ts';
import { type ObserveOptions, observe, type Sighting } from '../../../src/analyzer/observe.ts';
import type { RuleBackend } from '../../../src/analyzer/rule.ts';
import type { Window } from '../../../src/profile/window.ts';
import { cases, copies, healthy, times } from '../cases.ts';
import { durations, kernelWindow, windowOf } from '../window.ts';

const gibibyte = 2 ** 30;

function sighting(code: BottleneckCode, window: Window, options?: ObserveOptions): Sighting | undefined {
  return observe(window, options).sightings.find(({ rule }) => rule.code === code);
}
const isSeen = (...of: Parameters<typeof sighting>) => sighting(...of) !== undefined;

describe('low_utilization', () => {
  const busyFor = (backend: RuleBackend, share: number) =>
    windowOf(backend, {
      kernelsByName: [kernelWindow('k', times(100, share * 0.6))],
      inFlightSeconds: 60,
      utilization: share,
    });

  it.each([
    ['cpu', 0.3],
    ['cuda', 0.5],
    ['opencl', 0.4],
    ['metal', 0.3],
    ['webgpu', 0.4],
  ] as const)('on %s is under %d', (backend, threshold) => {
    for (const profile of ['production', 'guide'] as const) {
      expect(isSeen('low_utilization', busyFor(backend, threshold - 0.01), { profile })).toBe(true);
      expect(isSeen('low_utilization', busyFor(backend, threshold + 0.01), { profile })).toBe(false);
    }
  });

  it('is judged within the time in flight, and to the letter of the guide within the whole window', () => {
    const window = windowOf('opencl', { kernelsByName: [kernelWindow('k', times(100, 0.15))], inFlightSeconds: 20 });
    expect(isSeen('low_utilization', window)).toBe(false);
    expect(sighting('low_utilization', window, { profile: 'guide' })?.observation).toMatchObject({
      observed: expect.closeTo(0.25),
      sentence: 'Kernels ran for 25 % of the time.',
      counterEvidence: ['work in flight 33 %', 'utilization by all processes not read'],
    });
  });

  it('on the CPU counts the cores that were used while operations ran', () => {
    const window = windowOf('cpu', { kernelsByName: [kernelWindow('k', times(100, 0.3))], utilization: 0.1 });
    expect(sighting('low_utilization', window)?.observation.sentence).toBe(
      'The process used 20 % of its cores while work was in flight.',
    );
    expect(isSeen('low_utilization', { ...window, utilization: 0.16 })).toBe(false);
    expect(isSeen('low_utilization', { ...window, utilization: undefined })).toBe(false);
    expect(isSeen('low_utilization', { ...window, process: { cpuWaiting: 0.05 } })).toBe(true);
    expect(isSeen('low_utilization', { ...window, process: { cpuWaiting: 0.2 } })).toBe(false); // others have the cores
  });
});

it.each([
  ['cpu', 0.5e-3],
  ['cuda', 0.1e-3],
  ['opencl', 0.2e-3],
  ['metal', 0.1e-3],
  ['webgpu', 0.1e-3],
] as const)('launch_bound on %s is a mean under %d s', (backend, threshold) => {
  const of = (mean: number, n = 60_000) => windowOf(backend, { kernelsByName: [kernelWindow('k', times(n, mean))] });
  expect(isSeen('launch_bound', of(threshold * 0.99), { profile: 'guide' })).toBe(true);
  expect(isSeen('launch_bound', of(threshold * 1.01), { profile: 'guide' })).toBe(false);
  expect(isSeen('launch_bound', of(threshold * 0.99, 100), { profile: 'guide' })).toBe(true);
  expect(isSeen('launch_bound', of(threshold * 0.99, 99), { profile: 'guide' })).toBe(false);
});

it('launch_bound is seen where the program waits for each kernel, and the launch of the next is outside of its flight', () => {
  const kernels = [kernelWindow('add', times(200_000, 0.00004))];
  const window = windowOf('opencl', {
    kernelsByName: kernels,
    inFlightSeconds: 14,
    waits: durations(times(200_000, 0.00003)),
  });
  expect(sighting('launch_bound', window)?.observation.sentence).toBe(
    '200k kernels ran for 40.0 µs on average, with gaps of 260 µs.',
  );
  const rare = [kernelWindow('add', times(80_000, 0.00004))];
  expect(isSeen('launch_bound', windowOf('opencl', { kernelsByName: rare }))).toBe(false);
});

it('launch_bound is not seen where what lies between short kernels are copies', () => {
  const window = windowOf('opencl', {
    kernelsByName: [kernelWindow('add', times(100_000, 0.0001))],
    inFlightSeconds: 59,
    transfers: copies(50_000, 47),
    waits: durations(times(100_000, 0.003)),
  });
  expect(observe(window).sightings.map(({ rule }) => rule.code)).toEqual(['transfer_bound']);
  const few = windowOf('opencl', {
    kernelsByName: [kernelWindow('scale', times(3600, 0.000004))],
    inFlightSeconds: 20,
    transfers: copies(7200, 19.9),
    waits: durations(times(3600, 0.003)),
  });
  expect(observe(few).sightings.map(({ rule }) => rule.code)).toEqual(['transfer_bound']);
});

describe('transfer_bound', () => {
  it('to the letter of the guide counts copies beside kernels as well', () => {
    const window = healthy('webgpu', { transfers: { ...copies(100, 31), exposedSeconds: 1 } });
    expect(isSeen('transfer_bound', window)).toBe(false);
    expect(isSeen('transfer_bound', window, { profile: 'guide' })).toBe(true);
  });

  it('needs ten copies, and a kernel', () => {
    expect(isSeen('transfer_bound', healthy('cuda', { transfers: copies(9, 50), inFlightSeconds: 60 }))).toBe(false);
    expect(isSeen('transfer_bound', windowOf('cuda', { transfers: copies(99, 50), inFlightSeconds: 60 }))).toBe(false);
  });

  it('is no fault of the CPU, which copies nothing', () => {
    expect(isSeen('transfer_bound', healthy('cpu', { transfers: copies(99, 50), inFlightSeconds: 60 }))).toBe(false);
  });
});

describe('low_bandwidth', () => {
  const at = (backend: RuleBackend, rate: number, stated = {}) =>
    healthy(backend, { transfers: copies(100, (100 * 4 * 2 ** 20) / rate), ...stated });
  const link = { generation: 4, maxGeneration: 4, width: 16, maxWidth: 16, bandwidth: 30e9 };

  it.each([
    ['cuda', 10 * gibibyte],
    ['opencl', gibibyte],
  ] as const)('on %s without a known link is under %d bytes a second', (backend, threshold) => {
    expect(isSeen('low_bandwidth', at(backend, threshold * 0.99))).toBe(true);
    expect(isSeen('low_bandwidth', at(backend, threshold * 1.01))).toBe(false);
  });

  it('is half of a known link, but for the guide and for an operator who set it', () => {
    const window = at('cuda', 14e9, { hardware: { link } });
    expect(sighting('low_bandwidth', window)).toMatchObject({ threshold: 15e9, unit: 'By/s' });
    expect(isSeen('low_bandwidth', window, { profile: 'guide' })).toBe(false);
    expect(isSeen('low_bandwidth', window, { thresholds: { low_bandwidth: 13e9 } })).toBe(false);
    expect(sighting('low_bandwidth', window, { thresholds: { low_bandwidth: 20e9 } })?.threshold).toBe(20e9);
  });
});

describe('thermal_throttling', () => {
  it('is a temperature over 80 °C where no flag is read', () => {
    const at = (temperature: number) => healthy('cuda', { hardware: { temperature } });
    expect(isSeen('thermal_throttling', at(80))).toBe(false);
    expect(sighting('thermal_throttling', at(81))).toMatchObject({ threshold: 80, unit: 'Cel', severity: 'error' });
    expect(isSeen('thermal_throttling', at(81), { thresholds: { thermal_throttling: 85 } })).toBe(false);
  });

  it('is to the letter of the guide a temperature, also where flags are read', () => {
    const window = healthy('cuda', { hardware: { temperature: 81, thermalThrottle: 0 } });
    expect(sighting('thermal_throttling', window, { profile: 'guide' })?.observation.observed).toBe(81);
  });

  it('has the unit of the flags where they say so', () => {
    expect(sighting('thermal_throttling', cases.thermal_throttling.raised)).toMatchObject({
      unit: '1',
      threshold: 0.01,
    });
  });

  it('on Metal is a thermal state from serious on, whatever temperature is set', () => {
    const window = healthy('metal', { hardware: { thermalState: 2 } });
    const found = sighting('thermal_throttling', window, { thresholds: { thermal_throttling: 85 } });
    expect(found).toMatchObject({ threshold: 1, unit: '{state}', observation: { observed: 2 } });
  });
});

describe('memory_pressure', () => {
  const full = (growth: number, failedAllocations: number) =>
    healthy('metal', { memory: { usage: 0.95 * gibibyte, limit: gibibyte, growth, failedAllocations } });

  it('of a device is seen with failed allocations or growth, to the letter of the guide always', () => {
    expect(isSeen('memory_pressure', full(0, 1))).toBe(true);
    expect(isSeen('memory_pressure', full(0.02 * gibibyte, 0))).toBe(true);
    expect(isSeen('memory_pressure', full(0.001 * gibibyte, 0))).toBe(false);
    expect(isSeen('memory_pressure', full(-gibibyte, 0), { profile: 'guide' })).toBe(true);
  });

  it('of the CPU is that of the heap or of the container, whichever is fuller', () => {
    const process = { heapUsage: 92, heapLimit: 100, containerUsage: 99, containerLimit: 100 };
    expect(sighting('memory_pressure', healthy('cpu', { utilization: 0.5, process }))?.observation.sentence).toBe(
      "The container's memory is 99 % full (99 B of 100 B).",
    );
  });
});

it('a full thread pool is enough to the letter of the guide', () => {
  const window = healthy('cpu', { utilization: 0.5, process: { threadPoolUtilization: 0.81 } });
  expect(isSeen('thread_pool_exhausted', window)).toBe(false);
  expect(isSeen('thread_pool_exhausted', window, { profile: 'guide' })).toBe(true);
});

it('a queue is a warning where a kernel is over its objective, however short the wait', () => {
  const waits = durations(times(3000, 0.0101));
  const kernelsByName = [kernelWindow('matmul', times(3000, 0.0095))];
  const window = windowOf('opencl', { kernelsByName, waits: durations(times(3000, 0.0098)) });
  const overObjective = [{ kernel: 'matmul', quantile: 'p95', objective: 0.009, exceeded: 1 }] as const;
  expect(sighting('queue_bound', { ...window, waits })?.severity).toBe('info');
  expect(isSeen('queue_bound', window)).toBe(false);
  expect(isSeen('queue_bound', window, { profile: 'guide' })).toBe(true);
  expect(sighting('queue_bound', { ...window, overObjective })).toMatchObject({
    severity: 'warning',
    observation: { counterEvidence: ['busy 47 %', 'matmul is over its p95 objective of 9.00 ms'] },
  });
});

it('a power limit is for information to the letter of its flag', () => {
  const window = healthy('cuda', { hardware: { powerThrottle: 0.5 } });
  expect(sighting('power_throttling', window, { profile: 'guide' })?.severity).toBe('info');
  expect(sighting('power_throttling', cases.power_throttling.raised)?.severity).toBe('warning');
});

it('variance is that of all kernels together to the letter of the guide, else of each, the costliest first', () => {
  const mixed = [kernelWindow('gemm', times(300, 0.04)), kernelWindow('norm', times(300, 0.004))];
  const together = { ...durations([...times(300, 0.04), ...times(300, 0.004)]) };
  const window = { ...windowOf('cuda', { kernelsByName: mixed }), kernels: together };
  expect(isSeen('high_variance', window)).toBe(false);
  expect(isSeen('high_variance', window, { profile: 'guide' })).toBe(true);
  const varying = [
    kernelWindow('steadier', [...times(300, 0.04), ...times(300, 0.08)]),
    kernelWindow('wilder', [...times(450, 0.001), ...times(150, 0.1)]),
    kernelWindow('wildest', [...times(300, 0.0005), ...times(30, 0.1)]),
  ];
  expect(sighting('high_variance', windowOf('cuda', { kernelsByName: varying }))?.observation).toMatchObject({
    kernel: 'wilder',
    sentence: 'The time of wilder varies by 167 % of its mean.',
    counterEvidence: ["28 % of the kernels' time", 'temperature not read'],
  });
});

it.each([
  [{ criticalXids: 1 }, 'The device reports 1 critical XID.'],
  [{ rowRemapPending: true }, 'The device reports one row of memory that waits for a reset to be replaced.'],
])('memory_errors: %o', (hardware, sentence) => {
  expect(sighting('memory_errors', healthy('cuda', { hardware }))?.observation.sentence).toBe(sentence);
});

it('a link is looked at while the device is busy, by whomever', () => {
  const link = { generation: 1, maxGeneration: 4, width: 16, maxWidth: 16, bandwidth: 4e9 };
  expect(isSeen('pcie_degraded', windowOf('cuda', { hardware: { link, utilization: 0.6 } }))).toBe(true);
  expect(isSeen('pcie_degraded', windowOf('cuda', { hardware: { link, utilization: 0.4 } }))).toBe(false);
  expect(isSeen('pcie_degraded', healthy('cuda', { hardware: { link } }))).toBe(true);
});

it('a link with half of its lanes carries half', () => {
  expect(sighting('pcie_degraded', cases.pcie_degraded.raised)?.observation).toMatchObject({
    observed: 0.5,
    sentence: 'The PCIe link runs at generation 4 with 8 lanes; it could at generation 4 with 16.',
  });
});
