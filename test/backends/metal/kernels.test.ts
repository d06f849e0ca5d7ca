/** Kernels of our own, against a stub of macOS' libraries that computes what they would. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { metal } from '../../../src/backends/metal/index.ts';
import type { MetalDevice } from '../../../src/metal-device.ts';
import { type RecordingHost, recordingHost } from '../../conformance.ts';
import { scratchFolder } from '../../native/compile.ts';
import { lacks } from '../../parts.ts';
import { nothingHeld, openMetalStub, type Scenario } from '../../stubs/metal/open.ts';
import { openMetalService } from '../../stubs/metal/service.ts';

const name = 'accelmeter_self_test';
const source = `kernel void ${name}(device float *values, uint i [[thread_position_in_grid]]) {
  values[i] = values[i] * 2 + 1;
}`;

describe.skipIf(lacks('cc'))('a kernel on the stub', () => {
  const stub = lacks('cc') ? undefined : openMetalStub(scratchFolder());
  if (!stub) return;
  const { apply, load, path } = stub;
  afterEach(() => expect(stub.held()).toEqual(nothingHeld));

  async function withDevice(scenario: Scenario, look: (device: MetalDevice, host: RecordingHost) => unknown) {
    load(scenario);
    const host = recordingHost({ metalLibrary: path });
    const session = await metal.open(host);
    const device = host.abilities.get('test-host:metal:0')?.metal;
    try {
      if (device) await look(device, host);
    } finally {
      session.close();
      apply('nil none', 'device 4294968317', 'error 0', 'gpu-us 200');
    }
  }
  const activitiesOf = ({ activities }: RecordingHost) => activities.map(({ activity }) => activity);

  it.each(['apple-silicon', 'intel', 'no-statistics'] as const)('computes, and is measured: %s', (scenario) =>
    withDevice(scenario, async (device, host) => {
      const kernel = device.compile(source, name);
      await sleep(50);
      const values = Float32Array.of(1, 2, 3, 4);
      await kernel.run([values], { width: 2, height: 2 });
      expect([...values]).toEqual([3, 5, 7, 9]);
      kernel.close();
      expect(activitiesOf(host)[0]).toMatchObject({ kind: 'compilation', failed: undefined });
    }),
  );

  it('is timed by its pass where the GPU takes timestamps, else by its command buffer', async () => {
    for (const [scenario, seconds] of [
      ['apple-silicon', 100e-6], // the stub's pass takes half of its buffer's 200 µs
      ['no-statistics', 200e-6],
    ] as const) {
      load(scenario);
      const host = recordingHost({ metalLibrary: path });
      const session = await metal.open(host);
      const kernel = host.abilities.get('test-host:metal:0')?.metal?.compile(source, name);
      await sleep(50);
      await kernel?.run([new Float32Array(1)], { width: 1 });
      kernel?.close();
      session.close(); // delivers what has ended
      const kernels = activitiesOf(host).filter(({ kind }) => kind === 'kernel');
      expect(kernels).toMatchObject([{ name, duration: expect.closeTo(seconds, 4), failed: undefined }]);
    }
  });

  /** Runs of one kernel, at once; the durations that were measured. */
  async function durationsOf(runs: number): Promise<number[]> {
    const host = recordingHost({ metalLibrary: path });
    const session = await metal.open(host);
    const kernel = host.abilities.get('test-host:metal:0')?.metal?.compile(source, name);
    await sleep(50);
    const values = Array.from({ length: runs }, () => Float32Array.of(1));
    await Promise.all(values.map((value) => kernel?.run([value], { width: 1 })));
    expect(values.every(([value]) => value === 3)).toBe(true);
    kernel?.close();
    session.close();
    return activitiesOf(host).flatMap((each) => (each.kind === 'kernel' ? [each.duration] : []));
  }

  // More than a queue has room for: the stub ends the process where a further one would wait for ever. And more than
  // there can be buffers of samples: nobody drains meanwhile.
  it('can be run as often as wanted at once: a few are on the device, the others wait, all are timed by their pass', async () => {
    load('apple-silicon');
    const durations = await durationsOf(100);
    expect(durations).toHaveLength(100);
    for (const duration of durations) expect(duration).toBeCloseTo(100e-6, 4);
  });

  it('is timed by its command buffer where the process has no room for more timestamps', async () => {
    load('apple-silicon');
    const service = openMetalService(path);
    for (let i = 0; i < 32; i++) service.timedCommandBuffer(1);
    const durations = await durationsOf(3);
    service.close();
    for (const duration of durations) expect(duration).toBeCloseTo(200e-6, 7);
    expect(durations).toHaveLength(3);
  });

  it('that is closed rejects the runs that wait', () =>
    withDevice('apple-silicon', async (device) => {
      const kernel = device.compile(source, name);
      const running = Array.from({ length: 6 }, () => kernel.run([Float32Array.of(1)], { width: 1 }));
      kernel.close();
      const outcomes = await Promise.allSettled(running);
      expect(outcomes.map(({ status }) => status)).toEqual([
        ...['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'],
      ]);
    }));

  it('that does not compile says why, and counts as a failed compilation', () =>
    withDevice('apple-silicon', (device, host) => {
      expect(() => device.compile('#error', 'k')).toThrow(/error: as it was asked for/);
      expect(() => device.compile(source, 'other')).toThrow(/no kernel other/);
      const failed = { kind: 'compilation', failed: 'compilation_failed' };
      expect(activitiesOf(host)).toMatchObject([failed, failed]);
    }));

  it('rejects where the GPU fails, and gives everything back', () =>
    withDevice('apple-silicon', async (device) => {
      apply('device 4294968317', 'error 3');
      const kernel = device.compile(source, name);
      const running = kernel.run([new Float32Array(1)], { width: 1 });
      await expect(running).rejects.toMatchObject({ kind: 'broken', message: /page_fault/ });
      kernel.close();
      kernel.close();
      await expect(kernel.run([], { width: 1 })).rejects.toThrow(/closed/);
    }));

  const buffer = Float32Array.of(1);
  it.each<[what: string, buffers: unknown, grid: unknown, says: RegExp]>([
    ['no grid', [buffer], undefined, /a grid is an object/],
    ['null for a grid', [buffer], null, /a grid is an object/],
    ['a grid without a width', [buffer], {}, /the width of a grid/],
    ['null for a height', [buffer], { width: 4, height: null }, /the height of a grid/],
    ['a height of 0', [buffer], { width: 1, height: 0 }, /the height of a grid/],
    ['a depth below 0', [buffer], { width: 1, depth: -1 }, /the depth of a grid/],
    ['half a thread', [buffer], { width: 0.5 }, /the width of a grid/],
    ['more threads than 32 bits count', [buffer], { width: 2 ** 32 }, /the width of a grid/],
    ['no buffers', undefined, { width: 1 }, /an array of typed arrays/],
    ['a buffer that is none', [[1]], { width: 1 }, /an array of typed arrays/],
    ['an empty buffer', [new Float32Array(0)], { width: 1 }, /no buffer of no bytes/],
    ['32 buffers', Array.from({ length: 32 }, () => buffer), { width: 1 }, /at most 31 buffers/],
  ])('rejects %s before Metal is told of it', (_, buffers, grid, says) =>
    withDevice('apple-silicon', async (device) => {
      const kernel = device.compile(source, name);
      const running = kernel.run(buffers as Float32Array[], grid as { width: number });
      await expect(running).rejects.toThrow(TypeError);
      await expect(running).rejects.toThrow(says);
      kernel.close();
    }),
  );

  it('takes as many buffers as Metal has room for, and what is not said of a grid is 1', () =>
    withDevice('apple-silicon', async (device) => {
      const kernel = device.compile(source, name);
      const buffers = Array.from({ length: 31 }, () => Float32Array.of(1));
      await kernel.run(buffers, { width: 1, height: undefined as never });
      expect(buffers.map(([value]) => value)).toEqual([3, ...Array.from({ length: 30 }, () => 1)]);
      kernel.close();
    }));

  it('copies back no more than it was given, whatever length the array has by then', () =>
    withDevice('apple-silicon', async (device) => {
      const kernel = device.compile(source, name);
      const memory = new ArrayBuffer(4, { maxByteLength: 4096 });
      const values = new Uint8Array(memory); // as long as its memory is
      const running = kernel.run([values], { width: 1 });
      memory.resize(4096);
      values.fill(7, 4);
      await running;
      expect(values.subarray(4).every((value) => value === 7)).toBe(true);
      kernel.close();
    }));

  // Each message of the way that may give nothing, one after the other.
  it.each([
    ...['newCommandQueue', 'newLibraryWithSource:options:error:', 'newFunctionWithName:', 'stringWithUTF8String:'],
    ...['newComputePipelineStateWithFunction:error:', 'newBufferWithBytes:length:options:', 'commandBuffer'],
    ...['computeCommandEncoderWithDescriptor:', 'contents'],
  ])('is an error where %s gives nil, and holds nothing', (selector) =>
    withDevice('apple-silicon', async (device) => {
      apply(`nil ${selector}`);
      const attempt = async () => {
        const kernel = device.compile(source, name);
        await kernel.run([new Float32Array(1)], { width: 1 }).finally(() => kernel.close());
      };
      await expect(attempt()).rejects.toMatchObject({ name: 'ProbeError', kind: 'broken' });
    }),
  );

  // And those that only its timestamps need.
  it.each(['counterSets', 'newCounterSampleBufferWithDescriptor:error:', 'computePassDescriptor'])(
    'runs where %s gives nil',
    (selector) =>
      withDevice('apple-silicon', async (device) => {
        apply(`nil ${selector}`);
        const kernel = device.compile(source, name);
        const values = Float32Array.of(1);
        await kernel.run([values], { width: 1 });
        expect(values[0]).toBe(3);
        kernel.close();
      }),
  );
});
