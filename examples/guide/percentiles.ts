// Monitor Percentiles: requirements on P95 and P99, checked by hand, and watched by accelmeter as objectives.
//
//   node examples/guide/percentiles.ts
import { createProfiler, type KernelProfilingStats } from 'accelmeter';
import { fixed } from './figures.ts';
import { deviceOf, multiplyMatrices } from './work.ts';

const requiredP95Ms = 0.1;
const requiredP99Ms = 0.2;

function checkLatencyRequirements({ p95ExecutionTimeMs = 0, p99ExecutionTimeMs = 0 }: KernelProfilingStats): void {
  if (p95ExecutionTimeMs > requiredP95Ms) {
    console.log(`(!) P95 latency (${fixed(p95ExecutionTimeMs, 2)}ms) exceeds requirement (${requiredP95Ms}ms)`);
  }

  if (p99ExecutionTimeMs > requiredP99Ms) {
    console.log(`(!) P99 latency (${fixed(p99ExecutionTimeMs, 2)}ms) exceeds requirement (${requiredP99Ms}ms)`);
  }
}

// The same requirements as objectives: what takes longer is counted exactly, for alerts that need no percentile.
// In Prometheus that is accelmeter_kernel_objective_exceeded_total.
const objectives = { kernels: { matmul: { p95: `${requiredP95Ms}ms`, p99: `${requiredP99Ms}ms` } } };
const profiler = await createProfiler({ backends: ['cpu'], objectives });
const cpu = deviceOf(profiler, 'cpu');

if (cpu) {
  await multiplyMatrices(cpu, 1);
  for (const stats of cpu.getKernelStatistics().values()) checkLatencyRequirements(stats);

  for (const { quantile, objective, exceeded } of cpu.kernel('matmul').objectives) {
    console.log(`Objective ${quantile}: ${exceeded} executions took longer than ${objective * 1000}ms`);
  }
}
await profiler.close();
