/**
 * The tracer on a real GPU: a CUDA program of which everything is known (known-kernels.cu), compiled here with nvcc, under
 * `register`. Counts are exact, durations within 5 % of CUDA's own events; and what tracing costs the program.
 *
 * A plain program on `node:test`, which needs the built package and its production dependencies alone; `run.sh` starts
 * it. Writes cuda-trace.json into the folder RESULTS.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const results: Record<string, unknown> = {};
const toolkit = ['/usr/local/cuda', process.env.CUDA_HOME ?? ''].find((folder) => existsSync(join(folder, 'bin/nvcc')));
const nvcc = toolkit === undefined ? 'nvcc' : join(toolkit, 'bin/nvcc');
let library = '';

interface KernelSeen {
  readonly kernel: string;
  readonly calls: number;
  readonly failures: number;
  /** In seconds. */
  readonly total: number;
}

interface Seen {
  readonly device: string;
  /** Allocations that CUDA refused, by the reason. */
  readonly refused: Readonly<Record<string, number>>;
  readonly kernels: readonly KernelSeen[];
  readonly transfers: readonly { direction: string; count: number; bytes: number; total: number }[];
  readonly memory: Readonly<Record<string, number | undefined>>;
  readonly sources: readonly { name: string; up: boolean; detail: string; dropped?: number }[];
}

interface Known {
  /** Sums by events, in milliseconds. */
  readonly spins: readonly [number, number];
  readonly copies: readonly [number, number, number, number];
  readonly uuid: string;
  readonly seen: Seen;
}

before(() => {
  library = join(mkdtempSync(join(tmpdir(), 'accelmeter-gpu-')), 'known-kernels.so');
  execFileSync(nvcc, [
    ...['-O2', '-shared', '-Xcompiler', '-fPIC', '-arch=native'],
    ...['-o', library, join(import.meta.dirname, 'known-kernels.cu')],
  ]);
});

after(() => {
  const folder = process.env.RESULTS ?? 'gpu-results';
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'cuda-trace.json'), `${JSON.stringify(results, null, 2)}\n`);
});

function run<T>(what: string, { traced = true, environment = {} as Record<string, string> } = {}): T {
  const preload = traced ? ['--import', 'accelmeter/register'] : [];
  const program = join(import.meta.dirname, 'known-kernels.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [...preload, program, library, what], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, OTEL_EXPORTER_PROMETHEUS_PORT: '0', ...environment },
    timeout: 120_000,
  });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as T;
}

