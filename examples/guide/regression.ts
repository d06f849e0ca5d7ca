// Regression Detection: a kernel that takes longer than it did.
//
//   node examples/guide/regression.ts
//
// Ten intervals are held against the ten before them, of each kernel by itself. By default noise, warm-up and a changed
// mix of sizes are told from a regression, which takes minutes; `rules: 'guide'` looks at the averages alone.
import { createProfiler, type Finding } from 'accelmeter';
import { deviceOf, multiplyMatrices } from './work.ts';

const profiler = await createProfiler({ backends: ['cpu'], tickSeconds: 0.1, rules: 'guide' });
const cpu = deviceOf(profiler, 'cpu');

profiler.on('finding', (finding: Finding) => {
  if (finding.code !== 'regression' || finding.state !== 'raised') return;
  console.log('(!) Performance regression detected!');
  console.log(`  ${finding.sentence}`);
  console.log(`  Increase: ${((finding.observed - 1) * 100).toFixed(1)}%`);
});

if (cpu) {
  await multiplyMatrices(cpu, 1.5, [64]);
  await multiplyMatrices(cpu, 1.5, [96]); // a release that made it slower
}
await profiler.close();
