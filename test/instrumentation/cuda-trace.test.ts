import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildNative } from '../../scripts/build-native.mjs';
import { compileLibrary, scratchFolder } from '../native/compile.ts';
import { lacks, requirePart } from '../parts.ts';
import type { ObservedCuda } from '../programs/observe-cuda.ts';
import { type CudaOptions, type CudaRun, compileStubs, runCuda, type Stubs } from './cuda-program.ts';

const root = join(import.meta.dirname, '../..');
const gpu = 'GPU-00010203-0405-0607-0809-0a0b0c0d0eff';

describe.skipIf(lacks('cc'))('a program that uses CUDA and knows nothing of us', () => {
  let stubs: Stubs;
  beforeAll(async () => {
    const built = await buildNative({ root });
    expect(built.map(({ outcome }) => outcome)).not.toContain('failed');
    stubs = compileStubs(scratchFolder());
  });
  const run = <T>(program: string, options?: CudaOptions): Promise<CudaRun<T>> => runCuda(stubs, program, options);
  const plays = async (scenario: string, environment: Record<string, string> = {}) =>
    (await run('plays', { scenario: `\n\n${scenario}`, environment })).observed;

  it.each([11, 12, 13])('has each kernel and copy told once, by a CUPTI of CUDA %i', async (generation) => {
    const scenario = [
      `generation ${generation}\n`,
      'kernel name=_Z9vectorAddPKfS0_Pfi count=700 ns=1500 stream=13 grid=4 block=256',
      'kernel name=plain count=2 ns=2000000',
      'memcpy kind=1 bytes=4096 count=20 ns=800',
      'memcpy kind=2 bytes=1024 count=3',
      'memcpy kind=8 bytes=100',
      'memcpy kind=9 bytes=100 count=5', // from the host to the host: no device's
      'peer bytes=77 count=4',
      'memset bytes=55 count=2',
    ].join('\n');
    const { observed, result } = await run('plays', { scenario });
    expect(result).toEqual({ code: 0 });
    expect(counts(observed)).toEqual({
      vectorAdd: 700,
      plain: 2,
      host_to_device: 20,
      device_to_host: 3,
      device_to_device: 3,
      peer_to_peer: 4,
    });
    for (const { name, duration, wait, failed } of kernels(observed)) {
      expect(duration * 1e9).toBeCloseTo(name === 'plain' ? 2_000_000 : 1500, 3);
      expect([wait, failed]).toEqual([undefined, undefined]);
    }
    const copies = observed.activities.filter((each) => each.kind === 'transfer');
    expect(copies[0]).toMatchObject({ bytes: 4096, direction: 'host_to_device' });
    expect(copies.filter(({ fill }) => fill).map(({ direction, bytes }) => [direction, bytes])).toEqual([
      ['device_to_device', 55],
      ['device_to_device', 55],
    ]);
    expect(observed.devices).toEqual([gpu]);
    expect(observed.source).toEqual({ name: 'cupti', up: true, detail: 'kernels traced by cupti.so', dropped: 0 });
  });

  it('has streams, sizes of launches and the numbers of its calls told with them', async () => {
    const scenario = 'kernel stream=13 grid=4 block=256;memcpy stream=14;memset;peer;kernel name=other grid=0';
    const observed = await plays(scenario);
    expect(observed.activities).toMatchObject([
      { queue: 13, launchSize: 1024, correlation: 1 },
      { queue: 14, correlation: 2, fill: false },
      { queue: 7, correlation: 3, fill: true },
      { queue: 7, correlation: 4, fill: false },
      { name: 'other', correlation: 5 },
    ]);
    expect(observed.activities[4]).not.toHaveProperty('launchSize');
  });

  it('has its kernels at process seconds, in order', async () => {
    const { observed, milliseconds } = await run('plays', { scenario: '\n\nkernel count=50 ns=3000 gap=1000' });
    let last = 0;
    for (const { start, duration } of kernels(observed)) {
      expect(start).toBeGreaterThan(last);
      last = start + duration - 1e-9;
    }
    expect(last).toBeLessThan(milliseconds / 1000);
    expect(kernels(observed)[0]?.start).toBeGreaterThan(0.01);
  });

  it('has the wait of kernels told where ACCELMETER_CUDA_LATENCY is on', async () => {
    const observed = await plays('kernel count=10 wait=25000', { ACCELMETER_CUDA_LATENCY: 'on' });
    const waits = kernels(observed).map(({ wait = 0 }) => Math.round(wait * 1e9));
    expect(waits).toEqual(new Array(10).fill(25_000));
  });

  it('has its devices known as NVML knows them: GPUs, parts of them, and one that tells no UUID', async () => {
    const observed = await plays('kernel device=1;kernel device=0;kernel device=2');
    const mig = 'MIG-10111213-1415-1617-1819-1a1b1c1d1eee';
    expect(observed.devices).toEqual([mig, gpu, 'host:cuda:2']);
    expect(kernels(observed).map(({ device }) => device)).toEqual([mig, gpu, 'host:cuda:2']);
  });

  it('has the memory that it takes and gives back told, and that which it was refused', async () => {
    const scenario = [
      'refused-memory code=2 context=1', // before anybody knows which device that context is on
      'memory op=1 kind=3 bytes=1000',
      'memory op=1 kind=5 bytes=500',
      'memory op=1 kind=2 bytes=7', // pinned memory is the host's
      'memory op=2 kind=3 bytes=1000',
      'sleep 150',
      'refused-memory code=2 context=1',
      'refused-memory code=4242 context=1',
    ].join('\n');
    const observed = await plays(scenario);
    const told = observed.activities.map((each) => each.kind === 'allocation' && [each.bytes, each.failed ?? 'no']);
    expect(told).toEqual([
      [0, 'out_of_memory'],
      [1000, 'no'],
      [500, 'no'],
      [-1000, 'no'],
      [0, 'out_of_memory'],
      [0, 'cuda_4242'],
    ]);
  });

  it('has no memory told where ACCELMETER_CUDA_MEMORY is off', async () => {
    const scenario =
      'memory bytes=1000;kernel;refused-memory code=2 context=1;sleep 100;refused-memory code=2 context=1';
    const observed = await plays(scenario, { ACCELMETER_CUDA_MEMORY: 'off' });
    expect(observed.activities.map(({ kind }) => kind)).toEqual(['kernel']);
  });

  it('has each kernel of its graphs told, and each graph once where those are wanted whole', async () => {
    const scenario = 'kernel name=in_graph count=10 ns=100;graph ns=5000 count=3';
    expect(counts(await plays(scenario))).toEqual({ in_graph: 10 });
    const whole = counts(await plays(scenario, { ACCELMETER_CUDA_GRAPHS: 'whole' }));
    expect(whole).toMatchObject({ 'CUDA graph': 3 });
  });

  it('has what CUPTI lost or could not time counted, and not made up', async () => {
    const scenario = [
      'kernel count=10',
      'times zero;kernel count=3',
      'times backwards;kernel count=2',
      'times endless;memcpy count=1',
      'times sound;drop 40',
    ].join('\n');
    const observed = await plays(scenario);
    expect(counts(observed)).toEqual({ kernel: 10 });
    expect(observed.ring).toMatchObject({ invalid: 6, dropped: 0, untraced: 0 });
    expect(observed.source).toMatchObject({ up: true, dropped: 46 });
  });

  it('may have names of any length, and two that differ only at their end stay two', async () => {
    const long = `_ZN7cutlass6KernelI${'9SomethingIXi'.repeat(200)}`;
    const observed = await plays(`kernel name=${long}A;kernel name=${long}B;kernel name=_Z6kernelv`);
    const names = kernels(observed).map(({ name }) => name);
    expect(names[0]).toMatch(/^cutlass::Kernel<.*#[\da-f]{8}>$/);
    expect(names[1]).toMatch(/^cutlass::Kernel<.*#[\da-f]{8}>$/);
    expect([new Set(names).size, names[2]]).toEqual([3, 'kernel']);
  });

  it('may pause what measures it: CUPTI is then not asked for anything, and again afterwards', async () => {
    const { observed, result } = await run<Record<string, unknown>>('pauses');
    expect(counts(observed)).toEqual({ before: 10, after: 10 });
    expect(result).toMatchObject({
      paused: { kinds: [0, 0, 0, 0, 0], source: { up: false, detail: 'paused' } },
      kinds: [1, 1, 1, 1, 1],
    });
  });

  it('has one reader at a time; where there is none CUPTI is not asked for anything', async () => {
    const { observed, result } = await run<Record<string, unknown>>('closes');
    expect(result).toMatchObject({
      another: { up: false, detail: expect.stringMatching(/another profiler of this process has them/) },
      ...{ closed: 0, reopened: 1 },
    });
    expect(counts(observed)).toEqual({ before: 1, after: 1 });
  });

  it('is traced by createProfiler, which names the tracer itself, where CUDA has not begun', async () => {
    const environment = { EAGER: '1', ARM: '0' };
    const { observed } = await run('plays', { scenario: '\n\nkernel count=3', environment });
    expect(counts(observed)).toEqual({ kernel: 3 });
  });

  it('may have used CUDA before anybody measures it: what it begins from then on is told', async () => {
    const { observed } = await run('attached', { traced: false, environment: { EAGER: '1' } });
    expect(counts(observed)).toEqual({ seen: 5 });
    expect(observed.source).toMatchObject({ up: true, detail: 'kernels traced by cupti.so' });
  });

  it.each([
    ['its libcupti is named', {}],
    ['libcupti has to be looked for', { ACCELMETER_CUPTI_LIBRARY: '' }],
  ])('has its environment read by nobody but its own thread, which may write it, where %s', async (_, named) => {
    const watched = compileLibrary('test/stubs/watched-getenv.c', stubs.folder);
    const environment = { EAGER: '1', SETTLE: '0.5', LD_PRELOAD: watched, ...named };
    const { code, stderr } = await run('joined', { traced: false, scenario: '\n\nkernel', environment });
    expect([code, stderr]).toEqual([0, '']);
  });

  it('may be measured by one after another: the tracer is attached once', async () => {
    const { result } = await run('joined', { traced: false, environment: { EAGER: '1' } });
    expect(result).toEqual({ more: 0 });
  });

  it('may take CUDA_INJECTION64_PATH away: the tracer is attached once CUDA is loaded', async () => {
    const { observed, result } = await run('cleans', { environment: { TAKES_AWAY: 'CUDA_INJECTION64_PATH' } });
    expect(result).toMatchObject({
      up: true,
      detail: expect.stringMatching(/is attached once the program has loaded/),
    });
    expect(counts(observed)).toEqual({ seen: 5 });
    expect(observed.source).toMatchObject({ up: true, detail: 'kernels traced by cupti.so' });
  });

  it('leaves its children alone', async () => {
    const scenario = '\n\nkernel count=7';
    const { observed, result } = await run<{ child: object; stderr: string }>('starts', { scenario });
    expect(result).toEqual({ child: { code: 0 }, stderr: '' });
    expect(counts(observed)).toEqual({ kernel: 7 });
  });

  it('is asked for what there is, within bounds: never for records that make kernels run one by one', async () => {
    const { result } = await run('settings');
    expect(result).toEqual({ kinds: [1, 1, 1, 1, 1, 0], poolLimit: 32, zeroed: 1 });
  });

  describe('where it cannot be traced', () => {
    const sourceOf = async (scenario: string, environment: Record<string, string> = {}) =>
      (await run('plays', { scenario, environment })).observed.source;
    const nothing = { ACCELMETER_CUPTI_LIBRARY: '/nowhere/libcupti.so' };

    it('says how to get libcupti where it is missing, and before CUDA is used', async () => {
      const { observed, result } = await run('plays', { environment: nothing });
      const expected = {
        up: false,
        detail: expect.stringMatching(/^kernels not traced: .*not found$/),
        remedy: expect.stringMatching(/apt-get install cuda-cupti/),
      };
      expect(result).toEqual({ code: 0 });
      expect(observed.source).toMatchObject(expected);
      expect(observed.sourceBefore).toMatchObject(expected);
    });

    it('is not waited for at the end, where it could not be attached', async () => {
      const environment = { ...nothing, EAGER: '1', SETTLE: '20' };
      const { observed, milliseconds } = await run('joined', { traced: false, environment });
      expect(observed.source.detail).toMatch(/not found$/);
      expect(milliseconds).toBeLessThan(15_000);
    });

    it('says what is wrong with a libcupti that cannot be loaded', async () => {
      const source = await sourceOf('', { ACCELMETER_CUPTI_LIBRARY: join(root, 'package.json') });
      expect(source).toMatchObject({ up: false, detail: expect.stringMatching(/package\.json.*(invalid|short)/) });
    });

    it('says that another profiler has CUPTI', async () => {
      const source = await sourceOf('answer subscribe 39');
      expect(source).toMatchObject({ up: false, detail: expect.stringMatching(/another profiler of this process/) });
    });

    it('says that the driver is too old', async () => {
      const source = await sourceOf('answer subscribe 15');
      expect(source).toMatchObject({ up: false, detail: expect.stringMatching(/driver is older/) });
      expect(source.remedy).toMatch(/nvidia-smi/);
    });

    it('says so where kernels are refused, and which code came', async () => {
      expect(await sourceOf('refuse 10 21')).toMatchObject({ up: false, detail: expect.stringMatching(/error 21/) });
    });

    it('does with kernels where copies are refused', async () => {
      const { observed } = await run('plays', { scenario: 'refuse 1 21\n\nkernel count=2;memcpy count=2' });
      expect(counts(observed)).toEqual({ kernel: 2 });
      expect(observed.source).toMatchObject({ up: true, detail: 'kernels traced by cupti.so, copies not' });
    });

    it('says that another tool is named', async () => {
      const environment = { CUDA_INJECTION64_PATH: '/opt/nvidia/libToolsInjection64.so' };
      const { observed } = await run('plays', { scenario: '\n\nkernel', environment });
      expect(observed.activities).toEqual([]);
      expect(observed.source.detail).toMatch(/names another tool, libToolsInjection64\.so/);
    });

    it('is silent where ACCELMETER_CUDA_TRACE is off', async () => {
      const { observed } = await run('plays', {
        scenario: '\n\nkernel',
        environment: { ACCELMETER_CUDA_TRACE: 'off' },
      });
      expect(observed.activities).toEqual([]);
      expect(observed.source).toMatchObject({ up: false, detail: 'kernels not traced: ACCELMETER_CUDA_TRACE is off' });
    });

    it('says so where ACCELMETER_PID was taken away', async () => {
      const { observed } = await run('cleans', { environment: { TAKES_AWAY: 'ACCELMETER_PID' } });
      expect([counts(observed), observed.source.up]).toEqual([{}, false]);
      expect(observed.source.detail).toMatch(/ACCELMETER_PID did not name this process/);
    });

    it('waits, where CUDA is never used', async () => {
      const { observed } = await run('idles');
      expect(observed.source).toMatchObject({ up: true, detail: 'ready, the program has not used CUDA yet' });
    });
  });

  describe('where CUPTI fails', () => {
    const source = async (scenario: string, environment: Record<string, string> = {}) =>
      (await run('plays', { scenario: `\n\n${scenario}`, environment: { PLAYS_FOR: '600', ...environment } })).observed
        .source;

    it('is off after three faults, with the reason', async () => {
      expect(await source('kernel;answer flush 999;sleep 400')).toMatchObject({
        up: false,
        detail: expect.stringMatching(/off after three faults.*CUPTI_ERROR_UNKNOWN/),
      });
      expect(await source('alien;alien;alien;sleep 200')).toMatchObject({
        up: false,
        detail: expect.stringMatching(/a buffer that it was not lent/),
      });
      expect(await source('answer next 999;kernel;sleep 150;kernel;sleep 150;kernel;sleep 150')).toMatchObject({
        up: false,
        detail: expect.stringMatching(/a buffer that cannot be read/),
      });
    });

    it('is off at once where CUPTI ends itself', async () => {
      const told = await source('kernel;fatal;sleep 100');
      expect(told).toMatchObject({ up: false, detail: expect.stringMatching(/a failure of its own/) });
    });

    it('is off where CUPTI has no times any more, and says what helps', async () => {
      const timeless = 'times zero;kernel count=4000;sleep 120;';
      expect(await source(timeless.repeat(4))).toMatchObject({
        up: false,
        detail: expect.stringMatching(/no times of kernels.*ACCELMETER_CUDA_GRAPHS=whole/),
      });
    });

    it('holds neither the event loop nor the end of the process where CUPTI hangs', async () => {
      const scenario = '\n\nkernel count=5;sleep 120;hang 20;kernel count=5';
      const environment = { PLAYS_FOR: '1000', SETTLE: '0.2' };
      const { observed, milliseconds, code } = await run('plays', { scenario, environment });
      expect(code).toBe(0);
      expect(counts(observed)).toEqual({ kernel: 5 });
      expect(observed.longestDrain).toBeLessThan(50);
      expect(milliseconds).toBeLessThan(1000 + 3000);
    });
  });

  /** The stub takes itself down at exit, lives on for 300 ms, and tells of each call that comes then. */
  describe('where the process ends', () => {
    const living = { STUB_CUPTI_END_MS: '300' };

    it('does not call CUPTI any more, where it was attached to', async () => {
      const environment = { EAGER: '1', ...living };
      const { observed, stderr } = await run('attached', { traced: false, environment });
      expect([stderr, counts(observed)]).toEqual(['', { seen: 5 }]);
    });

    it('does not call it any more, where it ends while the tracer is being attached', async () => {
      const environment = { EAGER: '1', SETTLE: '0', ...living };
      const { code, stderr } = await run('attached', { traced: false, scenario: 'slow 400\n\n', environment });
      expect([code, stderr]).toEqual([0, '']);
    });

    it.each([
      ['a kernel', 'kernel count=5', { kernel: 5 }],
      ['no kernel', '', {}],
    ])('does not call it after a handler that CUDA registers after us, having run %s', async (_, ran, told) => {
      const environment = { STUB_CUDA_ENDS_CUPTI: '1', ...living };
      const { observed, stderr } = await run('plays', { scenario: `\n\n${ran}`, environment });
      expect([stderr, counts(observed)]).toEqual(['', told]);
    });
  });

  describe.skipIf(lacks('nvidia-libraries'))('with NVIDIA’s own driver library, on a machine without a GPU', () => {
    const real = () => ({
      CUDA_UNDER_TEST: join(requirePart('nvidia-libraries').path, 'libcuda.so.1'),
      ACCELMETER_CUDA_LIBRARY: '',
      AS_NOBODY: '1',
    });

    it('is traced: the library loads our tracer before it looks for a GPU', async () => {
      const scenario = '\n\nkernel name=_Z9vectorAddPKfS0_Pfi count=1000;memcpy count=10';
      const { observed, result } = await run('plays', { scenario, environment: real() });
      expect(result).toEqual({ code: 100 }); // CUDA_ERROR_NO_DEVICE
      expect(counts(observed)).toEqual({ vectorAdd: 1000, host_to_device: 10 });
      expect(observed.devices).toEqual(['host:cuda:0']);
    });

    it('is as it was, in a child that inherits the environment', async () => {
      const { result } = await run('starts', { scenario: '\n\nkernel', environment: real() });
      expect(result).toEqual({ child: { code: 100 }, stderr: '' });
    });

    it.skipIf(lacks('cupti')).each([
      ['11.8', 'bookworm', 'libcupti.so.11.8'],
      ['12.4', 'trixie', 'libcupti.so.12'],
    ])('says what CUPTI of CUDA %s itself says', async (_, suite, name) => {
      const [machine = ''] = readdirSync(join(requirePart('cupti').path, suite, 'usr/lib'));
      const cupti = join(requirePart('cupti').path, suite, 'usr/lib', machine, name);
      const environment = { ...real(), ACCELMETER_CUPTI_LIBRARY: cupti };
      const { observed, code } = await run('plays', { environment });
      expect(code).toBe(0);
      expect(observed.source).toMatchObject({
        up: false,
        detail: expect.stringMatching(/CUPTI \(libcupti\.so.*\) refuses, there is no GPU/),
      });
    });
  });
});

function kernels({ activities }: ObservedCuda) {
  return activities.filter((each) => each.kind === 'kernel');
}

/** How many of each kernel and each direction. */
function counts({ activities }: ObservedCuda): Record<string, number> {
  const counted: Record<string, number> = {};
  for (const each of activities) {
    const name = each.kind === 'kernel' ? each.name : each.kind === 'transfer' ? each.direction : undefined;
    if (name !== undefined) counted[name] = (counted[name] ?? 0) + 1;
  }
  return counted;
}
