import { channel } from 'node:diagnostics_channel';
import { expect, it, onTestFinished, vi } from 'vitest';
import { Analysis } from '../src/analysis.ts';
import type { Finding } from '../src/analyzer/finding.ts';
import type { ProcessPoint } from '../src/catalogue.ts';
import { DeviceProfile } from '../src/profile/device-profile.ts';
import type { Window } from '../src/profile/window.ts';
import { durations, kernelWindow, windowOf } from './analyzer/window.ts';
import { gpu } from './profiler-state.ts';

/** Twenty-four of twenty-five executions fail. */
const failing: Window = { ...windowOf('opencl', { kernels: durations([0.1], 24) }), device: gpu };
const idle: Window = { ...windowOf('opencl'), device: gpu };

const times = (seconds: number) => Array.from({ length: 60 }, (_, i) => seconds * (1 + i / 1000));

/** Devices whose windows the test says. */
function analysisOver(...ids: readonly string[]) {
  let now = 100;
  const windows = new Map<string, () => Window | undefined>();
  const calls: unknown[][] = [];
  /** Whether the profiles' intervals have ended. */
  const intervals = { end: true };
  const analysis = new Analysis({
    now: () => now,
    unseen: (backend) => [`${backend}_layer`],
    historyOf: ({ identity: { id } }) => ({
      close(...args) {
        calls.push(['close', id, ...args]);
        return intervals.end;
      },
      reset() {
        calls.push(['reset', id]);
        windows.delete(id);
      },
      window: () => windows.get(id)?.(),
    }),
  });
  const add = (id: string) => analysis.add(new DeviceProfile({ ...gpu, id }, { now: () => now }));
  for (const id of ids) add(id);
  const tick = (
    seen: Readonly<Record<string, Window | undefined>>,
    process: readonly ProcessPoint[] = [],
    look = true,
  ) => {
    for (const [id, window] of Object.entries(seen))
      windows.set(id, () => window && { ...window, device: { ...gpu, id } });
    now += 5;
    analysis.tick(process, look);
  };
  const raise = (id: string) => {
    for (let i = 0; i < 2; i++) tick({ [id]: failing });
  };
  return { analysis, windows, calls, intervals, add, tick, raise };
}

/** What a listener was told so far, as "raised GPU-1". */
function listen(analysis: Analysis) {
  const told: string[] = [];
  const off = analysis.on(({ state, device }) => void told.push(`${state} ${device}`));
  return { told, off };
}

const soon = () => new Promise<void>((resolve) => queueMicrotask(() => queueMicrotask(resolve)));

it('a tick closes the interval of each device, with what is known of the process and what is not seen', () => {
  const { tick, calls } = analysisOver('GPU-1', 'GPU-2');
  const process: readonly ProcessPoint[] = [{ name: 'process.uptime', value: 5 }];
  tick({}, process);
  expect(calls).toEqual([
    ['close', 'GPU-1', 105, process, ['opencl_layer']],
    ['close', 'GPU-2', 105, process, ['opencl_layer']],
  ]);
});

it('a tick in which nobody looks keeps the interval, and raises and clears nothing', () => {
  const { analysis, calls, tick } = analysisOver('GPU-1');
  tick({ 'GPU-1': failing });
  const before = calls.length;
  tick({ 'GPU-1': failing }, [], false);
  expect(calls).toHaveLength(before + 1);
  expect(analysis.findings).toEqual([]);
  expect(analysis.of('GPU-1')?.window).toMatchObject({ kernels: { failures: 24 } });
  tick({ 'GPU-1': failing });
  expect(analysis.findings).toHaveLength(1);
});

it('findings of all devices stand together, and each is known under its device', () => {
  const { analysis, raise } = analysisOver('GPU-1', 'GPU-2');
  raise('GPU-1');
  raise('GPU-2');
  expect(analysis.findings.map(({ device, code }) => [device, code])).toEqual([
    ['GPU-1', 'failing_operations'],
    ['GPU-2', 'failing_operations'],
  ]);
  expect(analysis.of('GPU-2')?.findings.map(({ device }) => device)).toEqual(['GPU-2']);
  expect(analysis.of('GPU-2')?.window?.kernels.failures).toBe(24);
  expect(analysis.of('GPU-3')).toBeUndefined();
});

