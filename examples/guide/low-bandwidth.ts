// Memory Bandwidth Below Expected: what copies reach, against what the link should give.
//
//   node examples/guide/low-bandwidth.ts [expected GB/s, by default that of PCIe 3.0 ×16]
import { createProfiler } from 'accelmeter';
import { fixed } from './figures.ts';
import { computeWithOpencl, deviceOf } from './work.ts';

const expectedGBps = Number(process.argv[2] ?? 12);
const profiler = await createProfiler({ backends: ['opencl'] });
const device = deviceOf(profiler, 'opencl');

if (device) {
  await computeWithOpencl(1);

  const { memoryStats } = await device.getProfilingSnapshot();
  if (memoryStats?.bandwidthMBps !== undefined) {
    const bandwidthGBps = memoryStats.bandwidthMBps / 1024;

    if (bandwidthGBps < expectedGBps * 0.5) {
      console.log(`Low bandwidth: ${fixed(bandwidthGBps, 2)} GB/s`);
      console.log('Check:');
      console.log('- PCIe slot configuration (x16 vs x8/x4)');
      console.log('- PCIe generation (3.0 vs 4.0)');
      console.log('- Transfer sizes (too small = overhead)');
      console.log('- Use of pinned memory');
    }
  }
}
await profiler.close();
