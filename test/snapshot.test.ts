import { describe, expect, it } from 'vitest';
import type { DeviceIdentity } from '../src/backend.ts';
import { DeviceProfile } from '../src/profile/device-profile.ts';
import { ProfilingMetric } from '../src/profiling-metrics.ts';
import { takeKernelStatistics } from '../src/profiling-statistics.ts';
import { createUnavailableSnapshot, takeSnapshot } from '../src/snapshot.ts';

const gpu: DeviceIdentity = { id: 'GPU-1', backend: 'opencl', type: 'gpu', name: 'A GPU', index: 0 };

function device() {
  const clock = { seconds: 100 };
  const profile = new DeviceProfile(gpu, { now: () => clock.seconds });
  const tick = (now: number) => {
    clock.seconds = now;
    profile.closeInterval(now);
  };
  return { profile, tick };
}

/** Every object reachable from a value, itself included. */
function reachable(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) return [];
  return [value, ...Object.values(value).flatMap(reachable)];
}

/** A device of which everything is known that can be known. */
function busyDevice() {
  const { profile, tick } = device();
  tick(105);
  for (let k = 0; k < 80; k++) {
    const kernel = profile.kernel(`kernel_${k}_${'x'.repeat(60)}`);
    for (let i = 0; i < 1000; i++) kernel.record(1e-6 * 1.7 ** (i % 20));
    kernel.recordFailure('out_of_resources');
  }
  for (const direction of ['host_to_device', 'device_to_host', 'device_to_device', 'peer_to_peer'] as const) {
    profile.transfer(direction).recordAt(106, 1e6 / 3, 1e-3 / 7);
  }
  profile.memory.allocated(2 ** 30);
  profile.queueWait.record(1e-5 / 3);
  profile.compilation.record(1 / 3);
  for (let i = 0; i < 32; i++) {
    profile.report(ProfilingMetric.create('Custom', i / 3, `a value of the program, no. ${i}`, '{token}', 0, i / 7));
  }
  profile.setReadings([{ name: 'hw.gpu.memory.limit', value: 2 ** 34 }]);
  tick(110);
  return profile;
}

