// Establish Baselines: what is fast enough today is what tomorrow is held against.
//
//   node examples/guide/baseline.ts
//
// `accelmeter baseline save|compare FILE` does this from one process to another, and fails a job in CI.
import {
  type Baseline,
  type BaselineComparison,
  compareToBaseline,
  createProfiler,
  type Profiler,
  takeBaseline,
} from 'accelmeter';
import { fixed, signed } from './figures.ts';
import { multiplyMatrices } from './work.ts';

class PerformanceBaseline {
  #baseline: Baseline | undefined;

  async establish(profiler: Profiler): Promise<void> {
    this.#baseline = await takeBaseline(profiler);
    const [device] = this.#baseline.devices;
    console.log(`Baseline established: ${fixed(device?.kernelStats.averageExecutionTimeMs, 2)}ms avg latency`);
  }

  async compare(profiler: Profiler): Promise<BaselineComparison> {
    if (!this.#baseline) throw new Error('Baseline not established');
    const comparison = await compareToBaseline(this.#baseline, profiler);
    for (const { improvementPercent } of comparison.devices) {
      console.log(`Performance vs baseline: ${signed(improvementPercent)}%`);
    }
    return comparison;
  }
}

const baseline = new PerformanceBaseline();
for (const size of [128, 96]) {
  const profiler = await createProfiler({ backends: ['cpu'] });
  for (const cpu of profiler.devices) await multiplyMatrices(cpu, 0.7, [size]);
  if (size === 128) await baseline.establish(profiler);
  else console.log(String(await baseline.compare(profiler)));
  await profiler.close();
}
