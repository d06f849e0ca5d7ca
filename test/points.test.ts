import { describe, expect, it } from 'vitest';
import { rulesFor } from '../src/analyzer/observe.ts';
import { ProbeError } from '../src/errors.ts';
import { collectPoints } from '../src/points.ts';
import type { Window } from '../src/profile/window.ts';
import type { ProfilerState } from '../src/profiler.ts';
import { ProfilingMetric } from '../src/profiling-metrics.ts';
import { supervise } from '../src/supervisor.ts';
import { durations, kernelWindow, windowOf } from './analyzer/window.ts';
import { gpu, stateOver } from './profiler-state.ts';

/** Every number by its metric's name, and every distribution's sum; of several points the last. */
function valuesOf(state: ProfilerState): Record<string, number> {
  return Object.fromEntries(
    collectPoints(state).map((point) => [point.name, 'value' in point ? point.value : point.distribution.sum]),
  );
}

it('each thing known of a device stands under its own name', () => {
  const { clock, state, profile } = stateOver([gpu], {
    denyKernels: ['noise'],
    objectives: { kernels: { k: { p99: '3ms' } } },
  });
  const device = profile('GPU-1');
  for (const seconds of [1, 2, 3, 4, 5]) device.kernel('k').record(seconds / 1024);
  device.kernel('k').record(-1);
  device.kernel('noise').recordFailure('out_of_memory');
  device.transfer('host_to_device').record(4096, 2 ** -10);
  device.transfer('host_to_device').recordFailure('out_of_resources');
  device.queueWait.record(2 ** -11);
  device.compilation.record(2 ** -3);
  device.memory.allocated(10);
  device.memory.freed(4);
  device.memory.allocated(2);
  for (let i = 0; i < 33; i++) device.report(ProfilingMetric.create('Custom', i, `value ${i}`));
  device.setReadings([{ name: 'hw.gpu.memory.limit', value: 2 ** 33 }]);
  clock.seconds += 8;
  device.closeInterval(clock.seconds);
  const busy = 15 / 1024;
  expect(valuesOf(state)).toMatchObject({
    'accelmeter.device.info': 1,
    'accelmeter.device.busy': busy,
    'accelmeter.device.utilization': expect.closeTo(busy / 8, 6),
    'accelmeter.device.failures': 2,
    'accelmeter.kernel.duration': 15 / 1024,
    'accelmeter.kernel.duration.p50': 3 / 1024,
    'accelmeter.kernel.duration.p95': expect.closeTo(4.8 / 1024, 6),
    'accelmeter.kernel.duration.p99': expect.closeTo(4.96 / 1024, 6),
    'accelmeter.kernel.duration.stddev': expect.closeTo(Math.sqrt(2.5) / 1024, 6),
    'accelmeter.kernel.window.age': 8,
    'accelmeter.kernel.objective': 0.003,
    'accelmeter.kernel.objective.exceeded': 2,
    'accelmeter.kernel.queue.duration': 2 ** -11,
    'accelmeter.kernel.compilation.duration': 2 ** -3,
    'accelmeter.kernel.failures': 1,
    'accelmeter.kernel.names.other': 1,
    'accelmeter.transfer.duration': 2 ** -10,
    'accelmeter.transfer.io': 4096,
    'accelmeter.transfer.bandwidth': 4096 * 2 ** 10,
    'accelmeter.transfer.failures': 1,
    'accelmeter.memory.allocations': 2,
    'accelmeter.memory.allocated': 12,
    'accelmeter.memory.usage': 8,
    'accelmeter.memory.peak': 10,
    'accelmeter.custom': 31,
    'accelmeter.custom.dropped': 1,
    'accelmeter.records.rejected': 1,
    'hw.gpu.memory.limit': 2 ** 33,
  });
});

