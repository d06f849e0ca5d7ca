// High Variance in Measurements: one kernel, two sizes of matrices.
//
//   node examples/guide/high-variance.ts
import { createProfiler } from 'accelmeter';
import { fixed } from './figures.ts';
import { deviceOf, multiplyMatrices } from './work.ts';

const profiler = await createProfiler({ backends: ['cpu'] });
const cpu = deviceOf(profiler, 'cpu');

if (cpu) {
  await multiplyMatrices(cpu, 1, [48, 144]);

  const { kernelStats } = await cpu.getProfilingSnapshot();
  // Both of the last 1000 executions: an average of the lifetime would hide what changed.
  if (kernelStats?.standardDeviationMs !== undefined && kernelStats.windowAverageExecutionTimeMs) {
    const cv = (kernelStats.standardDeviationMs / kernelStats.windowAverageExecutionTimeMs) * 100;

    if (cv > 30) {
      console.log(`High variance detected (CV=${fixed(cv, 1)}%)`);
      console.log('Possible causes:');
      console.log('- Background system activity');
      console.log('- Thermal throttling');
      console.log('- Inconsistent workload sizes');
      console.log('- Driver/OS scheduling variability');
    }
  }
}
await profiler.close();
