// Metal Backend: utilization and kernel times of an Apple GPU.
//
//   node examples/guide/metal-backend.ts
//
// accelmeter's helper runs the kernel here. A program that has command buffers of its own gives each of them to
// `gpu.metal.observeCommandBuffer(pointer, name)`, and runs them as before.
import { createProfiler } from 'accelmeter';
import { fixed } from './figures.ts';
import { deviceOf } from './work.ts';

const profiler = await createProfiler({ backends: ['metal'], tickSeconds: 0.2 });
const gpu = deviceOf(profiler, 'metal');

if (gpu?.metal) {
  const { unifiedMemory, families } = gpu.metal.properties;
  const saxpy = gpu.metal.compile(
    `kernel void saxpy(device float *y [[buffer(0)]], device const float *x [[buffer(1)]],
                       uint i [[thread_position_in_grid]]) {
       y[i] = 2.0f * x[i] + y[i];
     }`,
    'saxpy',
  );
  const [x, y] = [new Float32Array(2 ** 20).fill(1), new Float32Array(2 ** 20)];
  for (const until = performance.now() + 3000; performance.now() < until; )
    await saxpy.run([y, x], { width: x.length });
  saxpy.close();

  // Metal-specific analysis
  const snapshot = await gpu.getProfilingSnapshot();
  console.log(`Device: ${snapshot.deviceName}${unifiedMemory ? ', unified memory' : ''}, ${families.at(-1)}`);
  console.log(`Utilization: ${fixed(snapshot.deviceUtilizationPercent, 1)}%`);

  if (snapshot.kernelStats) {
    console.log('Kernel Performance:');
    console.log(`  Average: ${fixed(snapshot.kernelStats.averageExecutionTimeMs, 2)}ms`);
    console.log(`  P95: ${fixed(snapshot.kernelStats.p95ExecutionTimeMs, 2)}ms`);
  }
}
await profiler.close();
