import { hostname } from 'node:os';
import { expect, it, onTestFinished } from 'vitest';
import { takeBaseline } from '../../src/baseline/baseline.ts';
import { createProfiler } from '../../src/profiler.ts';
import { version } from '../../src/version.ts';
import { described, steady } from './samples.ts';

async function profilerOfThisCpu() {
  const profiler = await createProfiler({ backends: ['cpu'] });
  onTestFinished(() => profiler.close());
  return profiler;
}

it('says of each kernel how often and how long, and of what, where and when', async () => {
  const profiler = await profilerOfThisCpu();
  const sort = profiler.devices[0]?.kernel('sort');
  for (const seconds of [0.001, 0.002, 0.003]) sort?.record(seconds);
  expect(await takeBaseline(profiler)).toMatchObject({
    kind: 'accelmeter-baseline',
    formatVersion: 1,
    accelmeterVersion: version,
    nodeVersion: process.versions.node,
    date: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    host: hostname(),
    devices: [
      {
        backendType: 'cpu',
        deviceUtilizationPercent: expect.any(Number),
        kernels: [
          { kernel: 'sort', totalExecutions: 3, averageExecutionTimeMs: 2, standardDeviationMs: expect.closeTo(1) },
        ],
      },
    ],
  });
});

it('of nothing is refused', async () => {
  await expect(takeBaseline(await profilerOfThisCpu())).rejects.toMatchObject({ name: 'BaselineError', code: 'empty' });
});

it('of failures alone is refused', async () => {
  const profiler = await profilerOfThisCpu();
  profiler.devices[0]?.kernel('sort').recordFailure('out_of_memory');
  await expect(takeBaseline(profiler)).rejects.toMatchObject({ code: 'empty' });
});

it('is not taken once that is aborted, nor of what is no profiler', async () => {
  const signal = AbortSignal.abort(new Error('later'));
  await expect(takeBaseline(await profilerOfThisCpu(), { signal })).rejects.toThrow('later');
  await expect(takeBaseline({} as never)).rejects.toThrow(TypeError);
});

it('tells utilization and throughput of the time that was measured, also where it was short', () => {
  const [device] = described({ matmul: steady(0.05, 20) }); // 1 s of work in 10 s
  expect(device?.deviceUtilizationPercent).toBeCloseTo(10);
  expect(device?.throughputOpsPerSecond).toBeCloseTo(2);
});
