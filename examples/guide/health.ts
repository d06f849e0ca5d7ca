// Integration with Health Monitoring: health and profiling of a device as one status.
//
//   node examples/guide/health.ts
//
// `device.getDeviceStatus()` gives the same at one call.
import { createProfiler, type Device, type DeviceStatus } from 'accelmeter';
import { deviceOf, multiplyMatrices } from './work.ts';

async function getCompleteDeviceStatus(device: Device): Promise<DeviceStatus> {
  // Get both health and profiling data
  const health = await device.getHealthSnapshot();
  const profiling = await device.getProfilingSnapshot();

  return {
    // Health information
    isAvailable: health.isAvailable,
    healthScore: health.healthScore,
    status: health.status,
    temperature: health.getSensorValue('TemperatureCelsius')?.value,

    // Performance information
    utilization: profiling.deviceUtilizationPercent,
    averageLatency: profiling.averageLatencyMs,
    throughput: profiling.throughputOpsPerSecond,

    // Analysis
    issues: [...health.issues, ...profiling.identifiedBottlenecks],
    recommendations: [...health.recommendations, ...profiling.recommendations],
  };
}

const profiler = await createProfiler({ backends: ['cpu'], tickSeconds: 0.25 });
const cpu = deviceOf(profiler, 'cpu');

if (cpu) {
  await multiplyMatrices(cpu, 2, [48, 144]); // one kernel, two sizes: it varies
  console.log(await getCompleteDeviceStatus(cpu));
  console.log(`At one call: ${(await cpu.getDeviceStatus()).status}`);
}
await profiler.close();
