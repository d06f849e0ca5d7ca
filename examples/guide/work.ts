// Work for the examples of this folder to measure: matrices multiplied on the CPU, keys derived in the thread pool, and
// examples/opencl.mjs, a program that computes on an OpenCL device and knows nothing of accelmeter.
import { pbkdf2 } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Device, Profiler } from 'accelmeter';

/** The first device of a backend; where there is none, says why and gives `undefined`. */
export function deviceOf({ devices, absent }: Profiler, backend: string): Device | undefined {
  const device = devices.find((each) => each.backend === backend);
  const reason = absent.find((each) => each.backend === backend)?.error.message;
  if (!device) console.log(`Skipped, no ${backend} device: ${reason ?? 'this version has no backend for it'}`);
  return device;
}

/** Multiplies matrices for so many seconds. Each product is an execution of the kernel `matmul`; sizes take turns. */
export async function multiplyMatrices(cpu: Device, seconds: number, sizes: readonly number[] = [96]): Promise<void> {
  const until = performance.now() + seconds * 1000;
  for (let i = 0; performance.now() < until; i++) {
    const size = sizes[i % sizes.length] as number;
    cpu.timeKernel('matmul', () => product(size));
    await nextTurn(); // a program that never yields can't be measured while it runs
  }
}

function product(size: number): Float64Array {
  const a = new Float64Array(size * size).fill(1.5);
  const c = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    for (let k = 0; k < size; k++) {
      const factor = a[row * size + k] as number;
      for (let column = 0; column < size; column++) {
        c[row * size + column] = (c[row * size + column] as number) + factor * (a[k * size + column] as number);
      }
    }
  }
  return c;
}

/**
 * Runs examples/opencl.mjs in this process for so many seconds, once. Its first OpenCL call loads the driver: a profiler
 * must have been made before, since the driver's loader looks for what traces it then and never again.
 */
export async function computeWithOpencl(seconds: number): Promise<void> {
  process.argv[2] = String(seconds);
  await import(new URL('../opencl.mjs', import.meta.url).href);
}

/** Derives keys for so many seconds, four times as many at once as the thread pool has workers by default. */
export async function fillThreadPool(seconds: number): Promise<void> {
  const until = performance.now() + seconds * 1000;
  const derive = promisify(pbkdf2);
  const client = async () => {
    while (performance.now() < until) await derive('a password', 'salt', 20_000, 32, 'sha512');
  };
  await Promise.all(Array.from({ length: 16 }, client));
}
