/** Health and status as a program asks a device for them, and as a metric. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import type { ActivitySink } from '../../src/activity.ts';
import type { Backend, SourceState } from '../../src/backend.ts';
import type { Device } from '../../src/device.ts';
import { deviceStatusOf } from '../../src/health/device-status.ts';
import { healthOf } from '../../src/health.ts';
import { resolveOptions } from '../../src/options.ts';
import { collectPoints } from '../../src/points.ts';
import { openProfiler } from '../../src/profiler.ts';
import { takeSnapshot } from '../../src/snapshot.ts';
import { found } from '../analyzer/finding.ts';
import { quiet, windowOf } from '../analyzer/window.ts';
import { gpu, stateOver } from '../profiler-state.ts';

/** A profiler of one GPU with ten intervals a second. */
async function overGpu() {
  let sink: ActivitySink | undefined;
  let leave = () => {};
  const source: { -readonly [K in keyof SourceState]: SourceState[K] } = {
    name: 'opencl',
    up: true,
    detail: 'one GPU',
  };
  const backend: Backend = {
    name: 'opencl',
    open(host) {
      sink = host.addDevice(gpu);
      leave = () => host.removeDevice(gpu.id);
      return {
        sources: () => [source],
        sample: () => ({
          devices: [{ device: gpu.id, readings: [{ name: 'accelmeter.device.queue.depth', value: 3 }] }],
        }),
        close() {},
      };
    },
  };
  const options = resolveOptions({ tickSeconds: 0.1, budget: 1, backends: ['opencl'] }, {}, () => {});
  const { profiler } = await openProfiler(options, { backends: [backend] });
  onTestFinished(() => profiler.close());
  const run = (failed?: string) =>
    sink?.deliver({
      kind: 'kernel',
      name: 'k',
      start: performance.now() / 1000,
      duration: 1e-6,
      wait: undefined,
      failed,
    });
  const device = profiler.devices[0] as Device;
  /** Until a window has ended that shows it. */
  const until = async (status: string) => {
    for (let i = 0; i < 250 && (await device.getHealthSnapshot()).status !== status; i++) await sleep(20);
    return device.getHealthSnapshot();
  };
  return { profiler, device, run, until, source, leave: () => leave() };
}

describe('a device of a profiler', () => {
  it('is healthy while its work succeeds, and is not while it fails', async () => {
    const { device, run, until } = await overGpu();
    expect((await device.getHealthSnapshot()).deviceId).toBe('GPU-1');
    for (let i = 0; i < 50; i++) run();
    const healthy = await until('healthy');
    expect(healthy).toMatchObject({ isAvailable: true, status: 'healthy', healthScore: 1, issues: [] });
    expect(healthy.getSensorValue('QueueDepth')?.value).toBe(3);
    expect(Date.parse(healthy.timestamp)).toBeLessThanOrEqual(Date.now());
    for (let i = 0; i < 50; i++) run('out_of_memory');
    expect((await until('error')).issues).toEqual([expect.stringContaining('kernel executions failed')]);
    expect(await device.getDeviceStatus()).toMatchObject({
      isAvailable: true,
      status: 'error',
      averageLatency: expect.closeTo(1e-3),
    });
  });

  it('is unknown while nothing is measured, and offline where it is not there', async () => {
    const { profiler, device, until, source, leave } = await overGpu();
    await until('healthy');
    profiler.pause();
    expect(await device.getHealthSnapshot()).toMatchObject({ status: 'unknown', isAvailable: true });
    profiler.resume();
    expect((await until('healthy')).status).toBe('healthy');
    source.up = false;
    expect(await device.getHealthSnapshot()).toMatchObject({ status: 'offline', isAvailable: false });
    source.up = true;
    leave();
    expect(await device.getDeviceStatus()).toMatchObject({ status: 'offline', isAvailable: false });
    await profiler.close();
    expect(await device.getHealthSnapshot()).toMatchObject({ status: 'offline', healthScore: undefined });
  });

  it('says in its snapshot as well that nothing is measured, and why', async () => {
    const { profiler, device, leave, until } = await overGpu();
    await until('healthy');
    expect(await device.getProfilingSnapshot()).toMatchObject({
      isAvailable: true,
      statusMessage: expect.stringMatching(/^Measuring/),
    });
    profiler.pause();
    const paused = { isAvailable: true, statusMessage: 'Measuring is paused.' };
    expect(await device.getProfilingSnapshot()).toMatchObject(paused);
    profiler.resume();
    leave();
    const left = { isAvailable: false, statusMessage: 'The device has left.' };
    expect(await device.getProfilingSnapshot()).toMatchObject(left);
  });

  it('is unknown once the profiler is closed', async () => {
    const { profiler, device } = await overGpu();
    await profiler.close();
    expect(await device.getHealthSnapshot()).toMatchObject({ status: 'unknown', isAvailable: false });
    const closed = { isAvailable: false, statusMessage: 'The profiler is closed.' };
    expect(await device.getProfilingSnapshot()).toMatchObject(closed);
  });

  it('is not asked by who has given up', async () => {
    const { device } = await overGpu();
    const reason = new Error('too late');
    const signal = AbortSignal.abort(reason);
    await expect(device.getHealthSnapshot({ signal })).rejects.toBe(reason);
    await expect(device.getDeviceStatus({ signal })).rejects.toBe(reason);
    const controller = new AbortController();
    const asked = device.getHealthSnapshot({ signal: controller.signal });
    controller.abort(reason);
    await expect(asked).rejects.toBe(reason);
  });
});

