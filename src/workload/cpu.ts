/** The multiplication in plain JavaScript on the main thread. The kernel is timed as a program times its own. */
import { kernelName, left, right, size, type Workload } from './workload.ts';

/** So many runs, and the compiler has made its best of the loop: what comes before is not measured. */
const warmUpRuns = 3;

export const cpu: Workload = {
  backend: 'cpu',
  how: 'JavaScript, one thread',
  open(device) {
    const result = new Float32Array(size * size);
    for (let i = 0; i < warmUpRuns; i++) multiply(result);
    return {
      run: () => device.timeKernel(kernelName, () => multiply(result)),
      product: () => result,
      close() {},
    };
  },
};

/** Along the rows of all three, so that memory is read in its order. */
function multiply(result: Float32Array): void {
  result.fill(0);
  for (let row = 0; row < size; row++) {
    for (let k = 0; k < size; k++) {
      const factor = left[row * size + k] as number;
      for (let column = 0; column < size; column++) {
        const i = row * size + column;
        result[i] = (result[i] as number) + factor * (right[k * size + column] as number);
      }
    }
  }
}
