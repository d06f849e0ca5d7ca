// Metal Backend: utilization and kernel times of an Apple GPU.
//
//   node examples/guide/metal-backend.ts
import { createProfiler } from 'accelmeter';
import { fixed } from './figures.ts';
import { deviceOf } from './work.ts';

const profiler = await createProfiler();
const gpu = deviceOf(profiler, 'metal');
const snapshot = await gpu?.getProfilingSnapshot();

// Metal-specific analysis
if (snapshot) {
  console.log(`Device: ${snapshot.deviceName}`);
  console.log(`Utilization: ${fixed(snapshot.deviceUtilizationPercent, 1)}%`);

  if (snapshot.kernelStats) {
    console.log('Kernel Performance:');
    console.log(`  Average: ${fixed(snapshot.kernelStats.averageExecutionTimeMs, 2)}ms`);
    console.log(`  P95: ${fixed(snapshot.kernelStats.p95ExecutionTimeMs, 2)}ms`);
  }
}
await profiler.close();
