// CUDA Backend: transfers of a GPU.
//
//   node examples/guide/cuda-backend.ts
import { createProfiler } from 'accelmeter';
import { fixed, megabytes } from './figures.ts';
import { deviceOf } from './work.ts';

const profiler = await createProfiler();
const gpu = deviceOf(profiler, 'cuda');
const snapshot = await gpu?.getProfilingSnapshot();

// CUDA-specific memory analysis
if (snapshot?.memoryStats) {
  const { hostToDeviceTransfers = 0, deviceToHostTransfers = 0 } = snapshot.memoryStats;
  const { hostToDeviceBytes = 0, deviceToHostBytes = 0, bandwidthMBps } = snapshot.memoryStats;

  console.log(`Total GPU Transfers: ${hostToDeviceTransfers + deviceToHostTransfers}`);
  console.log(`Total Data Transferred: ${megabytes(hostToDeviceBytes + deviceToHostBytes, 2)}`);
  console.log(`Memory Bandwidth: ${fixed(bandwidthMBps, 0)} MB/s`);
}
await profiler.close();
