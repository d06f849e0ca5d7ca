import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import type { Backend, BackendName } from '../src/backend.ts';
import { compareBackends } from '../src/compare.ts';
import type { Device } from '../src/device.ts';
import { resolveOptions } from '../src/options.ts';
import { openProfiler } from '../src/profiler.ts';

/** A profiler of two devices that compute nothing by themselves. */
async function twoDevices(): Promise<readonly [slow: Device, fast: Device]> {
  const room = (name: 'cpu' | 'opencl', type: 'cpu' | 'gpu'): Backend => ({
    name,
    open(host) {
      host.addDevice({ id: name, backend: name, type, name: `the ${name}`, index: 0 });
      return { sources: () => [], close() {} };
    },
  });
  const backends = [room('cpu', 'cpu'), room('opencl', 'gpu')];
  const options = resolveOptions({}, {}, () => {});
  const { profiler } = await openProfiler(options, { backends });
  onTestFinished(() => profiler.close());
  return profiler.devices as [Device, Device];
}

const milliseconds: Readonly<Partial<Record<BackendName, number>>> = { cpu: 20, opencl: 5 };
const secondsOn = (backend: BackendName) => (milliseconds[backend] ?? Number.NaN) / 1000;

it('the fastest stands first, and the others say how many times as long they take', async () => {
  const devices = await twoDevices();
  const comparison = await compareBackends(devices, async (device) => {
    for (let i = 0; i < 10; i++) device.kernel('k').record(secondsOn(device.backend));
    device.kernel('k').recordFailure('out_of_memory');
    await sleep(50);
  });
  expect(comparison.results).toMatchObject([
    { backendType: 'opencl', executions: 11, failedExecutions: 1, averageLatencyMs: expect.closeTo(5), ratio: 1 },
    {
      backendType: 'cpu',
      averageLatencyMs: expect.closeTo(20),
      p95LatencyMs: expect.closeTo(20),
      ratio: expect.closeTo(4),
    },
  ]);
  const [opencl] = comparison.results;
  expect(opencl?.throughputOpsPerSecond).toBeCloseTo(11 / (opencl?.seconds ?? 0));
});

it('what a device did before is not compared', async () => {
  const [cpu, opencl] = await twoDevices();
  for (let i = 0; i < 10; i++) opencl.kernel('before').record(0.03);
  const { results } = await compareBackends([opencl, cpu], async (device) => {
    device.kernel('k').record(secondsOn(device.backend));
    await sleep(20);
  });
  expect(results[0]).toMatchObject({ backendType: 'opencl', executions: 1, averageLatencyMs: expect.closeTo(5) });
  expect(results[0]?.deviceUtilizationPercent).toBeLessThan(30); // 5 ms of at least 20
});

it('the P95 is of what ran meanwhile, also where a thousand runs of before are still held', async () => {
  const [, opencl] = await twoDevices();
  for (let i = 0; i < 900; i++) opencl.kernel('before').record(1);
  const { results } = await compareBackends([opencl], (device) => {
    for (let i = 0; i < 50; i++) device.kernel('k').record(1e-3);
  });
  expect(results[0]).toMatchObject({ averageLatencyMs: expect.closeTo(1), p95LatencyMs: expect.closeTo(1) });
});

it('utilization is the share of the time in which a kernel ran; overlapping ones count once', async () => {
  const [, opencl] = await twoDevices();
  const { results } = await compareBackends([opencl], async (device) => {
    const start = performance.now() / 1000;
    await sleep(100);
    const seconds = performance.now() / 1000 - start;
    for (let i = 0; i < 3; i++) device.kernel('k').recordAt(start, seconds / 2);
  });
  expect(results[0]?.deviceUtilizationPercent).toBeGreaterThan(35);
  expect(results[0]?.deviceUtilizationPercent).toBeLessThanOrEqual(50.1);
});

it('utilization counts kernels of which only the duration was told', async () => {
  const [, opencl] = await twoDevices();
  const { results } = await compareBackends([opencl], async (device) => {
    const start = performance.now() / 1000;
    await sleep(100);
    device.kernel('k').record((performance.now() / 1000 - start) / 2);
  });
  expect(results[0]?.deviceUtilizationPercent).toBeGreaterThan(35);
  expect(results[0]?.deviceUtilizationPercent).toBeLessThanOrEqual(50.1);
});

it('a device on which the workload fails does not keep the others from being compared', async () => {
  const error = new Error('out of memory');
  const { results, failures } = await compareBackends(await twoDevices(), (device) => {
    if (device.backend === 'cpu') throw error;
    device.kernel('k').record(0.001);
  });
  expect(results).toMatchObject([{ backendType: 'opencl' }]);
  expect(failures).toEqual([{ deviceId: 'cpu', deviceName: 'the cpu', backendType: 'cpu', error }]);
});

it('a device on which nothing ran has no average, and stands last', async () => {
  const [cpu, opencl] = await twoDevices();
  const { results } = await compareBackends([cpu, opencl], (device) => {
    if (device === opencl) device.kernel('k').record(0.001);
  });
  expect(results).toMatchObject([
    { backendType: 'opencl', ratio: 1 },
    { backendType: 'cpu', executions: 0, averageLatencyMs: undefined, p95LatencyMs: undefined, ratio: undefined },
  ]);
});

it('as text it is what the guide prints', async () => {
  const comparison = await compareBackends(await twoDevices(), (device) => {
    device.kernel('k').record(secondsOn(device.backend));
  });
  const section = (name: string, average: string) =>
    `${name}:\n  Utilization: [\\d.]+%\n  Avg Latency: ${average}ms\n  Throughput: \\d+ ops/sec\n  P95 Latency: ${average}ms\n`;
  expect(String(comparison)).toMatch(
    new RegExp(`^Backend Performance Comparison:\n\n${section('opencl', '5.00')}\n${section('cpu', '20.00')}$`),
  );
});

it('ends when that is aborted, and takes nothing that is no device', async () => {
  const devices = await twoDevices();
  const over = new AbortController();
  const ran: string[] = [];
  const comparison = compareBackends(
    devices,
    ({ id }) => {
      ran.push(id);
      over.abort(new Error('enough'));
    },
    { signal: over.signal },
  );
  await expect(comparison).rejects.toThrow('enough');
  expect(ran).toEqual(['cpu']);
  await expect(compareBackends([{} as Device], () => {})).rejects.toThrow(TypeError);
});