describe('a program of which everything is known, under register', () => {
  let known: Known;
  let seen: Seen;
  before(() => {
    known = run<Known>('all');
    seen = known.seen;
    results.known = known;
  });
  const kernel = (pattern: RegExp) => {
    const found = seen.kernels.filter((each) => pattern.test(each.kernel));
    assert.equal(found.length, 1, `one kernel is called ${pattern}: ${seen.kernels.map((each) => each.kernel)}`);
    return found[0] as KernelSeen;
  };
  const near = (seconds: number, milliseconds: number, what: string) => {
    const ratio = (seconds * 1000) / milliseconds;
    assert.ok(Math.abs(ratio - 1) <= 0.05, `${what}: ${seconds * 1000} ms, by CUDA's events ${milliseconds} ms`);
  };

  test('is traced, and nothing is lost', () => {
    const source = seen.sources.find(({ name }) => name === 'cupti');
    assert.equal(source?.up, true, source?.detail);
    assert.equal(source?.dropped, 0);
  });

  test('runs on the device that its UUID says', () => {
    assert.equal(seen.device.replace(/^(GPU|MIG)-/, '').replaceAll('-', ''), known.uuid);
  });

  test('has each kernel counted', () => {
    const counts = [/^spin_1ms$/, /^spin_5ms$/, /^in_graph$/, /^known::scale#/].map((name) => kernel(name).calls);
    assert.deepEqual(counts, [20, 10, 250, 100]);
  });

  test('has its kernels timed as by events, within 5 %', () => {
    near(kernel(/^spin_1ms$/).total, known.spins[0], 'spin_1ms');
    near(kernel(/^spin_5ms$/).total, known.spins[1], 'spin_5ms');
  });

  test('has its copies counted to the byte, and timed as by events, within 5 %', () => {
    const size = 64 * 2 ** 20;
    const of = (direction: string) => seen.transfers.find((each) => each.direction === direction);
    assert.deepEqual([of('host_to_device')?.count, of('host_to_device')?.bytes], [10, 10 * size]);
    near(of('host_to_device')?.total ?? 0, known.copies[0], 'to the device');
    // Besides ten large ones the graph's result of four bytes comes back.
    assert.deepEqual([of('device_to_host')?.count, of('device_to_host')?.bytes], [11, 10 * size + 4]);
    near(of('device_to_host')?.total ?? 0, known.copies[1], 'from the device');
    // Copies on the device and memsets are one direction; and the graph's memory is cleared.
    assert.deepEqual([of('device_to_device')?.count, of('device_to_device')?.bytes], [11, 10 * size + 4096]);
    near(of('device_to_device')?.total ?? 0, known.copies[2] + known.copies[3], 'on the device');
  });

  test('has its memory accounted for, and what it was refused', () => {
    const { totalAllocations = 0, currentMemoryUsageBytes, peakMemoryUsageBytes = 0 } = seen.memory;
    results.memory = seen.memory;
    assert.ok(totalAllocations >= 7, `${totalAllocations} allocations`);
    assert.equal(currentMemoryUsageBytes, 0);
    assert.deepEqual(seen.refused, { out_of_memory: 1 });
    assert.ok(peakMemoryUsageBytes >= 128 * 2 ** 20);
  });
});

describe('the same graphs, wanted whole', () => {
  test('are fifty, and their kernels are in them', () => {
    const { seen } = run<Known>('all', { environment: { ACCELMETER_CUDA_GRAPHS: 'whole' } });
    results.wholeGraphs = seen.kernels;
    assert.equal(seen.kernels.find(({ kernel }) => kernel === 'CUDA graph')?.calls, 50);
    assert.equal(
      seen.kernels.find(({ kernel }) => kernel === 'in_graph'),
      undefined,
    );
  });
});

/** Microseconds a kernel, launching and until all were over: the least of five runs. */
describe('what tracing costs the program', () => {
  /** Fewer than the ring holds: while they are launched the event loop does not turn, and nothing is drained. */
  const count = 50_000;
  const measure = (environment: Record<string, string> | undefined) => {
    const runs = Array.from({ length: 5 }, () =>
      run<{ launching: number; whole: number; seen?: Seen }>(
        String(count),
        environment === undefined ? { traced: false } : { environment },
      ),
    );
    const least = (key: 'launching' | 'whole') => (Math.min(...runs.map((each) => each[key])) / count) * 1e6;
    const kernels = runs.at(-1)?.seen?.kernels.find(({ kernel }) => kernel === 'empty')?.calls;
    return { launching: least('launching'), whole: least('whole'), kernels };
  };

  test('is measured, and no kernel is lost', () => {
    const without = measure(undefined);
    const off = measure({ ACCELMETER_CUDA_TRACE: 'off' });
    const traced = measure({});
    const latency = measure({ ACCELMETER_CUDA_LATENCY: 'on' });
    results.overheadMicrosecondsAKernel = { without, off, traced, latency };
    console.log('µs a kernel:', JSON.stringify(results.overheadMicrosecondsAKernel));
    assert.deepEqual([traced.kernels, latency.kernels], [count + 1, count + 1]);
  });
});

describe('what we know of CUPTI’s records', () => {
  test('is what the headers of this toolkit say', (context) => {
    const folders = ['include', 'extras/CUPTI/include'].map((below) => join(toolkit ?? '/usr', below));
    if (!folders.some((folder) => existsSync(join(folder, 'cupti.h')))) {
      context.skip('this toolkit has no CUPTI headers');
      return;
    }
    const program = join(mkdtempSync(join(tmpdir(), 'accelmeter-gpu-')), 'layout');
    const includes = folders.map((folder) => `-I${folder}`);
    execFileSync(process.env.CC || 'cc', [
      '-std=c11',
      ...includes,
      join(root, 'test/native/cupti-layout.c'),
      '-o',
      program,
    ]);
    results.cuptiApiVersion = execFileSync(program, { encoding: 'utf8' }).trim();
  });
});
