/** Compiles and runs kernels of our own: for examples, comparisons and the self-test. The GPU is never waited for. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ActivitySink } from '../../activity.ts';
import { ProbeError } from '../../errors.ts';
import type { CounterSampling, Grid, MetalKernel, TimedPasses } from '../../metal-device.ts';
import type { Mac } from './driver.ts';
import { errorType } from './error-codes.ts';
import { type CheckedGrid, checkedBuffers, checkedGrid } from './kernel-arguments.ts';
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
}

const longestSeconds = 30;
const endedStatus = 4;
const failedStatus = 5;
const sharedStorage = 0; // MTLResourceStorageModeShared: in memory that both can reach, on every Mac

/** Throws a ProbeError: `broken`, with the compiler's words; `lost`. */
export function compileKernel(bench: Bench, source: string, name: string): MetalKernel {
  const { mac, device, sink } = bench;
  assertOpen(bench);
  const started = performance.now();
  const compiled = (failed?: string) =>
    sink.deliver({ kind: 'compilation', duration: (performance.now() - started) / 1000, failed });
  let pipeline: bigint;
  try {
    pipeline = mac.pooled(() => newPipeline(mac, device, source, name));
  } catch (error) {
    compiled('compilation_failed');
    throw error;
  }
  compiled();
  const held = [pipeline];
  const close = () => {
    mac.pooled(() => {
      for (const object of held.splice(0)) mac.send.release(object);
    });
  };
  try {
    const queue = mac.pooled(() => given(mac.send.newCommandQueue(device), 'a command queue'));
    held.push(queue);
    return {
      close,
      run(buffers, grid) {
        if (held.length === 0) return Promise.reject(new ProbeError('broken', `${name} has been closed`));
        return run(bench, { name, pipeline, queue }, buffers, grid);
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

function assertOpen({ isOpen }: Bench): void {
  if (!isOpen()) throw new ProbeError('lost', 'the device has left, or measuring is over');
}

function given(object: bigint | null, what: string): bigint {
  if (object === null) throw new ProbeError('broken', `Metal gave no ${what}`);
  return object;
}

function newPipeline(mac: Mac, device: bigint, source: string, name: string): bigint {
  const { send } = mac;
  const error = new BigUint64Array(1);
  const orWords = (object: bigint | null, what: string) => {
    if (object !== null) return object;
    throw new ProbeError('broken', mac.errorIn(error)?.description ?? `Metal gave no ${what}`);
  };
  const library = orWords(send.newLibrary(device, mac.string(source), null, error), 'library');
  return mac.releasing(library, () => {
    const kernel = send.newFunction(library, mac.string(name));
    if (kernel === null) throw new ProbeError('broken', `there is no kernel ${name} in this source`);
    return mac.releasing(kernel, () => orWords(send.newPipeline(device, kernel, error), 'pipeline'));
  });
}

interface Prepared {
  readonly name: string;
  readonly pipeline: bigint;
  readonly queue: bigint;
}

/** A buffer of the program's, and its copy on the device. */
interface Copied {
  readonly bytes: NodeJS.TypedArray;
  readonly byteLength: number;
  readonly memory: bigint;
}

async function run(bench: Bench, kernel: Prepared, passed: readonly NodeJS.TypedArray[], grid: Grid): Promise<void> {
  const [buffers, threads] = [checkedBuffers(passed), checkedGrid(grid)];
  assertOpen(bench);
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
      return { copies: copied, commands: hold(commit(bench, kernel, copied, threads)) };
    });
    await ended(mac, commands);
    mac.pooled(() => {
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
  bench: Bench,
  { name, pipeline, queue }: Prepared,
  copies: readonly Copied[],
  grid: CheckedGrid,
): bigint {
  const { mac, device, sampling } = bench;
  const { send } = mac;
  const group = groupOf(mac, pipeline, grid);
  const commands = given(send.commandBuffer(queue), 'command buffer');
  const samples = sampling === undefined ? undefined : newPassSamples(mac, device);
  try {
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
    bench.observe(commands, name, samples === undefined ? undefined : { samples, names: [name] });
    return mac.retained(commands);
  } finally {
    if (samples !== undefined) send.release(samples);
  }
}

/** As wide as the GPU's threads go together, and as high as its groups may be. */
function groupOf({ send }: Mac, pipeline: bigint, { width, height }: CheckedGrid) {
  const most = Number(send.mostThreadsOfPipeline(pipeline));
  const together = Math.max(1, Math.min(width, Number(send.threadExecutionWidth(pipeline))));
  return { width: together, height: Math.max(1, Math.min(height, Math.floor(most / together))), depth: 1 };
}

/** Looked at from the event loop: the GPU may take long, and nothing waits for it meanwhile. */
async function ended(mac: Mac, commands: bigint): Promise<void> {
  const deadline = performance.now() + longestSeconds * 1000;
  for (;;) {
    if (mac.pooled(() => hasEnded(mac, commands))) return;
    if (performance.now() > deadline) throw new ProbeError('stuck', `the GPU did not end within ${longestSeconds} s`);
    await sleep(1);
  }
}

/** Throws a ProbeError where it has failed. In a pool. */
function hasEnded(mac: Mac, commands: bigint): boolean {
  const status = Number(mac.send.status(commands));
  if (status === failedStatus) throw failureOf(mac, commands);
  return status === endedStatus;
}

function failureOf(mac: Mac, commands: bigint): ProbeError {
  const error = mac.send.error(commands);
  const described = error === null ? undefined : mac.describeError(error);
  const type = errorType(described);
  const words = described?.description ?? 'without a reason';
  return new ProbeError(type === 'device_removed' ? 'lost' : 'broken', `the GPU failed (${type}): ${words}`);
}
