/**
 * Runs of kernels of our own. The event loop does not wait for the GPU: it looks whether it has ended. (Metal itself waits
 * where a queue has 64 command buffers that have not ended, which lanes.ts keeps far from.)
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ActivitySink } from '../../activity.ts';
import { ProbeError } from '../../errors.ts';
import type { CounterSampling, Grid, TimedPasses } from '../../metal-device.ts';
import type { Mac } from './driver.ts';
import { errorType } from './error-codes.ts';
import { type CheckedGrid, checkedBuffers, checkedGrid } from './kernel-arguments.ts';
import type { Lane, Lanes } from './lanes.ts';
import { encoderOf, newPassSamples } from './passes.ts';

/** What a kernel runs on. */
export interface Bench {
  readonly mac: Mac;
  readonly device: bigint;
  readonly sampling: CounterSampling | undefined;
  readonly sink: ActivitySink;
  /** False once the device has left or measuring is over. */
  isOpen(): boolean;
  observe(commandBuffer: bigint, name: string, passes: TimedPasses | undefined): void;
  /** Reads at once what was observed and has ended: nothing of it is held after that. In a pool. */
  collect(commandBuffer: bigint): void;
}

const longestSeconds = 30;
const endedStatus = 4;
const failedStatus = 5;
const sharedStorage = 0; // MTLResourceStorageModeShared: in memory that both can reach, on every Mac

export function assertOpen({ isOpen }: Bench): void {
  if (!isOpen()) throw new ProbeError('lost', 'the device has left, or measuring is over');
}

export function given(object: bigint | null, what: string): bigint {
  if (object === null) throw new ProbeError('broken', `Metal gave no ${what}`);
  return object;
}

/** A kernel that has been compiled. */
export interface Prepared {
  readonly name: string;
  readonly pipeline: bigint;
  readonly queue: bigint;
  readonly lanes: Lanes;
  /** False once the program has closed it. */
  isOpen(): boolean;
}

/** What it is run on, as the program gave it and as it was then. */
interface Work {
  readonly buffers: readonly NodeJS.TypedArray[];
  readonly grid: CheckedGrid;
}

/** As `MetalKernel.run`. It begins at once where a lane is free. */
export async function run(
  bench: Bench,
  kernel: Prepared,
  buffers: readonly NodeJS.TypedArray[],
  grid: Grid,
): Promise<void> {
  const work = { buffers: checkedBuffers(buffers), grid: checkedGrid(grid) };
  const free = kernel.lanes.take();
  const lane = free instanceof Promise ? await free : free;
  try {
    assertOpen(bench);
    if (!kernel.isOpen()) throw new ProbeError('broken', `${kernel.name} has been closed`);
    await runIn(lane, bench, kernel, work);
  } finally {
    bench.mac.pooled(() => kernel.lanes.give(lane));
  }
}

/** A buffer of the program's, and its copy on the device. */
interface Copied {
  readonly bytes: NodeJS.TypedArray;
  readonly byteLength: number;
  readonly memory: bigint;
}

async function runIn(lane: Lane, bench: Bench, kernel: Prepared, { buffers, grid }: Work): Promise<void> {
  const { mac, device } = bench;
  const { send } = mac;
  const held: bigint[] = [];
  const hold = (object: bigint) => {
    held.push(object);
    return object;
  };
  try {
    const { commands, copies } = mac.pooled(() => {
      const copied = buffers.map((bytes): Copied => {
        const { byteLength } = bytes;
        const memory = hold(given(send.newBuffer(device, bytes, byteLength, sharedStorage), 'memory'));
        return { bytes, byteLength, memory };
      });
      return { copies: copied, commands: hold(commit(lane, bench, kernel, { copies: copied, grid })) };
    });
    const status = await ended(mac, commands);
    lane.isBusy = false;
    mac.pooled(() => {
      bench.collect(commands);
      if (status === failedStatus) throw failureOf(mac, commands);
      for (const { bytes, byteLength, memory } of copies) {
        // The program may have changed its array's length meanwhile.
        mac.copy(bytes, given(send.contents(memory), 'memory'), Math.min(byteLength, bytes.byteLength));
      }
    });
  } finally {
    mac.pooled(() => {
      for (const object of held) send.release(object);
    });
  }
}

/** Gives the command buffer with a reference of the caller's. In a pool. */
function commit(
  lane: Lane,
  bench: Bench,
  { name, pipeline, queue }: Prepared,
  { copies, grid }: { copies: readonly Copied[]; grid: CheckedGrid },
): bigint {
  const { mac, device, sampling } = bench;
  const { send } = mac;
  const group = groupOf(mac, pipeline, grid);
  const commands = given(send.commandBuffer(queue), 'command buffer');
  if (sampling !== undefined) lane.samples ??= newPassSamples(mac, device);
  const { samples } = lane;
  const encoder = given(encoderOf(mac, commands, samples, sampling), 'encoder');
  const between = sampling === 'dispatch' ? samples : undefined;
  try {
    send.setPipeline(encoder, pipeline);
    copies.forEach(({ memory }, i) => {
      send.setBuffer(encoder, memory, 0, i);
    });
    if (between !== undefined) send.sampleCounters(encoder, between, 0, 1);
    send.dispatchThreads(encoder, grid, group);
    if (between !== undefined) send.sampleCounters(encoder, between, 1, 1);
  } finally {
    send.endEncoding(encoder); // one that is given up before that ends the process
  }
  send.commit(commands);
  lane.isBusy = true;
  bench.observe(commands, name, samples === undefined ? undefined : { samples, names: [name] });
  return mac.retained(commands);
}

/** As wide as the GPU's threads go together, and as high as its groups may be. */
function groupOf({ send }: Mac, pipeline: bigint, { width, height }: CheckedGrid) {
  const most = Number(send.mostThreadsOfPipeline(pipeline));
  const together = Math.max(1, Math.min(width, Number(send.threadExecutionWidth(pipeline))));
  return { width: together, height: Math.max(1, Math.min(height, Math.floor(most / together))), depth: 1 };
}

/** Looked at from the event loop: the GPU may take long, and nothing waits for it meanwhile. Gives the last status. */
async function ended(mac: Mac, commands: bigint): Promise<number> {
  const deadline = performance.now() + longestSeconds * 1000;
  for (;;) {
    const status = Number(mac.pooled(() => mac.send.status(commands)));
    if (status === endedStatus || status === failedStatus) return status;
    if (performance.now() > deadline) throw new ProbeError('stuck', `the GPU did not end within ${longestSeconds} s`);
    await sleep(1);
  }
}

function failureOf(mac: Mac, commands: bigint): ProbeError {
  const error = mac.send.error(commands);
  const described = error === null ? undefined : mac.describeError(error);
  const type = errorType(described);
  const words = described?.description ?? 'without a reason';
  return new ProbeError(type === 'device_removed' ? 'lost' : 'broken', `the GPU failed (${type}): ${words}`);
}
