/** From what a device does to everyone who is told that something is wrong with it. */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ActivitySink } from '../src/activity.ts';
import type { Finding } from '../src/analyzer/finding.ts';
import type { Backend } from '../src/backend.ts';
import { type ProfilerOptions, resolveOptions } from '../src/options.ts';
import { openProfiler } from '../src/profiler.ts';

const tickSeconds = 0.1;

/** A profiler over a device of which most executions fail, thirty in each interval. */
async function overFailingDevice(options: ProfilerOptions = {}) {
  let sink: ActivitySink | undefined;
  let leave = () => {};
  const kernel = { kind: 'kernel', name: 'k', duration: 0.001, wait: undefined } as const;
  const backend: Backend = {
    name: 'opencl',
    open(host) {
      sink = host.addDevice({ id: 'GPU-1', backend: 'opencl', type: 'gpu', name: 'A GPU', index: 0 });
      leave = () => host.removeDevice('GPU-1');
      return { sources: () => [{ name: 'opencl', up: true, detail: 'one GPU' }], close() {} };
    },
  };
  const resolved = resolveOptions({ tickSeconds, backends: ['opencl'], ...options }, {}, () => {});
  const { profiler, state } = await openProfiler(resolved, { backends: [backend] });
  onTestFinished(() => profiler.close());
  const working = setInterval(() => {
    const start = performance.now() / 1000;
    for (let i = 0; i < 30; i++) sink?.deliver({ ...kernel, start, failed: i < 20 ? 'out_of_resources' : undefined });
  }, tickSeconds * 1000);
  onTestFinished(() => clearInterval(working));
  const told: Finding[] = [];
  const off = profiler.on('finding', (finding) => void told.push(finding));
  const events = () => told.map(({ state, code }) => `${state} ${code}`);
  return { profiler, state, told, events, off, leave: () => leave(), rest: () => clearInterval(working) };
}

/** Waits until there are so many events; a machine that is busy elsewhere may take its time. */
const until = (happened: () => boolean) => expect.poll(happened, { timeout: 10_000, interval: 20 }).toBe(true);

describe('a device whose executions fail', () => {
  it('is found within two windows, and everyone is told', async () => {
    const began = performance.now();
    const { profiler, told } = await overFailingDevice();
    await until(() => told.length > 0);
    const [finding] = told;
    expect(finding).toMatchObject({ code: 'failing_operations', state: 'raised', device: 'GPU-1', severity: 'error' });
    // Two windows of twelve intervals, and once more as long for a machine that is busy elsewhere.
    expect(performance.now() - began).toBeLessThan(4 * 12 * tickSeconds * 1000);
    expect(profiler.findings.map(({ id }) => id)).toEqual([finding?.id]);
    expect(profiler.status().findings).toEqual(profiler.findings);
    const snapshot = await profiler.devices[0]?.getProfilingSnapshot();
    expect(snapshot?.identifiedBottlenecks).toEqual(profiler.findings.map(String));
    expect(snapshot?.recommendations).toHaveLength(1);
    expect(snapshot?.statusMessage).toMatch(/^Measuring; error failing_operations: /);
    const { resourceMetrics } = await profiler.metricProducer().collect();
    const active = resourceMetrics.scopeMetrics
      .flatMap(({ metrics }) => metrics)
      .find(({ descriptor }) => descriptor.name === 'accelmeter.bottleneck.active');
    expect(
      active?.dataPoints.filter(({ value }) => value === 1).map((p) => p.attributes['accelmeter.bottleneck.code']),
    ).toEqual(['failing_operations']);
  });

  it('is well again when a whole window is, and what was found is over', async () => {
    const { profiler, events, rest } = await overFailingDevice();
    await until(() => events().length === 1);
    rest();
    await until(() => events().length === 2);
    expect(events()).toEqual(['raised failing_operations', 'cleared failing_operations']);
    expect(profiler.findings).toEqual([]);
  });

  it('is not followed in a pause, and what was found before is over', async () => {
    const { profiler, events } = await overFailingDevice();
    await until(() => events().length === 1);
    profiler.pause();
    expect(events()).toEqual(['raised failing_operations', 'cleared failing_operations']);
    expect(profiler.findings).toEqual([]);
    profiler.resume();
    await until(() => events().length === 3);
  });

  it('takes its findings with it when it leaves', async () => {
    const { profiler, events, leave } = await overFailingDevice();
    await until(() => events().length === 1);
    leave();
    expect(profiler.findings).toEqual([]);
    await until(() => events().length === 2);
  });

  it('is told cleared once when the profiler is closed, and then nobody is told of anything', async () => {
    const { profiler, events } = await overFailingDevice();
    await until(() => events().length === 1);
    await profiler.close();
    await profiler.close();
    expect(events()).toEqual(['raised failing_operations', 'cleared failing_operations']);
    expect(profiler.findings).toEqual([]);
  });

  it('is nothing to a listener that was taken away', async () => {
    const { profiler, events, off } = await overFailingDevice();
    off();
    off();
    await until(() => profiler.findings.length === 1);
    expect(events()).toEqual([]);
  });

  it('is only counted where it is silenced', async () => {
    const { profiler, state, events } = await overFailingDevice({ suppress: ['failing_operations'] });
    await until(() => state.analysis.of('GPU-1')?.analyzer.suppressed === 1);
    expect(profiler.findings).toEqual([]);
    expect(events()).toEqual([]);
  });
});

it('another event, and what is no function, are refused', async () => {
  const { profiler } = await overFailingDevice();
  expect(() => profiler.on('findings' as 'finding', () => {})).toThrow(
    /no event is called "findings"; there are finding, device/,
  );
  expect(() => profiler.on('finding', undefined as unknown as () => void)).toThrow(TypeError);
});