it('trends are those of the window of the last tick, and none before there is one', () => {
  const { analysis, tick } = analysisOver('GPU-1');
  expect(analysis.of('GPU-1')?.trends).toEqual([]);
  const slower = kernelWindow('matmul', new Array(60).fill(2e-3), new Array(60).fill(1e-3));
  tick({ 'GPU-1': windowOf('opencl', { kernelsByName: [slower] }) });
  expect(analysis.of('GPU-1')?.trends).toMatchObject([{ kernel: 'matmul', direction: 'degrading', ratio: 2 }]);
  analysis.pause();
  expect(analysis.of('GPU-1')?.trends).toEqual([]);
});

it('a tick in which no interval ended is none', () => {
  const { analysis, intervals, tick } = analysisOver('GPU-1');
  tick({ 'GPU-1': failing });
  intervals.end = false;
  tick({ 'GPU-1': failing });
  expect(analysis.findings).toEqual([]);
  intervals.end = true;
  tick({ 'GPU-1': failing });
  expect(analysis.findings).toHaveLength(1);
});

it('listeners are told after the tick, in order, each until it is taken away', async () => {
  const { analysis, tick, raise } = analysisOver('GPU-1', 'GPU-2');
  const [one, other] = [listen(analysis), listen(analysis)];
  raise('GPU-1');
  raise('GPU-2');
  expect(one.told).toEqual([]);
  await soon();
  expect(one.told).toEqual(['raised GPU-1', 'raised GPU-2']);
  other.off();
  for (let i = 0; i < 3; i++) tick({ 'GPU-1': idle });
  await soon();
  expect(one.told).toEqual(['raised GPU-1', 'raised GPU-2', 'cleared GPU-1']);
  expect(other.told).toEqual(['raised GPU-1', 'raised GPU-2']);
});

it('a listener that fails is warned of once, and neither it nor the others miss what follows', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  onTestFinished(() => warned.mockRestore());
  const { analysis, raise } = analysisOver('GPU-1', 'GPU-2');
  let calls = 0;
  analysis.on(() => {
    calls += 1;
    throw new Error('no network');
  });
  analysis.on(async () => {
    throw new Error('no disk');
  });
  const { told } = listen(analysis);
  raise('GPU-1');
  raise('GPU-2');
  await soon();
  await soon();
  expect(calls).toBe(2);
  expect(told).toEqual(['raised GPU-1', 'raised GPU-2']);
  expect(warned.mock.calls.map(([message]) => message)).toEqual([
    'a listener for findings failed: no network',
    'a listener for findings failed: no disk',
  ]);
});

it('a listener that pauses measuring is told of that after what it was told of, as all others are', async () => {
  const { analysis, raise } = analysisOver('GPU-1', 'GPU-2');
  analysis.on(() => analysis.pause());
  const { told } = listen(analysis);
  raise('GPU-1');
  raise('GPU-2');
  await soon();
  expect(told).toEqual(['raised GPU-1', 'raised GPU-2', 'cleared GPU-1', 'cleared GPU-2']);
});

it('the diagnostics channel has every finding while somebody subscribes to it', async () => {
  const { analysis, raise, tick } = analysisOver('GPU-1');
  const told: unknown[] = [];
  const subscriber = (finding: unknown) => void told.push(finding);
  const findings = channel('accelmeter:finding');
  findings.subscribe(subscriber);
  onTestFinished(() => void findings.unsubscribe(subscriber));
  raise('GPU-1');
  await soon();
  expect(told).toEqual([analysis.findings[0]]);
  findings.unsubscribe(subscriber);
  for (let i = 0; i < 3; i++) tick({ 'GPU-1': idle });
  await soon();
  expect(told).toHaveLength(1);
});

