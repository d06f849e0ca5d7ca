import { expect, it, onTestFinished } from 'vitest';
import type { Backend, Session } from '../src/backend.ts';
import { ProbeError } from '../src/errors.ts';
import { resolveOptions } from '../src/options.ts';
import { createProfiler, openProfiler } from '../src/profiler.ts';
import { runNode } from './child.ts';

/** A profiler over backends of the test's own. */
async function over(backends: readonly Backend[], options = {}) {
  const opened = await openProfiler(
    resolveOptions(options, {}, () => {}),
    { backends },
  );
  onTestFinished(() => opened.profiler.close());
  return opened;
}

const quiet: Session = { sources: () => [{ name: 'quiet', up: true, detail: 'nothing to tell' }], close() {} };

/** The value of a metric, by its name and one attribute. */
async function values(profiler: Awaited<ReturnType<typeof over>>['profiler'], name: string) {
  const { resourceMetrics } = await profiler.metricProducer().collect();
  const metric = resourceMetrics.scopeMetrics[0]?.metrics.find(({ descriptor }) => descriptor.name === name);
  return (metric?.dataPoints ?? []).map(({ attributes, value }) => ({ ...attributes, value }));
}

it('a backend that is not there is no error: it is listed, with what would mend it', async () => {
  const { profiler } = await over([
    {
      name: 'opencl',
      open() {
        throw new ProbeError('absent', 'no OpenCL loader', { remedy: 'apt-get install ocl-icd-libopencl1' });
      },
    },
  ]);
  expect(profiler.devices).toEqual([]);
  expect(profiler.absent).toMatchObject([{ backend: 'opencl', remedy: 'apt-get install ocl-icd-libopencl1' }]);
  expect(profiler.status().backends).toContainEqual({
    name: 'opencl',
    present: false,
    detail: 'no OpenCL loader',
    remedy: 'apt-get install ocl-icd-libopencl1',
    sources: [],
  });
});

it('one that was asked for by name and is not there is a source that is down; one that was not is no source', async () => {
  const backend: Backend = { name: 'opencl', open: () => Promise.reject(new Error('broken driver')) };
  const named = await over([backend], { backends: ['opencl'] });
  expect(await values(named.profiler, 'accelmeter.source.up')).toEqual([{ 'accelmeter.source': 'opencl', value: 0 }]);
  const unnamed = await over([backend]);
  expect(await values(unnamed.profiler, 'accelmeter.source.up')).toEqual([]);
});

it('what waits in a buffer is delivered before a collection, in slices when there is much', async () => {
  let waiting = 10;
  const backend: Backend = {
    name: 'opencl',
    open(host) {
      const sink = host.addDevice({ id: 'g', backend: 'opencl', type: 'gpu', name: 'G', index: 0 });
      return {
        ...quiet,
        drain() {
          if (waiting === 0) return false;
          waiting -= 1;
          sink.deliver({ kind: 'kernel', name: 'k', start: 0, duration: 0.001, wait: undefined, failed: undefined });
          return waiting > 0;
        },
      };
    },
  };
  const { profiler } = await over([backend]);
  expect(await values(profiler, 'accelmeter.kernel.duration')).toMatchObject([{ value: { count: 10 } }]);
});

it('samples again for who looks after a second, and not for who looks at once', async () => {
  let samples = 0;
  const { profiler } = await over([
    {
      name: 'cpu',
      open: () => ({
        ...quiet,
        sample() {
          samples += 1;
          return { devices: [] };
        },
      }),
    },
  ]);
  for (let i = 0; i < 5; i++) await profiler.refresh();
  expect(samples).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 1050));
  await profiler.refresh();
  expect(samples).toBe(2);
});

it('a backend that throws at every turn leaves the others measured, and shows as down with its failures', async () => {
  const { profiler } = await over([
    {
      name: 'opencl',
      open: () => ({
        ...quiet,
        drain() {
          throw new ProbeError('lost', 'the device went away');
        },
      }),
    },
    { name: 'cpu', open: () => ({ ...quiet, sources: () => [{ name: 'process', up: true, detail: '' }] }) },
  ]);
  for (let i = 0; i < 5; i++) await profiler.refresh();
  expect(await values(profiler, 'accelmeter.source.up')).toEqual([
    { 'accelmeter.source': 'quiet', value: 0 },
    { 'accelmeter.source': 'process', value: 1 },
  ]);
  expect(await values(profiler, 'accelmeter.source.failures')).toEqual([
    { 'accelmeter.source': 'quiet', 'error.type': 'lost', value: 3 },
  ]);
});

it('handles stay safe after close, and close can be called twice', async () => {
  const profiler = await createProfiler({ backends: ['cpu'] });
  const [device] = profiler.devices;
  await profiler.close();
  await profiler.close();
  expect(() => device?.kernel('late').record(0.001)).not.toThrow();
  await expect(profiler.metricProducer().collect()).resolves.toMatchObject({ errors: [] });
});

it('an unknown option is refused before anything is opened', async () => {
  await expect(async () => createProfiler({ backend: ['cpu'] } as object)).rejects.toThrow(/unknown option "backend"/);
});

it('a profiler nobody closes does not keep its process alive', async () => {
  const program = "import { createProfiler } from 'accelmeter'; await createProfiler(); console.log('made');";
  const { code, stdout, milliseconds } = await runNode(['--input-type=module', '-e', program]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'made\n' });
  expect(milliseconds).toBeLessThan(4000);
});

it('its whole cost is counted by stage', async () => {
  const profiler = await createProfiler({ backends: ['cpu'] });
  onTestFinished(() => profiler.close());
  await profiler.metricProducer().collect();
  const stages = await values(profiler, 'accelmeter.self.time');
  expect(stages.map((point) => (point as Record<string, unknown>)['accelmeter.stage'])).toEqual([
    'drain',
    'sample',
    'analyse',
    'collect',
    'serialise',
  ]);
  const collect = stages.find((point) => (point as Record<string, unknown>)['accelmeter.stage'] === 'collect');
  expect(collect?.value).toBeGreaterThan(0);
});
