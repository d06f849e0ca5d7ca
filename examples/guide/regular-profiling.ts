// Regular Profiling: once after a change, and periodically in production.
//
//   node examples/guide/regular-profiling.ts [seconds between two looks, by default 60]
import { setInterval } from 'node:timers/promises';
import { createProfiler, type ProfilingSnapshot } from 'accelmeter';
import { fixed } from './figures.ts';
import { deviceOf, multiplyMatrices } from './work.ts';

const everySeconds = Number(process.argv[2] ?? 60);
const profiler = await createProfiler({ backends: ['cpu'], tickSeconds: 0.25 });
const cpu = deviceOf(profiler, 'cpu');

if (cpu) {
  // Development: profile after each major change
  await multiplyMatrices(cpu, 0.5);
  log(await cpu.getProfilingSnapshot());

  // Production: profile periodically. Here until the service has done its work.
  const over = new AbortController();
  const service = multiplyMatrices(cpu, everySeconds * 3.5).then(() => over.abort());
  try {
    for await (const _ of setInterval(everySeconds * 1000, undefined, { signal: over.signal })) {
      log(await cpu.getProfilingSnapshot());
    }
  } catch (error) {
    if (!over.signal.aborted) throw error;
  }
  await service;
}
await profiler.close();

function log({ totalOperations, averageLatencyMs, throughputOpsPerSecond }: ProfilingSnapshot): void {
  const throughput = fixed(throughputOpsPerSecond, 0);
  console.log(`${totalOperations} operations, ${fixed(averageLatencyMs, 2)}ms on average, ${throughput} ops/sec`);
}
