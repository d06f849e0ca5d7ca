/** A machine with one GPU that does what a test says. */
import { onTestFinished } from 'vitest';
import type { ActivitySink } from '../../src/activity.ts';
import type { Backend } from '../../src/backend.ts';
import type { ProcessPoint } from '../../src/catalogue.ts';
import { Distribution } from '../../src/distribution/distribution.ts';
import { resolveOptions } from '../../src/options.ts';
import { openProfiler, type Profiler, type ProfilerState } from '../../src/profiler.ts';

export interface Machine {
  readonly profiler: Profiler;
  readonly state: ProfilerState;
  /** Where what the GPU did is delivered. */
  readonly sink: ActivitySink;
  /** Most of what the GPU does fails, until that is found. */
  fail(): Promise<void>;
  /** The GPU goes away. */
  leave(): void;
  /** A GPU comes under the same id; what it does then is delivered to what this gives. */
  join(): ActivitySink;
}

/** Closed when the test ends. `collects`: whether it tells of garbage collections, three minor ones and no major. */
export async function machine({ collects = false } = {}): Promise<Machine> {
  let join: Machine['join'] | undefined;
  let leave = () => {};
  let sink: ActivitySink | undefined;
  const minor = new Distribution();
  for (const seconds of [0.0004, 0.0011, 0.0007]) minor.record(seconds);
  const collections: readonly ProcessPoint[] = [
    { name: 'v8js.gc.duration', attributes: { 'v8js.gc.type': 'minor' }, distribution: minor, since: 0 },
    { name: 'v8js.gc.duration', attributes: { 'v8js.gc.type': 'major' }, distribution: new Distribution(), since: 0 },
  ];
  const backend: Backend = {
    name: 'opencl',
    open(host) {
      join = () =>
        host.addDevice({ id: 'GPU-1', backend: 'opencl', type: 'gpu', name: 'A GPU', vendor: 'Acme', index: 0 });
      leave = () => host.removeDevice('GPU-1');
      sink = join();
      return {
        sources: () => [{ name: 'opencl', up: true, detail: 'one GPU', dropped: 0 }],
        sample: () => ({
          devices: [{ device: 'GPU-1', readings: [{ name: 'hw.gpu.memory.limit', value: 8 * 2 ** 30 }] }],
          process: [
            { name: 'process.cpu.time', value: 12.5, attributes: { 'cpu.mode': 'user' } },
            { name: 'process.thread.count', value: 11 },
            ...(collects ? collections : []),
          ],
        }),
        close() {},
      };
    },
  };
  const { profiler, state } = await openProfiler(
    resolveOptions({ objectives: { kernels: { matmul: { p95: '1ms', p99: '0.5s' } } } }, {}, () => {}),
    { backends: [backend] },
  );
  onTestFinished(() => profiler.close());
  const fail = async () => {
    while (profiler.findings.length === 0) {
      const kernel = { kind: 'kernel', name: 'faulty', start: 1, duration: 0.001, wait: undefined } as const;
      for (let i = 0; i < 30; i++) sink?.deliver({ ...kernel, failed: 'out_of_memory' });
      await new Promise((resolve) => setTimeout(resolve, 60)); // what is shorter is no interval
      state.analysis.tick([]);
    }
  };
  return { profiler, state, sink: sink as ActivitySink, fail, leave: () => leave(), join: join as Machine['join'] };
}

/** Durations on, between and far off the boundaries of the histograms. */
export const durations = [2 ** -10, 0.0012, 0.0009, 0.5, 2 ** -20, 3e-7, 40];

export const run = (sink: ActivitySink, name = 'matmul') => {
  for (const duration of durations) {
    sink.deliver({ kind: 'kernel', name, start: 1, duration, wait: 0.0001, failed: undefined });
  }
};

/** Some of everything that a device can do. */
export function runEverything(sink: ActivitySink): void {
  run(sink);
  run(sink, 'softmax');
  sink.deliver({ kind: 'kernel', name: 'matmul', start: 1, duration: 9, wait: undefined, failed: 'out_of_memory' });
  sink.deliver({
    kind: 'transfer',
    direction: 'host_to_device',
    bytes: 4096,
    start: 1,
    duration: 2e-5,
    failed: undefined,
  });
  sink.deliver({ kind: 'transfer', direction: 'device_to_host', bytes: 64, start: 1, duration: 0, failed: undefined });
  sink.deliver({ kind: 'transfer', direction: 'device_to_host', bytes: 1, start: 1, duration: 1, failed: 'io_error' });
  sink.deliver({ kind: 'compilation', duration: 0.7 });
  sink.deliver({ kind: 'allocation', bytes: 2 ** 20 });
}
