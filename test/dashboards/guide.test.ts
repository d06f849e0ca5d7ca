/**
 * What docs/METRICS.md says of the profiling guide: its expressions, asked of a real Prometheus, say what a snapshot
 * says. Of four GPUs: one that works all the time, one that has worked, one that always failed, one that never did
 * anything.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guide } from '../../docs/guide.ts';
import type { Activity, ActivitySink } from '../../src/activity.ts';
import type { Backend } from '../../src/backend.ts';
import type { ProcessPoint } from '../../src/catalogue.ts';
import { Distribution } from '../../src/distribution/distribution.ts';
import { resolveOptions } from '../../src/options.ts';
import { ProfilingMetric } from '../../src/profiling-metrics.ts';
import { openScrapeTarget, type ScrapeTarget } from '../../src/scrape-target.ts';
import type { ProfilingSnapshot } from '../../src/snapshot.ts';
import { lacks } from '../parts.ts';
import { type PrometheusServer, startPrometheus } from './prometheus-server.ts';

const ids = ['steady', 'ended', 'failed', 'idle'] as const;
type Id = (typeof ids)[number];

/** The shortest just above a bound of the buckets and the longest on one: then PromQL has both as they are. */
const durations = [2 ** -12 * 1.0001, 0.0012, 0.0009, 0.5, 2 ** -3, 0.25];

/** Enough for two rates that follow each other. */
const scrapes = 8;
/** What is of minutes for people is of seconds here. */
const shortened = (promql: string) => promql.replaceAll('1m', '3s');

describe.skipIf(lacks('prometheus'))('the guide in PromQL', () => {
  const sinks = new Map<Id, ActivitySink>();
  const work = new AbortController();
  const snapshots = new Map<string, ProfilingSnapshot>();
  let target: ScrapeTarget;
  let prometheus: PrometheusServer;

  beforeAll(async () => {
    const options = resolveOptions({ tickSeconds: 0.5, extraMetrics: ['health'] }, {}, () => {});
    target = await openScrapeTarget(options, { host: '127.0.0.1', port: 0, backends: [machineOf(sinks)] });
    workOn('ended');
    for (let i = 0; i < 30; i += 1) sinks.get('failed')?.deliver({ ...kernel(1), failed: 'out_of_memory' });
    for (const each of target.profiler.devices) {
      if (each.id === 'ended') each.report(ProfilingMetric.create('Custom', 42, 'tokens in flight', '{token}'));
    }
    void workSteadily();
    await target.listen();
    prometheus = await startPrometheus([`127.0.0.1:${target.port}`]);
    for (let looked = 0; looked < 100; looked += 1) {
      const [scraped] = await prometheus.query('count_over_time(up[1m])');
      if ((scraped?.values[0] ?? 0) >= scrapes) break;
      await sleep(200);
    }
    for (const device of target.profiler.devices) snapshots.set(device.id, await device.getProfilingSnapshot());
  }, 40_000);

  afterAll(async () => {
    work.abort();
    await prometheus?.close();
    await target?.close();
  });

  /** What an expression says of each device. */
  async function ask(promql: string): Promise<Record<string, number>> {
    const answer = await prometheus.query(promql);
    return Object.fromEntries(answer.map(({ labels, values }) => [labels.hw_id ?? 'process', values[0] ?? Number.NaN]));
  }

  const rows = Object.entries(guide).flatMap(([type, fields]) =>
    fields.map(({ field, promql }) => ({ name: `${type}.${field}`, promql: shortened(promql) })),
  );

  test.each(rows)('$name has a finite value', async ({ promql }) => {
    const answer = await prometheus.query(promql);
    expect(
      answer.filter(({ values }) => values.some(Number.isFinite)),
      promql,
    ).not.toEqual([]);
  });

  test.each(fieldsOfASnapshot())('$name is what the snapshot says of each device', async ({ name, of }) => {
    const asked = await ask(rows.find((row) => row.name === name)?.promql ?? '');
    for (const id of ['ended', 'failed', 'idle']) {
      const expected = of(snapshots.get(id) as ProfilingSnapshot);
      if (expected === undefined) expect(asked[id], `${name} of ${id}`).toBeUndefined();
      else expect(asked[id], `${name} of ${id}`).toBeCloseTo(expected, 3);
    }
  });

  test('throughput is near what a device does, and 0 where nothing happens any more', async () => {
    const asked = await ask(promqlOf('ProfilingSnapshot.ThroughputOpsPerSecond'));
    expect(asked.steady).toBeGreaterThan(1);
    expect([asked.ended, asked.failed, asked.idle]).toEqual([0, 0, 0]);
  });

  test('an average of the last minute is that of the executions in it', async () => {
    const asked = await ask(promqlOf('ProfilingMetricType.Latency'));
    expect(asked.steady).toBeCloseTo(durations.reduce((sum, each) => sum + each, 0) / durations.length, 2);
  });

  test('a kernel whose time stays the same has no trend', async () => {
    const asked = await ask(promqlOf('ProfilingSnapshot.PerformanceTrends'));
    expect(asked.steady).toBeCloseTo(1, 1);
  });

  test('a bottleneck is named by its code, on the device that has it', async () => {
    const answer = await prometheus.query(promqlOf('ProfilingSnapshot.IdentifiedBottlenecks'));
    const named = answer.map(({ labels }) => [labels.hw_id, labels.accelmeter_bottleneck_code]);
    expect(named).toContainEqual(['steady', 'failing_operations']);
    expect(named.filter(([id]) => id === 'idle')).toEqual([]);
    const states = await ask(promqlOf('ProfilingSnapshot.StatusMessage'));
    expect(states.steady).toBe(named.filter(([id]) => id === 'steady').length);
    expect(states.idle).toBe(0);
  });

  const promqlOf = (name: string) => rows.find((row) => row.name === name)?.promql ?? '';

  function workOn(id: Id): void {
    const sink = sinks.get(id);
    for (const activity of everything()) sink?.deliver(activity);
  }

  async function workSteadily(): Promise<void> {
    while (!work.signal.aborted) {
      workOn('steady');
      await sleep(100);
    }
  }
});