describe('a snapshot', () => {
  it('tells lifetime averages and bounds, and percentiles of the last 1000', () => {
    const { profile, tick } = device();
    const kernel = profile.kernel('k');
    for (let i = 0; i < 1000; i++) kernel.record(0.5);
    for (let i = 1; i <= 1000; i++) kernel.record(i / 1024);
    kernel.recordFailure('lost');
    tick(105);
    const snapshot = takeSnapshot(profile, 105);
    const mean = 500.5 / 1024;
    expect(snapshot.kernelStats?.totalExecutions).toBe(2001);
    expect(snapshot.kernelStats?.averageExecutionTimeMs).toBeCloseTo(((0.5 + mean) / 2) * 1000, 9);
    expect(snapshot.kernelStats?.windowAverageExecutionTimeMs).toBeCloseTo(mean * 1000, 9);
    expect(snapshot.kernelStats?.minExecutionTimeMs).toBe(1000 / 1024);
    expect(snapshot.kernelStats?.medianExecutionTimeMs).toBeCloseTo(mean * 1000, 9);
    expect(snapshot.kernelStats?.p95ExecutionTimeMs).toBeCloseTo((950.05 / 1024) * 1000, 9);
    expect(snapshot.kernelStats?.standardDeviationMs).toBeCloseTo((Math.sqrt((1000 * 1001) / 12) / 1024) * 1000, 6);
    expect(snapshot.kernelStats?.failedExecutions).toBe(1);
    expect(snapshot.kernelStats?.successRate).toBe(2000 / 2001);
    expect(snapshot.averageLatencyMs).toBe(snapshot.kernelStats?.averageExecutionTimeMs);
    expect(snapshot.totalOperations).toBe(2001);
    expect(snapshot.throughputOpsPerSecond).toBe(2001 / 5);
    expect(snapshot.deviceUtilizationPercent).toBe(100);
  });

  it('of a device on which nothing ran has no statistic but the success rate', () => {
    const { profile } = device();
    const snapshot = takeSnapshot(profile, 100);
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual({
      deviceId: 'GPU-1',
      deviceName: 'A GPU',
      backendType: 'opencl',
      timestamp: new Date(performance.timeOrigin + 100_000).toISOString(),
      isAvailable: true,
      metrics: [],
      kernelStats: { totalExecutions: 0, totalExecutionTimeMs: 0, failedExecutions: 0, successRate: 1 },
      totalOperations: 0,
      statusMessage: 'Measuring; no kernel has run yet.',
    });
  });

  it('tells memory and copies, in MB of 2^20 bytes a second over the time in which copies ran', () => {
    const { profile, tick } = device();
    profile.memory.allocated(300);
    profile.memory.freed(100);
    profile.transfer('host_to_device').recordAt(101, 2 ** 20, 0.5);
    profile.transfer('host_to_device').recordAt(101, 2 ** 20, 0.5);
    profile.transfer('device_to_host').recordAt(103, 2 ** 20, 0.5);
    tick(105);
    expect(takeSnapshot(profile, 105).memoryStats).toEqual({
      totalAllocations: 1,
      totalBytesAllocated: 300,
      currentMemoryUsageBytes: 200,
      peakMemoryUsageBytes: 300,
      hostToDeviceTransfers: 2,
      hostToDeviceBytes: 2 ** 21,
      deviceToHostTransfers: 1,
      deviceToHostBytes: 2 ** 20,
      averageTransferTimeMs: 500,
      bandwidthMBps: 3,
    });
  });

  it('knows nothing of memory where nobody told of it', () => {
    const { profile } = device();
    expect(takeSnapshot(profile, 100).memoryStats).toBeUndefined();
    profile.memory.allocated(1);
    expect(takeSnapshot(profile, 100).memoryStats?.hostToDeviceTransfers).toBeUndefined();
  });

  it('lists what was measured, polled and reported, each with its type, unit and bounds', () => {
    const { metrics } = takeSnapshot(busyDevice(), 110);
    expect(new Set(metrics.map(({ type }) => type))).toEqual(
      new Set([
        'DeviceUtilization',
        'KernelExecutionTime',
        'Latency',
        'Throughput',
        'QueueWaitTime',
        'CompilationTime',
        'MemoryTransferTime',
        'MemoryBandwidth',
        'Custom',
      ]),
    );
    expect(metrics.find(({ name }) => name === 'hw.gpu.memory.limit')).toMatchObject({ value: 2 ** 34, unit: 'By' });
    const compilation = metrics.find(({ type }) => type === 'CompilationTime');
    expect(compilation).toMatchObject({ value: 1000 / 3, minValue: 1000 / 3, maxValue: 1000 / 3, unit: 'ms' });
  });

  it('carries the values of the process where they are given', () => {
    const { profile } = device();
    const point = { name: 'process.cpu.time', value: 3, attributes: { 'cpu.mode': 'user' } } as const;
    expect(takeSnapshot(profile, 100, [point]).metrics).toMatchObject([{ name: 'process.cpu.time (user)', unit: 's' }]);
  });

  it('is frozen to the last object, and consumes nothing', () => {
    const profile = busyDevice();
    const snapshot = takeSnapshot(profile, 110);
    expect(reachable(snapshot).every(Object.isFrozen)).toBe(true);
    expect(takeSnapshot(profile, 110)).toEqual(snapshot);
  });

  it('is under 10 KB as JSON, however much is known', () => {
    expect(JSON.stringify(takeSnapshot(busyDevice(), 110)).length).toBeLessThan(10_240);
  });
});

describe('kernel statistics', () => {
  it('are by name, each of its own executions, and "other" has the rest', () => {
    const profile = busyDevice();
    const statistics = takeKernelStatistics(profile);
    expect(statistics.size).toBe(65);
    expect(statistics.get('other')?.totalExecutions).toBe(16 * 1001);
    const executions = Array.from(statistics.values(), ({ totalExecutions }) => totalExecutions);
    expect(executions.reduce((sum, count) => sum + count)).toBe(takeSnapshot(profile, 110).totalOperations);
  });
});

it('a device that can not be measured says why', () => {
  const snapshot = createUnavailableSnapshot('GPU-9', 'A GPU', 'cuda', 'no NVIDIA driver');
  expect(snapshot).toMatchObject({ deviceId: 'GPU-9', isAvailable: false, statusMessage: 'no NVIDIA driver' });
  expect(Object.isFrozen(snapshot)).toBe(true);
  expect(snapshot.kernelStats).toBeUndefined();
});
