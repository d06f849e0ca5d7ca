// OpenCL Backend: the bandwidth of copies.
//
//   node examples/guide/opencl-backend.ts
//
// The profiler comes first: it names accelmeter's layer to the OpenCL loader, which looks for layers at the process's
// first OpenCL call. A program that can't be changed is started with `node --import accelmeter/register` instead.
import { createProfiler } from 'accelmeter';
import { fixed } from './figures.ts';
import { computeWithOpencl, deviceOf } from './work.ts';

const profiler = await createProfiler({ backends: ['opencl'] });
const device = deviceOf(profiler, 'opencl');

if (device) {
  await computeWithOpencl(1);

  // OpenCL bandwidth analysis
  const { memoryStats } = await device.getProfilingSnapshot();
  if (memoryStats?.bandwidthMBps !== undefined) {
    const bandwidthGBps = memoryStats.bandwidthMBps / 1024;
    console.log(`Memory Bandwidth: ${fixed(bandwidthGBps, 2)} GB/s`);

    if (bandwidthGBps < 1) console.log('(!) Low bandwidth detected - check PCIe configuration');
  }
}
await profiler.close();
