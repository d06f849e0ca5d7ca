import { describe, expect, it } from 'vitest';
import { statusView } from '../src/status.ts';
import { supervise } from '../src/supervisor.ts';
import { durations, windowOf } from './analyzer/window.ts';
import { gpu, stateOver } from './profiler-state.ts';

describe('the rates of a picture', () => {
  const kernelOf = (status: ReturnType<ReturnType<typeof statusView>>, name = 'k') =>
    status.kernels.find(({ kernel }) => kernel === name);

  it('are since the start, and from then on since the picture before', () => {
    const { clock, state, profile } = stateOver([gpu]);
    const status = statusView(state);
    const kernel = profile('GPU-1').kernel('k');
    clock.seconds += 2;
    for (let i = 0; i < 8; i++) kernel.record(0.125);
    expect(kernelOf(status())).toMatchObject({ calls: 8, callsPerSecond: 4, total: 1, busy: 0.5, p50: 0.125 });
    clock.seconds += 4;
    kernel.record(0.5);
    kernel.recordFailure('out_of_memory');
    expect(kernelOf(status())).toMatchObject({ calls: 10, callsPerSecond: 0.5, total: 1.5, busy: 0.125, failures: 1 });
  });

  it('for who asks again at once are those since the picture before that', () => {
    const { clock, state, profile } = stateOver([gpu]);
    const status = statusView(state);
    clock.seconds += 2;
    profile('GPU-1').kernel('k').record(1);
    expect(kernelOf(status())?.callsPerSecond).toBe(0.5);
    clock.seconds += 0.001;
    expect(kernelOf(status())?.callsPerSecond).toBeCloseTo(0.5, 2);
  });

  it('of one viewer do not depend on what others saw', () => {
    const { clock, state, profile } = stateOver([gpu]);
    const [mine, yours] = [statusView(state), statusView(state)];
    clock.seconds += 1;
    profile('GPU-1').kernel('k').record(1);
    yours();
    clock.seconds += 1;
    expect(kernelOf(mine())?.callsPerSecond).toBe(0.5);
  });
});

it('kernels come busiest first, whatever their device', () => {
  const { state, profile } = stateOver([gpu, { ...gpu, id: 'GPU-2' }]);
  profile('GPU-1').kernel('light').record(0.1);
  profile('GPU-2').kernel('heavy').record(9);
  profile('GPU-1').kernel('middle').record(1);
  expect(statusView(state)().kernels.map(({ kernel, device }) => [kernel, device])).toEqual([
    ['heavy', 'GPU-2'],
    ['middle', 'GPU-1'],
    ['light', 'GPU-1'],
  ]);
});

it('copies have the bandwidth of the time in which they ran; of failed ones alone there is none', () => {
  const { state, profile } = stateOver([gpu]);
  profile('GPU-1').transfer('host_to_device').recordAt(100, 500, 0.25);
  profile('GPU-1').transfer('host_to_device').recordAt(100, 500, 0.25);
  profile('GPU-1').transfer('device_to_host').recordFailure('out_of_resources');
  expect(statusView(state)().transfers).toMatchObject([
    { direction: 'host_to_device', count: 2, bytes: 1000, total: 0.5, bandwidth: 4000 },
    { direction: 'device_to_host', count: 0, bytes: 0, bandwidth: undefined },
  ]);
});

it('a backend is there while one of its sources delivers, and has the remedy of the first that does not', () => {
  const down = { name: 'opencl_layer', up: false, detail: 'kernels not traced', remedy: 'start it with register' };
  const up = { name: 'opencl', up: true, detail: 'one GPU' };
  const backendOver = (sources: readonly (typeof up | typeof down)[]) => {
    const { state } = stateOver([]);
    const session = supervise('opencl', { sources: () => sources, close() {} }, state.now);
    return statusView({ ...state, sessions: [session] })().backends.find(({ name }) => name === 'opencl');
  };
  const { remedy } = down;
  expect(backendOver([up, down])).toMatchObject({ present: true, detail: 'one GPU, kernels not traced', remedy });
  expect(backendOver([down])).toMatchObject({ present: false, detail: 'kernels not traced', remedy });
  expect(backendOver([up])).toEqual({ name: 'opencl', present: true, detail: 'one GPU', sources: [up] });
});

it('what is wrong is in the picture as long as it is', () => {
  const { state, tick } = stateOver([gpu]);
  const status = statusView(state);
  expect(status().findings).toEqual([]);
  const failing = { ...windowOf('opencl', { kernels: durations([0.1], 24) }), device: gpu };
  for (let i = 0; i < 2; i++) tick({ 'GPU-1': failing });
  expect(status().findings).toMatchObject([{ code: 'failing_operations', device: 'GPU-1', state: 'raised' }]);
});