/** Fields that are numbers, and what a snapshot has for them. */
function fieldsOfASnapshot() {
  const kernels =
    (of: (stats: NonNullable<ProfilingSnapshot['kernelStats']>) => number | undefined) =>
    ({ kernelStats }: ProfilingSnapshot) =>
      kernelStats && of(kernelStats);
  const memory =
    (of: (stats: NonNullable<ProfilingSnapshot['memoryStats']>) => number | undefined) =>
    ({ memoryStats }: ProfilingSnapshot) =>
      memoryStats && of(memoryStats);
  const ran = ({ totalOperations }: ProfilingSnapshot) => totalOperations > 0;
  const fields: Record<string, (snapshot: ProfilingSnapshot) => number | undefined> = {
    'ProfilingSnapshot.TotalOperations': ({ totalOperations }) => totalOperations,
    'ProfilingSnapshot.AverageLatencyMs': ({ averageLatencyMs }) => averageLatencyMs,
    'KernelProfilingStats.TotalExecutions': kernels((stats) => stats.totalExecutions),
    'KernelProfilingStats.AverageExecutionTimeMs': kernels((stats) => stats.averageExecutionTimeMs),
    'KernelProfilingStats.MinExecutionTimeMs': kernels((stats) => stats.minExecutionTimeMs),
    'KernelProfilingStats.MaxExecutionTimeMs': kernels((stats) => stats.maxExecutionTimeMs),
    'KernelProfilingStats.MedianExecutionTimeMs': kernels((stats) => stats.medianExecutionTimeMs),
    'KernelProfilingStats.P95ExecutionTimeMs': kernels((stats) => stats.p95ExecutionTimeMs),
    'KernelProfilingStats.P99ExecutionTimeMs': kernels((stats) => stats.p99ExecutionTimeMs),
    'KernelProfilingStats.StandardDeviationMs': kernels((stats) => stats.standardDeviationMs),
    'KernelProfilingStats.TotalExecutionTimeMs': (snapshot) =>
      snapshot.averageLatencyMs === undefined ? undefined : snapshot.kernelStats?.totalExecutionTimeMs,
    'KernelProfilingStats.FailedExecutions': kernels((stats) => stats.failedExecutions),
    'KernelProfilingStats.SuccessRate': (snapshot) => (ran(snapshot) ? snapshot.kernelStats?.successRate : undefined),
    'MemoryProfilingStats.TotalAllocations': memory((stats) => stats.totalAllocations),
    'MemoryProfilingStats.TotalBytesAllocated': memory((stats) => stats.totalBytesAllocated),
    'MemoryProfilingStats.CurrentMemoryUsageBytes': memory((stats) => stats.currentMemoryUsageBytes),
    'MemoryProfilingStats.PeakMemoryUsageBytes': memory((stats) => stats.peakMemoryUsageBytes),
    'MemoryProfilingStats.HostToDeviceTransfers': memory((stats) => stats.hostToDeviceTransfers),
    'MemoryProfilingStats.HostToDeviceBytes': memory((stats) => stats.hostToDeviceBytes),
    'MemoryProfilingStats.DeviceToHostTransfers': memory((stats) => stats.deviceToHostTransfers),
    'MemoryProfilingStats.DeviceToHostBytes': memory((stats) => stats.deviceToHostBytes),
    'MemoryProfilingStats.AverageTransferTimeMs': memory((stats) => stats.averageTransferTimeMs),
    'MemoryProfilingStats.BandwidthMBps': memory((stats) => stats.bandwidthMBps),
  };
  return Object.entries(fields).map(([name, of]) => ({ name, of }));
}

