// Basic Profiling: the key figures of a device.
//
//   node examples/guide/basic-profiling.ts
import { createProfiler } from 'accelmeter';
import { fixed } from './figures.ts';
import { deviceOf, multiplyMatrices } from './work.ts';

// The tick is 5 s by default; these examples are shorter than that.
const profiler = await createProfiler({ tickSeconds: 0.25 });
const cpu = deviceOf(profiler, 'cpu');

if (cpu) {
  await multiplyMatrices(cpu, 1.5);

  const snapshot = await cpu.getProfilingSnapshot();
  console.log(`Device: ${snapshot.deviceName}`);
  console.log(`Backend: ${snapshot.backendType}`);
  console.log(`Utilization: ${fixed(snapshot.deviceUtilizationPercent, 1)}%`);
  console.log(`Total Operations: ${snapshot.totalOperations}`);
  console.log(`Average Latency: ${fixed(snapshot.averageLatencyMs, 2)}ms`);
  console.log(`Throughput: ${fixed(snapshot.throughputOpsPerSecond, 0)} ops/sec`);
}
await profiler.close();