it('a device that leaves takes its findings with it; one that comes under its id begins anew', async () => {
  const { analysis, add, raise, tick } = analysisOver('GPU-1', 'GPU-2');
  const { told } = listen(analysis);
  raise('GPU-1');
  raise('GPU-2');
  analysis.remove('GPU-1');
  await soon();
  expect(analysis.findings.map(({ device }) => device)).toEqual(['GPU-2']);
  expect(told).toEqual(['raised GPU-1', 'raised GPU-2', 'cleared GPU-1']);
  add('GPU-1');
  tick({ 'GPU-1': failing });
  expect(analysis.of('GPU-1')?.findings).toEqual([]);
});

it('a pause clears what was found, once and at once, and what follows begins with windows of its own', async () => {
  const { analysis, calls, raise, tick } = analysisOver('GPU-1');
  const { told } = listen(analysis);
  raise('GPU-1');
  await soon();
  analysis.pause();
  expect(told).toEqual(['raised GPU-1', 'cleared GPU-1']);
  expect(analysis.findings).toEqual([]);
  expect(analysis.of('GPU-1')?.window).toBeUndefined();
  analysis.pause();
  analysis.resume();
  expect(calls.slice(-3)).toEqual([
    ['reset', 'GPU-1'],
    ['reset', 'GPU-1'],
    ['reset', 'GPU-1'],
  ]);
  tick({ 'GPU-1': failing });
  expect(analysis.findings).toEqual([]);
  tick({ 'GPU-1': failing });
  expect(analysis.findings).toHaveLength(1);
  expect(told).toHaveLength(2);
});

it('trends are those of the last window, tested once however often they are asked for, and none while paused', () => {
  const { analysis, tick } = analysisOver('GPU-1');
  expect(analysis.of('GPU-1')?.trends).toEqual([]);
  let asked = 0;
  const slower = kernelWindow('k', times(0.002), times(0.001));
  const halves = (intervals: number) => {
    asked += 1;
    return slower.halves(intervals);
  };
  const kernel = { ...slower, halves };
  tick({ 'GPU-1': { ...idle, byKernel: [kernel] } }, [], false);
  const { trends } = analysis.of('GPU-1') ?? {};
  expect(trends).toMatchObject([{ kernel: 'k', direction: 'degrading' }]);
  expect(`${trends?.[0]}`).toMatch(/^k is degrading: 100 % slower/);
  expect(analysis.of('GPU-1')?.trends).toBe(trends);
  expect(asked).toBe(1);
  tick({ 'GPU-1': { ...idle, byKernel: [kernel] } }, [], false);
  expect(analysis.of('GPU-1')?.trends).not.toBe(trends);
  analysis.pause();
  expect(analysis.of('GPU-1')?.trends).toEqual([]);
});

it('a history that throws is counted, and the other devices are looked at', () => {
  const { analysis, windows, raise } = analysisOver('GPU-1', 'GPU-2');
  windows.set('GPU-1', () => {
    throw new Error('out of bounds');
  });
  raise('GPU-2');
  expect(analysis.findings).toHaveLength(1);
  expect(analysis.faults).toBe(2);
  expect(analysis.of('GPU-1')?.trends).toEqual([]);
  const faults = analysis.faults;
  expect(faults).toBeGreaterThan(2);
  analysis.remove('GPU-1');
  expect(analysis.faults).toBe(faults);
});

it('a finding tells when it was raised by the wall clock, also after the machine has slept', () => {
  const { analysis, raise } = analysisOver('GPU-1');
  const awake = Date.now();
  const asleep = 8 * 3600_000;
  vi.useFakeTimers({ toFake: ['Date'], now: awake + asleep });
  onTestFinished(() => void vi.useRealTimers());
  const started = performance.now();
  raise('GPU-1');
  const { raisedAt } = analysis.findings[0] as Finding;
  // At second 110 of the process, by the test's clock.
  const expected = awake + asleep + 110_000 - started;
  expect(Math.abs(Date.parse(raisedAt) - expected)).toBeLessThan(1000);
});
