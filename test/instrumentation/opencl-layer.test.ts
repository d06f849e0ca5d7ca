import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildNative } from '../../scripts/build-native.mjs';
import { prebuiltLibrary } from '../../src/native/prebuilt.ts';
import { compileLibrary, scratchFolder } from '../native/compile.ts';
import { lacks } from '../parts.ts';
import { kernels, lost, type RunOptions, runScenario, transfers } from './opencl-program.ts';

const root = join(import.meta.dirname, '../..');

describe.skipIf(lacks('pocl', 'cc'))('a program that knows nothing of us', () => {
  const folder = scratchFolder();
  const run = <T>(scenario: string, options: Partial<RunOptions> = {}) =>
    runScenario<T>(scenario, { folder, ...options });

  const runInFlight = <T>(scenario: string, options: Partial<RunOptions> = {}) =>
    run<T>(scenario, { program: 'opencl-in-flight.mjs', ...options });

  beforeAll(async () => {
    const built = await buildNative({ root });
    expect(built.map(({ outcome }) => outcome)).not.toContain('failed');
  });

  it('has each kernel and copy counted once, with the durations of its own event timings', async () => {
    const { result, observed } = await run<Record<string, number[]>>('ownTimings');
    const nanoseconds = ({ duration }: { duration: number }) => Math.round(duration * 1e9);
    for (const [name, own] of Object.entries(result)) {
      const seen = [...kernels(observed, name), ...transfers(observed, name)].map(nanoseconds);
      expect(seen.sort((a, b) => a - b)).toEqual(own.sort((a, b) => a - b));
    }
    const copies = transfers(observed);
    expect(copies.length).toBe(150);
    for (const { bytes, failed } of copies) expect([bytes, failed]).toEqual([4096, undefined]);
    expect(observed.activities.filter(({ kind }) => kind === 'compilation').length).toBe(1);
    expect(lost(observed)).toBe(0);
  });

  it('has queues and sizes of launches told with them; OpenCL numbers no calls', async () => {
    const { observed } = await run('plain');
    const [first, ...more] = kernels(observed);
    expect(first).toMatchObject({ queue: expect.any(Number), launchSize: 1024 });
    for (const each of [...more, ...transfers(observed)]) expect(each.queue).toBe(first?.queue);
    expect(first).not.toHaveProperty('correlation');
  });

  it('computes what it computed, and its kernels lie within its life', async () => {
    const untraced = await run<number[]>('plain', { traced: false });
    const { result, observed, seconds } = await run<number[]>('plain');
    expect(result).toEqual(untraced.result);
    expect([kernels(observed, 'scale').length, kernels(observed, 'add').length]).toEqual([3, 1]);
    let last = 0;
    for (const { start, duration, wait } of kernels(observed)) {
      expect(start).toBeGreaterThan(last);
      expect(start + duration).toBeLessThan(seconds);
      expect(wait).toBeGreaterThanOrEqual(0);
      last = start;
    }
  });

  it('sees its queues, events and errors as without us', async () => {
    const untraced = await run('sees', { traced: false });
    const traced = await run('sees');
    expect(traced.result).toEqual(untraced.result);
    expect(traced.result).toMatchObject({ plain: { profiling: -7 }, profiled: { profiling: 0 } });
    expect(kernels(traced.observed).length).toBe(7);
    expect(lost(traced.observed)).toBe(0); // nor is its call on no queue: that ran nothing
  });

  it('may set properties of its queues, and sees what it set', async () => {
    const library = compileLibrary('test/stubs/old-driver.c', folder);
    const untraced = await run('setsProperties', { traced: false, environment: { OPENCL_LAYERS: library } });
    const traced = await run('setsProperties', { environment: { BENEATH: library } });
    expect(traced.result).toEqual(untraced.result);
    expect(traced.result).toMatchObject([{ shown: 1 }, { old: 1, shown: 3, told: 0 }, { shown: 0, told: -7 }, {}]);
    expect(kernels(traced.observed).length).toBe(4);
  });

  it('may have several contexts and queues, and copy boxes', async () => {
    const { result, observed } = await run<number>('several');
    expect(kernels(observed, 'add').length).toBe(result);
    for (const direction of ['host_to_device', 'device_to_host', 'device_to_device']) {
      const boxes = transfers(observed, direction);
      expect(boxes.map(({ bytes }) => bytes)).toEqual([64, 64, 64, 64, 64, 64]);
    }
  });

  it('may run out of order, and use one variable as wait list and result', async () => {
    const { result, observed } = await run<number>('chained');
    expect(kernels(observed, 'add').length).toBe(result);
  });

  it('may have threads of its own', async () => {
    const library = compileLibrary('test/programs/opencl-threads.c', folder);
    const { result, observed } = await run<number>('threads', { environment: { THREADS_LIBRARY: library } });
    expect(result).toBe(8000);
    expect([kernels(observed, 'even').length, kernels(observed, 'odd').length]).toEqual([4000, 4000]);
    expect(lost(observed)).toBe(0);
  });

  it('has each of a million commands told, in no more memory at the end than at the beginning', () => {
    const library = compileLibrary('test/programs/opencl-threads.c', folder);
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'test/programs/opencl-million.ts')], {
      env: { ...process.env, THREADS_LIBRARY: library },
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect([status, stderr]).toEqual([0, '']);
    const { launched, kernels: told, failed, memory, sources } = JSON.parse(stdout);
    expect(launched).toBeGreaterThan(1_000_000);
    expect([told, failed]).toEqual([launched, 0]);
    expect(sources.at(-1)).toMatchObject({ up: true, dropped: 0 });
    expect(memory.at(-1) - memory[1]).toBeLessThan(4 * 2 ** 20);
  }, 60_000);

  it('may use a part of a device, which counts as the device', async () => {
    const { result, observed } = await run<number>('subDevice');
    expect(kernels(observed, 'add').length).toBe(result);
    expect(observed.devices.map(({ id }) => id)).toEqual(['host:opencl:0']);
  });

  it('has kernels under their names though handles are used again', async () => {
    const { result, observed } = await run<{ names: string[]; reused: number }>('reusedHandles');
    expect(result.reused).toBeGreaterThan(0);
    const seen = kernels(observed).map(({ name }) => name);
    expect(seen.slice(0, 300)).toEqual(result.names);
    expect(seen.slice(300, 303).sort()).toEqual(['add', 'scale', 'spin']);
    expect(seen[303]).toBe(seen[300]); // the clone
  });

  it('has kernels that found no place among the names counted without one', async () => {
    const { observed } = await run<number>('manyNames');
    expect(kernels(observed).map(({ name }) => name)).toEqual(['kernel_0', undefined]);
  });

  it('may pause what measures it: then it is not followed, sees what it saw, and is followed again afterwards', async () => {
    const untraced = await run('paused', { traced: false });
    const { result, observed } = await run('paused');
    expect(result).toEqual(untraced.result);
    expect(result).toEqual([0, 0, -7, -7]); // no profiling, neither on its queues nor of its events
    // Ten before the pause and the one that was in flight when it began; none that began in it; three on each queue after.
    expect([kernels(observed, 'scale').length, kernels(observed, 'add').length]).toEqual([11, 6]);
    expect(observed.ring).toMatchObject({ untraced: 0, invalid: 0, dropped: 0, inFlight: 0 });
    expect(observed.sources.at(-1)).toMatchObject({ up: true, detail: 'kernels traced' });
  });

  it('has its refused launches counted as failures', async () => {
    const { result, observed } = await run<number>('refused');
    expect(result).toBe(-54);
    expect(kernels(observed, 'add').map(({ failed }) => failed)).toEqual(['invalid_work_group_size', undefined]);
  });

  it('has commands that fail with what they wait for counted as failures, though the driver tells of none', async () => {
    const { result, observed } = await runInFlight<number[]>('failedWaits');
    expect(result).toEqual(new Array(10).fill(-14));
    const failed = kernels(observed).map((kernel) => kernel.failed !== undefined);
    expect(failed).toEqual([...new Array(10).fill(true), false]);
    expect(observed.ring).toMatchObject({ inFlight: 0, invalid: 0, untraced: 0 });
  });

  it('has them counted at its end, where it never looked', async () => {
    const { observed } = await runInFlight('failedUnseen');
    expect(kernels(observed).map(({ failed }) => typeof failed)).toEqual(['string']);
    expect(observed.ring.inFlight).toBe(0);
  });

  it('has as many commands in its queue as it enqueued and the device has not done', async () => {
    const { result, observed } = await runInFlight<number>('waiting');
    expect([observed.depths[0], observed.depths.at(-1)]).toEqual([result, 0]);
    expect(new Set(observed.depths)).toEqual(new Set([result, 0]));
  });

  it.each(['exitsInFlight', 'neverCompletes'])('ends as without us: %s', async (scenario) => {
    const untraced = await runInFlight<number>(scenario, { traced: false });
    const { code, stderr, observed } = await runInFlight<number>(scenario, { environment: { SETTLE: '0.05' } });
    expect([code, stderr]).toEqual([untraced.code, untraced.stderr]);
    const { pushed, inFlight } = observed.ring;
    expect(pushed + inFlight).toBe(untraced.result + 3); // and the compilation, and two buffers
  });

  it('shows no sign of OpenCL before its first use, and its device after', async () => {
    const { observed } = await run('plain');
    expect(observed.sourcesBefore).toEqual([
      { name: 'opencl_layer', up: true, ofKernels: true, detail: 'ready, the program has not used OpenCL yet' },
    ]);
    expect(observed.sources).toMatchObject([
      { name: 'opencl', up: true },
      { name: 'opencl_layer', up: true, detail: 'kernels traced', dropped: 0 },
    ]);
    expect(observed.devices).toMatchObject([{ id: 'host:opencl:0', backend: 'opencl', type: 'cpu', index: 0 }]);
  });

  describe('on a driver with a fault', () => {
    const faulty = async (FAULT: string) => {
      const BENEATH = compileLibrary('test/stubs/faulty-layer.c', folder);
      return (await run('plain', { environment: { BENEATH, FAULT } })).observed;
    };

    it('has commands that fail on the device counted as failures', async () => {
      const observed = await faulty('failing');
      const work = [...kernels(observed), ...transfers(observed)];
      expect(work.map(({ failed }) => failed)).toEqual(new Array(6).fill('out_of_resources'));
    });

    it('has no durations made up where times make no sense', async () => {
      const observed = await faulty('backwards');
      expect([kernels(observed).length, transfers(observed).length]).toEqual([0, 0]);
      expect(observed.ring).toMatchObject({ invalid: 6, untraced: 0, inFlight: 0 });
      expect(observed.sources.at(-1)).toMatchObject({ dropped: 6 });
    });

    it.each(['unprofiled', 'mute'])('runs all the same, and what is not traced is counted: %s', async (fault) => {
      const observed = await faulty(fault);
      expect([kernels(observed).length, transfers(observed).length]).toEqual([0, 0]);
      expect(observed.ring).toMatchObject({ invalid: 0, untraced: 6, inFlight: 0 });
    });
  });

  describe('in another process', () => {
    const layer = () => prebuiltLibrary('accelmeter-opencl-layer') ?? 'not built';

    it.each([
      ['nobody is meant', {}],
      ['a parent was meant', { ACCELMETER_PID: String(process.pid) }],
      ['nonsense is meant', { ACCELMETER_PID: '12monkeys' }],
    ])('is left alone where %s', async (_, pid) => {
      const { observed } = await run('plain', { environment: { ARM: '0', OPENCL_LAYERS: layer(), ...pid } });
      expect(observed.ring).toMatchObject({ state: 'inert', pushed: 0, untraced: 0 });
      expect(observed.sources.at(-1)).toMatchObject({ name: 'opencl_layer', up: false });
    });

    it('is left alone after a fork', async () => {
      const library = compileLibrary('test/programs/opencl-threads.c', folder);
      const environment = { THREADS_LIBRARY: library, LAYER: layer() };
      const { result, observed } = await run<number>('forks', { environment });
      expect(result).toBe(3); // disarmed, and nothing recorded
      expect(kernels(observed, 'add').length).toBe(1);
    });

    it('is told why it is not traced where nobody named the layer', async () => {
      const { observed } = await run('plain', { environment: { ARM: '0', OPENCL_LAYERS: '' } });
      expect(observed.sources).toMatchObject([{ name: 'opencl_layer', up: false, detail: /does not name our layer/ }]);
    });
  });

  it('can load the layer on systems with an old glibc', () => {
    const layer = prebuiltLibrary('accelmeter-opencl-layer') ?? 'not built';
    const versions = [...readFileSync(layer, 'latin1').matchAll(/GLIBC_(\d+)\.(\d+)/g)].map((found) => [
      Number(found[1]),
      Number(found[2]),
    ]);
    expect(versions.length).toBeGreaterThan(0);
    for (const [major = 0, minor = 0] of versions) expect(major * 1000 + minor).toBeLessThanOrEqual(2017);
  });
});
