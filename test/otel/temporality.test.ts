import type { HrTime } from '@opentelemetry/api';
import { AggregationTemporality, type ExponentialHistogram, type Histogram } from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { MetricProducerOptions } from '../../src/otel/metric-producer.ts';
import type { Profiler } from '../../src/profiler.ts';
import { streams } from '../distribution/durations.ts';
import { machine, run, runEverything } from './machine.ts';

interface Series {
  readonly value: unknown;
  readonly temporality: AggregationTemporality;
  readonly start: number;
  readonly end: number;
}

const seconds = ([whole, nano]: HrTime) => whole + nano / 1e9;

/** What one collection gives, each series under its metric and attributes. */
function collecting(profiler: Profiler, options: MetricProducerOptions) {
  const producer = profiler.metricProducer(options);
  return async (): Promise<Map<string, Series>> => {
    const { resourceMetrics, errors } = await producer.collect();
    expect(errors).toEqual([]);
    const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    return new Map(
      metrics.flatMap(({ descriptor: { name }, aggregationTemporality: temporality, dataPoints }) =>
        dataPoints.map(({ attributes, value, startTime, endTime }) => {
          const key = `${name} ${JSON.stringify(attributes)}`;
          return [key, { value, temporality, start: seconds(startTime), end: seconds(endTime) }] as const;
        }),
      ),
    );
  };
}

const kernelDuration =
  'accelmeter.kernel.duration {"hw.id":"GPU-1","hw.type":"gpu","accelmeter.backend":"opencl","accelmeter.kernel.name":"matmul"}';
const countIn = (points: Map<string, Series>) => (points.get(kernelDuration)?.value as Histogram | undefined)?.count;
const counters = /^(accelmeter\.(transfer\.io|kernel\.failures|memory\.alloc\w+|device\.failures)|process\.cpu\.time) /;

it('deltas of any work add up to the cumulative, to the bucket', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(streams, { minLength: 1, maxLength: 4 }), async (rounds) => {
      const { profiler, sink } = await machine();
      const delta = collecting(profiler, { temporality: 'delta' });
      const whole = collecting(profiler, {});
      runEverything(sink);
      const sum = { count: 0, sum: 0, counts: [] as number[], numbers: new Map<string, number>() };
      for (const durations of rounds) {
        for (const duration of durations) {
          sink.deliver({
            kind: 'kernel',
            name: 'matmul',
            start: 1,
            duration: Math.abs(duration),
            wait: undefined,
            failed: undefined,
          });
          sink.deliver({ kind: 'allocation', bytes: 3 });
        }
        for (const [name, { value }] of await delta()) {
          if (typeof value === 'number') sum.numbers.set(name, (sum.numbers.get(name) ?? 0) + value);
          if (name !== kernelDuration) continue;
          const histogram = value as Histogram;
          sum.count += histogram.count;
          sum.sum += histogram.sum ?? 0;
          sum.counts = histogram.buckets.counts.map((count, i) => count + (sum.counts[i] ?? 0));
        }
      }
      const last = await whole();
      const histogram = last.get(kernelDuration)?.value as Histogram;
      expect([sum.count, sum.counts]).toEqual([histogram.count, histogram.buckets.counts]);
      expect(Math.abs(sum.sum - (histogram.sum ?? 0))).toBeLessThanOrEqual(1e-9 * (histogram.sum ?? 0));
      const named = [...last].filter(([name]) => counters.test(name));
      expect(named.length).toBeGreaterThan(2);
      for (const [name, { value }] of named) expect(sum.numbers.get(name), name).toBeCloseTo(value as number, 9);
      await profiler.close();
    }),
    { numRuns: 30 },
  );
});

it('exponential deltas add up as well', async () => {
  const { profiler, sink } = await machine();
  const delta = collecting(profiler, { temporality: 'delta', histogram: 'exponential' });
  let count = 0;
  for (let round = 0; round < 3; round++) {
    run(sink);
    const value = (await delta()).get(kernelDuration)?.value as ExponentialHistogram;
    expect(value.positive.bucketCounts.reduce((a, b) => a + b, 0) + value.zeroCount).toBe(value.count);
    count += value.count;
  }
  expect(count).toBe(21);
});

