import { describe, expect, it } from 'vitest';
import { type RecommendationCode, recommendations } from '../src/analyzer/recommendations.ts';
import { asSpoken } from '../src/analyzer/spoken.ts';
import type { Trend } from '../src/analyzer/trend.ts';
import type { DeviceIdentity, SourceState } from '../src/backend.ts';
import { DeviceProfile } from '../src/profile/device-profile.ts';
import { ProfilingMetric } from '../src/profiling-metrics.ts';
import { takeKernelStatistics } from '../src/profiling-statistics.ts';
import { createUnavailableSnapshot, takeSnapshot } from '../src/snapshot.ts';
import { isWorkSeen } from '../src/work-seen.ts';
import { found } from './analyzer/finding.ts';

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
      performanceTrends: [],
      identifiedBottlenecks: [],
      recommendations: [],
      findings: [],
      trends: [],
    });
  });

  it('of a device whose kernels are not seen is not available, says why and what mends it, and has no zeroes', () => {
    const { profile, tick } = device();
    tick(105);
    const detail = 'kernels not traced: OpenCL was in use before accelmeter';
    const tracer: SourceState = { name: 'opencl_layer', up: false, detail, remedy: 'begin earlier', ofKernels: true };
    const sources: SourceState[] = [{ name: 'opencl', up: true, detail: '' }, tracer];
    profile.workSeen = isWorkSeen('opencl', 0, sources); // as the loop does at each sample
    expect(takeSnapshot(profile, 105, { sources })).toMatchObject({
      isAvailable: false,
      statusMessage: 'Kernels not traced: OpenCL was in use before accelmeter; begin earlier.',
      deviceUtilizationPercent: undefined,
      throughputOpsPerSecond: undefined,
    });
    profile.kernel('recorded by the program').record(1);
    expect(takeSnapshot(profile, 105, { sources }).isAvailable).toBe(true);
  });

  it('of a device of which another source is down is available', () => {
    const { profile } = device();
    const sources: SourceState[] = [{ name: 'nvml', up: false, detail: 'it hangs' }];
    expect(takeSnapshot(profile, 100, { sources }).isAvailable).toBe(true);
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
    expect(takeSnapshot(profile, 100, { process: [point] }).metrics).toMatchObject([
      { name: 'process.cpu.time (user)', unit: 's' },
    ]);
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

describe('the judgement in a snapshot', () => {
  const trend = (kernel: string, direction: Trend['direction']): Trend =>
    asSpoken({ kernel, direction, ratio: 1, probability: 1, samples: 40, sentence: `${kernel} is ${direction}` });

  it('is told in sentences, as the guide has it, and as objects; each advice once', () => {
    const { profile } = device();
    const findings = [
      found({ code: 'transfer_bound', severity: 'error', recommends: ['use_pinned_memory', 'overlap_transfers'] }),
      found({ code: 'low_bandwidth', recommends: ['use_pinned_memory', 'check_pcie_link'] }),
    ];
    const trends = [trend('matmul', 'degrading')];
    const snapshot = takeSnapshot(profile, 100, { judgement: { findings, trends } });
    expect(snapshot).toMatchObject({
      identifiedBottlenecks: ['It is transfer_bound.', 'It is low_bandwidth.'],
      performanceTrends: ['matmul is degrading'],
      statusMessage: 'Measuring; error transfer_bound: It is transfer_bound. And 1 more.',
      findings,
      trends,
    });
    const { use_pinned_memory, overlap_transfers, check_pcie_link } = recommendations;
    expect(snapshot.recommendations).toEqual([use_pinned_memory, overlap_transfers, check_pcie_link]);
    expect(reachable(snapshot.findings).every(Object.isFrozen)).toBe(true);
    expect(structuredClone(snapshot)).toEqual({
      ...snapshot,
      findings: snapshot.findings.map((each) => ({ ...each })),
      trends: trends.map((each) => ({ ...each })),
    });
  });

  it('has the words that programs written after the guide look for', () => {
    const { profile } = device();
    const advice = (...recommends: readonly RecommendationCode[]) =>
      takeSnapshot(profile, 100, {
        judgement: { findings: [found({ code: 'low_utilization', recommends })], trends: [] },
      }).recommendations[0];
    expect(advice('enable_simd')).toMatch(/SIMD/i);
    expect(advice('use_pinned_memory')).toMatch(/pinned memory/i);
    expect(advice('increase_work_group_size')).toMatch(/work group size/i);
  });

  it('is of the eight gravest findings, and of eight kernels, those that change first', () => {
    const { profile } = device();
    const findings = Array.from({ length: 20 }, () => found({ code: 'high_variance' }));
    const trends = Array.from({ length: 20 }, (_, i) => trend(`k${i}`, i === 19 ? 'improving' : 'stable'));
    const snapshot = takeSnapshot(profile, 100, { judgement: { findings, trends } });
    expect(snapshot.identifiedBottlenecks).toHaveLength(8);
    expect(snapshot.statusMessage).toMatch(/And 19 more\.$/);
    expect(snapshot.trends.map(({ kernel }) => kernel)).toEqual(['k19', 'k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6']);
  });
});

describe('memory statistics', () => {
  it('have the bandwidth of the time in which copies ran, in any direction: those at the same time share it', () => {
    const { profile, tick } = device();
    tick(105);
    for (const direction of ['host_to_device', 'device_to_host'] as const) {
      profile.transfer(direction).recordAt(103, 2 ** 30, 0.5);
    }
    const bandwidth = () => takeSnapshot(profile, 105).memoryStats?.bandwidthMBps;
    expect(bandwidth()).toBeCloseTo(4096);
    tick(110);
    expect(bandwidth()).toBeCloseTo(4096);
  });
});

describe('kernel statistics', () => {
  it('have no median above the longest, nor below the shortest, for all that samples are in single precision', () => {
    for (const seconds of [0.1, 0.015]) {
      const { profile } = device();
      for (let i = 0; i < 10; i++) profile.kernel('k').record(seconds);
      const exactly = 1000 * seconds;
      expect(takeSnapshot(profile, 100).kernelStats).toMatchObject({
        ...{ minExecutionTimeMs: exactly, maxExecutionTimeMs: exactly, medianExecutionTimeMs: exactly },
        ...{ p95ExecutionTimeMs: exactly, p99ExecutionTimeMs: exactly, windowAverageExecutionTimeMs: exactly },
      });
    }
  });

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
  expect(reachable(snapshot).every(Object.isFrozen)).toBe(true);
  expect(snapshot.kernelStats).toBeUndefined();
  const { performanceTrends, identifiedBottlenecks, recommendations, findings, trends } = snapshot;
  expect([performanceTrends, identifiedBottlenecks, recommendations, findings, trends].flat()).toEqual([]);
});
