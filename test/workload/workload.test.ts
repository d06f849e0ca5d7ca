import { describe, expect, it, onTestFinished } from 'vitest';
import type { BackendName } from '../../src/backend.ts';
import { createProfiler } from '../../src/profiler.ts';
import { allWorkloads } from '../../src/workload/all.ts';
import { isProduct, kernelName, left, right, size } from '../../src/workload/workload.ts';
import { scratchFolder } from '../native/compile.ts';
import { lacks } from '../parts.ts';
import { openMetalStub } from '../stubs/metal/open.ts';

/** Along columns, unlike any of the workloads. */
function multiply(a: Float32Array, b: Float32Array, rows: number): Float32Array {
  const result = new Float32Array(rows * rows);
  for (let column = 0; column < rows; column++) {
    for (let k = 0; k < rows; k++) {
      const factor = b[k * rows + column] as number;
      for (let row = 0; row < rows; row++) {
        const i = row * rows + column;
        result[i] = (result[i] as number) + (a[row * rows + k] as number) * factor;
      }
    }
  }
  return result;
}

describe('the product', () => {
  const product = multiply(left, right, size);

  it('is known by each of its elements', () => {
    expect(isProduct(product)).toBe(true);
    for (const at of [0, 1234, size * size - 1]) {
      const wrong = product.slice();
      wrong[at] = (wrong[at] as number) + 1;
      expect(isProduct(wrong)).toBe(false);
    }
  });

  it('is not what comes of swapped, transposed or unfinished matrices', () => {
    const transposed = product.map((_, i) => product[(i % size) * size + Math.floor(i / size)] as number);
    expect(isProduct(transposed)).toBe(false);
    expect(isProduct(new Float32Array(size * size))).toBe(false);
    expect(isProduct(product.subarray(1))).toBe(false);
    expect(isProduct(product.map(() => Number.NaN))).toBe(false);
  });

  it('is exact in single precision, in whatever order it is summed', () => {
    const most = Math.max(...left.map(Math.abs)) * Math.max(...right.map(Math.abs)) * size;
    expect(most).toBeLessThan(2 ** 24);
  });
});

describe.each(allWorkloads)('$backend', ({ backend, open }) => {
  const lacking: Partial<Record<BackendName, boolean>> = { opencl: lacks('pocl'), metal: lacks('cc') };

  it.skipIf(lacking[backend])('multiplies rightly, and is measured once each time', async () => {
    const metalLibrary = backend === 'metal' ? metalStub() : undefined;
    const profiler = await createProfiler({ backends: [backend], metalLibrary });
    onTestFinished(() => profiler.close());
    const [device] = profiler.devices;
    if (device === undefined) throw new Error(`no device of ${backend}`);
    const multiplication = await open(device, { openclLibrary: undefined });
    for (let i = 0; i < 4; i++) await multiplication.run();
    expect(isProduct(await multiplication.product())).toBe(true);
    multiplication.close();
    await expect.poll(async () => (await device.getProfilingSnapshot()).totalOperations, { timeout: 2000 }).toBe(4);
    expect(device.getKernelStatistics().get(kernelName)?.totalExecutions).toBe(4);
  });
});

/** Computes in place of a GPU, so that the test is of our part wherever it runs. */
function metalStub(): string {
  const stub = openMetalStub(scratchFolder());
  stub.load('apple-silicon');
  return stub.path;
}