describe('bottlenecks and trends', () => {
  /** The points of the analysis, as "name code or kernel". */
  const analysisOf = (state: ProfilerState) =>
    Object.fromEntries(
      collectPoints(state)
        .filter(({ name }) => /^accelmeter\.(bottleneck|findings|regressions)/.test(name))
        .map(({ name, attributes, ...point }) => [
          [name.slice('accelmeter.'.length), attributes['accelmeter.bottleneck.code'] ?? ''].join(' ').trim(),
          'value' in point ? point.value : undefined,
        ]),
    );
  const failing: Window = { ...windowOf('opencl', { kernels: { ...durations([0.1], 24) } }), device: gpu };

  it('are there from the start, one for each rule that applies to the device, and none is active', () => {
    const { state } = stateOver([gpu, { ...gpu, id: 'CPU-1', backend: 'cpu', type: 'cpu' }]);
    const codesOf = (id: string) =>
      collectPoints(state)
        .filter(({ name, attributes }) => name === 'accelmeter.bottleneck.active' && attributes['hw.id'] === id)
        .map((point) => [point.attributes['accelmeter.bottleneck.code'], 'value' in point && point.value]);
    const rulesOf = (backend: 'cpu' | 'opencl') => rulesFor(backend).map(({ code }) => [code, 0]);
    expect(codesOf('GPU-1')).toEqual(rulesOf('opencl'));
    expect(codesOf('CPU-1')).toEqual(rulesOf('cpu'));
    expect(codesOf('GPU-1')).not.toEqual(codesOf('CPU-1'));
    expect(analysisOf(state)).toMatchObject({ 'findings.suppressed': 0 });
    expect(Object.keys(analysisOf(state)).filter((name) => /observed|threshold/.test(name))).toEqual([]);
  });

  it('trends are told where they are asked for, by kernel', () => {
    const times = (seconds: number) => Array.from({ length: 60 }, (_, i) => seconds * (1 + i / 1000));
    const kernelsByName = [kernelWindow('k', times(0.002), times(0.001))];
    const ratios = (extraMetrics: readonly 'trend'[]) => {
      const { state, tick } = stateOver([gpu], { extraMetrics });
      tick({ 'GPU-1': { ...windowOf('opencl', { kernelsByName }), device: gpu } });
      return collectPoints(state).filter(({ name }) => name === 'accelmeter.trend.ratio');
    };
    expect(ratios([])).toEqual([]);
    expect(ratios(['trend'])).toMatchObject([
      { attributes: { 'hw.id': 'GPU-1', 'accelmeter.kernel.name': 'k' }, value: expect.closeTo(2, 6) },
    ]);
  });

  it('that are active say what was observed and the threshold, and say it no more when they are cleared', () => {
    const { state, tick } = stateOver([gpu]);
    for (let i = 0; i < 2; i++) tick({ 'GPU-1': failing });
    expect(analysisOf(state)).toMatchObject({
      'bottleneck.active failing_operations': 1,
      'bottleneck.active launch_bound': 0,
      'bottleneck.observed failing_operations': 1 / 25,
      'bottleneck.threshold failing_operations': 0.95,
    });
    for (let i = 0; i < 3; i++) tick({ 'GPU-1': { ...windowOf('opencl'), device: gpu } });
    expect(analysisOf(state)).toMatchObject({ 'bottleneck.active failing_operations': 0 });
    expect(Object.keys(analysisOf(state)).filter((name) => /observed|threshold/.test(name))).toEqual([]);
  });
});

it('each thing known of a source stands under its own name', () => {
  const { clock, state } = stateOver([]);
  const session = supervise(
    'opencl',
    {
      sources: () => [{ name: 'opencl', up: true, detail: 'one GPU', dropped: 7 }],
      sample() {
        clock.seconds += 0.25;
        return { devices: [] };
      },
      drain() {
        throw new ProbeError('lost', 'the device went away');
      },
      close() {},
    },
    state.now,
  );
  session.sample();
  session.drain(1);
  state.selfTime.add('serialise', 0.5);
  expect(valuesOf({ ...state, sessions: [session], eventsLost: 3 })).toMatchObject({
    'accelmeter.events.lost': 3,
    'accelmeter.source.up': 1,
    'accelmeter.source.failures': 1,
    'accelmeter.sample.duration': 0.25,
    'accelmeter.records.dropped': 7,
    'accelmeter.self.time': 0.5,
    'accelmeter.governor.level': 2,
    'accelmeter.build.info': 1,
  });
  expect(valuesOf(state)).not.toHaveProperty('accelmeter.events.lost'); // nobody is pushed to
});
