// CPU Backend: everything that is measured of the process, what slows it down, and what would help.
//
//   node examples/guide/cpu-backend.ts
import { createProfiler } from 'accelmeter';
import { fixed } from './figures.ts';
import { deviceOf, fillThreadPool } from './work.ts';

const profiler = await createProfiler({ backends: ['cpu'], tickSeconds: 0.25 });
const cpu = deviceOf(profiler, 'cpu');

if (cpu) {
  await fillThreadPool(2);
  const snapshot = await cpu.getProfilingSnapshot();

  // CPU-specific analysis
  for (const metric of snapshot.metrics) {
    console.log(`${metric.name}: ${fixed(metric.value, 3)} ${metric.unit ?? ''}`);
  }

  // Check for CPU-specific bottlenecks
  for (const bottleneck of snapshot.identifiedBottlenecks) {
    console.log(`Bottleneck: ${bottleneck}`);
  }

  // Review recommendations
  for (const recommendation of snapshot.recommendations) {
    console.log(`Recommendation: ${recommendation}`);
  }
}
await profiler.close();
