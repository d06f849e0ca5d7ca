// Profiling Data Not Available: why, and what mends it.
//
//   node examples/guide/not-available.ts
import { createProfiler, createUnavailableSnapshot } from 'accelmeter';

// A machine without OpenCL: its loader is named where there is none.
const profiler = await createProfiler({ backends: ['cpu', 'opencl'], openclLibrary: '/nowhere/libOpenCL.so.1' });

for (const device of profiler.devices) {
  const snapshot = await device.getProfilingSnapshot();
  if (snapshot.isAvailable) console.log(`Profiling available: ${snapshot.deviceName}`);
}

for (const { backend, error, remedy } of profiler.absent) {
  const snapshot = createUnavailableSnapshot(`${backend}:0`, backend, backend, error.message);
  if (!snapshot.isAvailable) {
    console.log(`Profiling unavailable: ${snapshot.statusMessage}`);
    console.log(`What mends it: ${remedy ?? 'not known'}`);
  }
}
await profiler.close();