/** Four GPUs, in a process of which everything is known. */
function machineOf(sinks: Map<Id, ActivitySink>): Backend {
  const collected = new Distribution();
  collected.record(0.001);
  const process: readonly ProcessPoint[] = [
    { name: 'process.cpu.utilization', value: 0.25, attributes: { 'cpu.mode': 'user' } },
    { name: 'process.memory.usage', value: 2 ** 27 },
    { name: 'accelmeter.process.memory.peak', value: 2 ** 28 },
    { name: 'process.thread.count', value: 11 },
    { name: 'accelmeter.threadpool.utilization', value: 0.5 },
    { name: 'accelmeter.process.heap.usage', value: 2 ** 24 },
    ...(['minor', 'incremental', 'major'] as const).map(
      (type): ProcessPoint => ({
        name: 'v8js.gc.duration',
        attributes: { 'v8js.gc.type': type },
        distribution: collected,
        since: 0,
      }),
    ),
  ];
  return {
    name: 'opencl',
    open(host) {
      for (const [index, id] of ids.entries()) {
        sinks.set(id, host.addDevice({ id, backend: 'opencl', type: 'gpu', name: `A GPU that is ${id}`, index }));
      }
      return {
        sources: () => [{ name: 'opencl', up: true, detail: 'four GPUs' }],
        sample: () => ({
          devices: ids.map((device) => ({
            device,
            readings: [
              { name: 'hw.gpu.memory.limit', value: 2 ** 33 },
              { name: 'accelmeter.device.queue.depth', value: 3 },
              { name: 'hw.temperature', value: 61, attributes: { 'hw.sensor_location': 'core' } },
            ],
          })),
          process,
        }),
        close() {},
      };
    },
  };
}

const kernel = (duration: number) =>
  ({
    kind: 'kernel',
    name: 'matmul',
    start: performance.now() / 1000 - duration,
    duration,
    wait: 0.0001,
    failed: undefined,
  }) as const satisfies Activity;

/** Some of everything that a device can do. Copies follow each other: what their times are together is their sum. */
function everything(): Activity[] {
  const now = performance.now() / 1000;
  const copy = { kind: 'transfer', bytes: 2 ** 20, duration: 2 ** -10, failed: undefined } as const;
  return [
    ...durations.map(kernel),
    { ...kernel(1), failed: 'out_of_resources' },
    { ...copy, direction: 'host_to_device', start: now - 2 ** -9 },
    { ...copy, direction: 'device_to_host', start: now - 2 ** -10 },
    { kind: 'compilation', duration: 0.7 },
    { kind: 'allocation', bytes: 2 ** 22 },
    { kind: 'allocation', bytes: -(2 ** 21) },
  ];
}
