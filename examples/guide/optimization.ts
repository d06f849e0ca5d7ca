// Optimization Workflow: what slows a device down, what would help, and which way it goes.
//
//   node examples/guide/optimization.ts
import { createProfiler, type Device } from 'accelmeter';
import { deviceOf, multiplyMatrices } from './work.ts';

async function optimize(device: Device): Promise<void> {
  const snapshot = await device.getProfilingSnapshot();

  console.log('Performance Analysis:');
  console.log(`Device: ${snapshot.deviceName} (${snapshot.backendType})`);
  console.log();

  // Display bottlenecks
  if (snapshot.identifiedBottlenecks.length > 0) {
    console.log('Identified Bottlenecks:');
    for (const bottleneck of snapshot.identifiedBottlenecks) console.log(`  (!) ${bottleneck}`);
    console.log();
  }

  // Display recommendations
  if (snapshot.recommendations.length > 0) {
    console.log('Optimization Recommendations:');
    for (const recommendation of snapshot.recommendations) console.log(`  ${recommendation}`);
    console.log();
  }

  // Display trends
  if (snapshot.performanceTrends.length > 0) {
    console.log('Performance Trends:');
    for (const trend of snapshot.performanceTrends) console.log(`  ${trend}`);
  }
}

const profiler = await createProfiler({ backends: ['cpu'], tickSeconds: 0.25 });
const cpu = deviceOf(profiler, 'cpu');

if (cpu) {
  await multiplyMatrices(cpu, 3.5, [48, 144]); // one kernel, two sizes: it varies
  await optimize(cpu);
}
await profiler.close();
