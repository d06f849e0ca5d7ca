/**
 * The multiplication in Metal's language, a thread for each element. It is run by the helper that a program of its own can
 * use too, and measured by the command buffer that the helper gives.
 */
import { ProbeError } from '../errors.ts';
import { kernelName, left, right, size, type Workload } from './workload.ts';

const source = `
#include <metal_stdlib>
using namespace metal;

kernel void ${kernelName}(device const float *left [[buffer(0)]], device const float *right [[buffer(1)]],
                          device float *result [[buffer(2)]], uint2 at [[thread_position_in_grid]]) {
  float sum = 0;
  for (uint k = 0; k < ${size}; k++) sum += left[at.y * ${size} + k] * right[k * ${size} + at.x];
  result[at.y * ${size} + at.x] = sum;
}`;

export const metal: Workload = {
  backend: 'metal',
  how: 'Metal, a thread an element',
  open({ metal: gpu }) {
    if (gpu === undefined) throw new ProbeError('broken', 'not a device of Metal');
    const kernel = gpu.compile(source, kernelName);
    const result = new Float32Array(size * size);
    return {
      run: () => kernel.run([left, right, result], { width: size, height: size }),
      product: () => result,
      close: () => kernel.close(),
    };
  },
};
