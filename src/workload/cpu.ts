/** The multiplication in plain JavaScript on the main thread. The kernel is timed as a program times its own. */
import { kernelName, left, right, size, type Workload } from './workload.ts';

/** So many runs, and the compiler has made its best of the loop: what comes before is not measured. */
const warmUpRuns = 3;

export const cpu: Workload = {
  backend: 'cpu',
  how: 'JavaScript, one thread',
  open(device) {
    const result = new Float32Array(size * size);
    const run = () => multiply(left, right, size, result);
    for (let i = 0; i < warmUpRuns; i++) run();
    return {
      run: () => device.timeKernel(kernelName, run),
      product: () => result,
      close() {},
    };
  },
};

/** Along the rows of all three, so that memory is read in its order. */
function multiply(a: Float32Array, b: Float32Array, rows: number, result: Float32Array): void {
  result.fill(0);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < rows; k++) {
      const factor = a[row * rows + k] as number;
      for (let column = 0; column < rows; column++) {
        const i = row * rows + column;
        result[i] = (result[i] as number) + factor * (b[k * rows + column] as number);
      }
    }
  }
}
