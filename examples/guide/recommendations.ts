// Act on Recommendations: by their codes, which are stable, or by their words.
//
//   node examples/guide/recommendations.ts
import { createProfiler, type Device } from 'accelmeter';
import { deviceOf, multiplyMatrices } from './work.ts';

async function applyRecommendations(device: Device): Promise<void> {
  const { findings, recommendations } = await device.getProfilingSnapshot();
  if (recommendations.some((recommendation) => recommendation.includes('SIMD'))) {
    console.log('Suggested: SIMD vectorization'); // by its words, as in the guide
  }
  const recommended = findings.flatMap(({ recommendations }) => recommendations);

  for (const code of new Set(recommended.map((each) => each.code))) {
    if (code === 'enable_simd') {
      console.log('Applying: SIMD vectorization');
    } else if (code === 'use_pinned_memory') {
      console.log('Applying: pinned memory for transfers');
    } else if (code === 'increase_work_group_size') {
      console.log('Applying: larger work groups');
    } else {
      console.log(`To be done by hand: ${code}`);
    }
  }
}

// A service that is to use nine tenths of its cores, and computes on one.
const profiler = await createProfiler({
  backends: ['cpu'],
  tickSeconds: 0.25,
  rules: 'guide', // its numbers to the letter: by default a rule is silent where others hold the cores
  thresholds: { low_utilization: 0.9 },
});
const cpu = deviceOf(profiler, 'cpu');

if (cpu) {
  await multiplyMatrices(cpu, 4); // busy time is settled a second behind the clock, and two looks have to show it
  await applyRecommendations(cpu);
}
await profiler.close();
