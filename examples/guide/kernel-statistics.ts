// Examining Kernel Statistics: of a device as a whole, and of each kernel by its name.
//
//   node examples/guide/kernel-statistics.ts
import { createProfiler, type KernelProfilingStats } from 'accelmeter';
import { fixed } from './figures.ts';
import { deviceOf, multiplyMatrices } from './work.ts';

const profiler = await createProfiler({ backends: ['cpu'] });
const cpu = deviceOf(profiler, 'cpu');

if (cpu) {
  await multiplyMatrices(cpu, 1);

  const { kernelStats } = await cpu.getProfilingSnapshot();
  if (kernelStats) print('All kernels', kernelStats);
  for (const [name, stats] of cpu.getKernelStatistics()) print(name, stats);
}
await profiler.close();

function print(title: string, stats: KernelProfilingStats): void {
  console.log(`${title}:`);
  console.log(`  Kernel Executions: ${stats.totalExecutions}`);
  console.log(`  Average Time: ${fixed(stats.averageExecutionTimeMs, 2)}ms`);
  console.log(`  Min/Max: ${fixed(stats.minExecutionTimeMs, 2)}ms / ${fixed(stats.maxExecutionTimeMs, 2)}ms`);
  console.log(`  Median: ${fixed(stats.medianExecutionTimeMs, 2)}ms`);
  console.log(`  P95/P99: ${fixed(stats.p95ExecutionTimeMs, 2)}ms / ${fixed(stats.p99ExecutionTimeMs, 2)}ms`);
  console.log(`  Std Dev: ${fixed(stats.standardDeviationMs, 2)}ms`);
  console.log(`  Success Rate: ${fixed(stats.successRate * 100, 1)}%`);
}
