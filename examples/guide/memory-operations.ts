// Analyzing Memory Operations: what a program holds on a device, and what it copies to it and back.
//
//   node examples/guide/memory-operations.ts
import { createProfiler } from 'accelmeter';
import { fixed, megabytes } from './figures.ts';
import { computeWithOpencl, deviceOf } from './work.ts';

const profiler = await createProfiler({ backends: ['opencl'] });
const device = deviceOf(profiler, 'opencl');

if (device) {
  await computeWithOpencl(1);

  const { memoryStats: stats } = await device.getProfilingSnapshot();
  if (stats) {
    console.log(`Total Allocations: ${stats.totalAllocations}`);
    console.log(`Total Bytes Allocated: ${megabytes(stats.totalBytesAllocated, 2)}`);
    console.log(`Current Memory Usage: ${megabytes(stats.currentMemoryUsageBytes, 2)}`);
    console.log(`Peak Memory Usage: ${megabytes(stats.peakMemoryUsageBytes, 2)}`);

    // Memory transfers
    console.log(`Host-to-Device Transfers: ${stats.hostToDeviceTransfers}`);
    console.log(`H2D Bytes: ${megabytes(stats.hostToDeviceBytes)}`);
    console.log(`Device-to-Host Transfers: ${stats.deviceToHostTransfers}`);
    console.log(`D2H Bytes: ${megabytes(stats.deviceToHostBytes)}`);
    console.log(`Memory Bandwidth: ${fixed(stats.bandwidthMBps, 0)} MB/s`);
  }
}
await profiler.close();
