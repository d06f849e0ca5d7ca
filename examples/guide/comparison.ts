// Performance Comparison: one workload on every device that there is.
//
//   node examples/guide/comparison.ts
//
// `accelmeter compare` does this in a terminal, with a matrix product that each backend has.
import { compareBackends, createProfiler, type Device } from 'accelmeter';
import { computeWithOpencl, multiplyMatrices } from './work.ts';

const profiler = await createProfiler();

const comparison = await compareBackends(profiler.devices, (device: Device) =>
  device.backend === 'cpu' ? multiplyMatrices(device, 1, [128]) : computeWithOpencl(1),
);
console.log(String(comparison));

for (const { backendType, error } of comparison.failures) console.log(`${backendType} failed: ${error}`);
await profiler.close();