it('a delta begins where the one before ended, and the first where the series began', async () => {
  const { profiler, sink } = await machine();
  const delta = collecting(profiler, { temporality: 'delta' });
  const whole = collecting(profiler, {});
  run(sink);
  // Collections are told in whole milliseconds: within the one in which it was made, a device begins with it.
  await new Promise((resolve) => setTimeout(resolve, 5));
  const began = (await whole()).get(kernelDuration)?.start;
  const first = (await delta()).get(kernelDuration);
  expect(first?.start).toBe(began);
  const quiet = await delta();
  expect(quiet.has(kernelDuration)).toBe(false); // nothing ran: no point
  run(sink);
  const next = (await delta()).get(kernelDuration);
  const busy = [...quiet.values()].find(({ temporality }) => temporality === AggregationTemporality.DELTA);
  expect(next?.start).toBe(busy?.end);
  expect(next?.end).toBeGreaterThanOrEqual(next?.start ?? Number.NaN);
});

it('cumulative points begin where they began to count: the process, the profiler, the device', async () => {
  const before = Date.now() / 1000;
  const { profiler, leave, join } = await machine();
  const whole = collecting(profiler, {});
  leave();
  await new Promise((resolve) => setTimeout(resolve, 60));
  run(join());
  const points = await whole();
  const startOf = (name: string) => [...points].find(([key]) => key.startsWith(`${name} `))?.[1].start as number;
  expect(startOf('process.cpu.time')).toBeCloseTo(performance.timeOrigin / 1000, 5);
  expect(startOf('accelmeter.self.time')).toBeGreaterThan(before - 0.05);
  expect(startOf('accelmeter.kernel.duration') - startOf('accelmeter.self.time')).toBeGreaterThan(0.05);
});

it.each([
  ['cumulative', 'CUMULATIVE', 'CUMULATIVE'],
  ['delta', 'DELTA', 'DELTA'],
  ['lowmemory', 'DELTA', 'CUMULATIVE'],
] as const)(
  '%s: histograms are %s, counters %s, and up-down counters never deltas',
  async (temporality, histogram, counter) => {
    const { profiler, sink } = await machine();
    runEverything(sink);
    const points = await collecting(profiler, { temporality })();
    const of = (name: string) => [...points].find(([key]) => key.startsWith(`${name} `))?.[1].temporality;
    expect(of('accelmeter.kernel.duration')).toBe(AggregationTemporality[histogram]);
    expect(of('accelmeter.transfer.io')).toBe(AggregationTemporality[counter]);
    expect(of('hw.gpu.memory.limit')).toBe(AggregationTemporality.CUMULATIVE);
  },
);

it('a device that comes back under the same id begins anew, and nothing is negative', async () => {
  const { profiler, sink, leave, join } = await machine();
  const delta = collecting(profiler, { temporality: 'delta' });
  for (let i = 0; i < 3; i++) runEverything(sink);
  await delta();
  leave();
  const again = join();
  runEverything(again);
  const points = await delta();
  expect(countIn(points)).toBe(7);
  const device = [...points].filter(([name]) => name.includes('"hw.id"') && counters.test(name));
  expect(device.length).toBeGreaterThan(3);
  for (const [name, { value }] of device) expect(value, name).toBeGreaterThan(0);
});

it('two producers keep their own account', async () => {
  const { profiler, sink } = await machine();
  const [one, other] = [collecting(profiler, { temporality: 'delta' }), collecting(profiler, { temporality: 'delta' })];
  run(sink);
  await one();
  run(sink);
  expect(countIn(await one())).toBe(7);
  expect(countIn(await other())).toBe(14);
});

it.each([[{ temporality: 'sometimes' }], [{ temporality: '' }]])('%o is refused', async (options) => {
  const { profiler } = await machine();
  expect(() => profiler.metricProducer(options as object)).toThrow(/temporality/);
});