test('the status joins health and performance, as the guide does, and says nothing twice', () => {
  const { profile, clock } = stateOver([gpu]);
  profile('GPU-1').kernel('k').record(0.25);
  clock.seconds += 5;
  profile('GPU-1').closeInterval(clock.seconds);
  const health = healthOf({
    device: gpu,
    timestamp: '2026-01-01T00:00:00.000Z',
    presence: 'running',
    sources: [],
    window: windowOf('opencl', {
      kernels: { ...quiet, count: 50, failures: 50 },
      hardware: { temperature: 40, temperatureLimit: 90 },
    }),
    readings: [],
  });
  const failing = found({
    code: 'failing_operations',
    sentence: 'Half of them failed.',
    recommends: ['inspect_failures'],
  });
  const slow = found({ code: 'launch_bound', sentence: 'They are short.', recommends: ['fuse_kernels'] });
  const findings = [failing, slow];
  const profiling = takeSnapshot(profile('GPU-1'), clock.seconds, { judgement: { findings, trends: [] } });
  expect(deviceStatusOf(health, profiling)).toEqual({
    isAvailable: true,
    healthScore: 0.5,
    status: 'critical',
    temperature: 40,
    utilization: 5,
    averageLatency: 250,
    throughput: 0.2,
    issues: [...health.issues, 'Half of them failed.', 'They are short.'],
    recommendations: [...health.recommendations, slow.recommendations[0]?.sentence],
  });
});

describe('the score as a metric', () => {
  const scores = (options: Parameters<typeof stateOver>[1], looked = true) => {
    const { state, tick } = stateOver([gpu], options);
    if (looked) tick({ 'GPU-1': windowOf('opencl', { kernels: { ...quiet, count: 95, failures: 5 } }) });
    return collectPoints(state).flatMap((point) =>
      point.name === 'accelmeter.health.score' && 'value' in point ? [point] : [],
    );
  };

  it('is there where it was asked for', () => {
    expect(scores({})).toEqual([]);
    const [point, ...more] = scores({ extraMetrics: ['health'] });
    expect(more).toEqual([]);
    expect(point?.value).toBeCloseTo(0.625, 3);
    expect(point?.attributes).toEqual({ 'hw.id': 'GPU-1', 'hw.type': 'gpu', 'accelmeter.backend': 'opencl' });
  });

  it('is absent where nothing is known', () => {
    expect(scores({ extraMetrics: ['health'] }, false)).toEqual([]);
  });
});
