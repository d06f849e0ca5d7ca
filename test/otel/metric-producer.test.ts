import { createServer } from 'node:http';
import { PrometheusExporter as OfficialExporter } from '@opentelemetry/exporter-prometheus';
import {
  AggregationTemporality,
  AggregationType,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { afterEach, expect, it } from 'vitest';
import { catalogue } from '../../src/catalogue.ts';
import { classicBoundaries } from '../../src/distribution/sketch.ts';
import { PrometheusExporter } from '../../src/exporters/prometheus/exporter.ts';
import type { Profiler } from '../../src/profiler.ts';
import { durations, machine, run } from './machine.ts';

const closings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});

async function collect(profiler: Profiler, options?: Parameters<Profiler['metricProducer']>[0]) {
  const { resourceMetrics, errors } = await profiler.metricProducer(options).collect();
  expect(errors).toEqual([]);
  return new Map(resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics.map((m) => [m.descriptor.name, m])));
}

const pointsOf = (metric: MetricData | undefined) =>
  (metric?.dataPoints ?? []) as readonly { attributes: Record<string, unknown>; value: unknown }[];

it('every point is of the catalogue, with its instrument, unit and attributes', async () => {
  const { profiler, sink } = await machine();
  run(sink);
  for (const [name, metric] of await collect(profiler)) {
    const declared = (catalogue as Record<string, (typeof catalogue)[keyof typeof catalogue]>)[name];
    expect(declared, name).toBeDefined();
    expect(metric.descriptor).toMatchObject({ unit: declared?.unit, description: declared?.brief });
    const types = { gauge: DataPointType.GAUGE, histogram: DataPointType.HISTOGRAM };
    expect(metric.dataPointType).toBe(
      (types as Record<string, DataPointType>)[declared?.instrument ?? ''] ?? DataPointType.SUM,
    );
    if (metric.dataPointType === DataPointType.SUM) expect(metric.isMonotonic).toBe(declared?.instrument === 'counter');
    for (const { attributes } of metric.dataPoints) {
      const wanted: string[] = [...(declared?.attributes ?? [])];
      if (declared?.about === 'device') wanted.push('hw.id', 'hw.type', 'accelmeter.backend');
      expect(Object.keys(attributes)).toEqual(expect.arrayContaining(wanted));
    }
  }
});

it('every point is of the time since the profiler began, and those of the process since that did', async () => {
  const before = Date.now() / 1000;
  const { profiler } = await machine();
  for (const { descriptor, dataPoints } of (await collect(profiler)).values()) {
    const { about } = catalogue[descriptor.name as keyof typeof catalogue];
    for (const { startTime, endTime } of dataPoints) {
      const [start, end] = [startTime, endTime].map(([seconds, nanoseconds]) => seconds + nanoseconds / 1e9);
      expect(start).toBeGreaterThan((about === 'process' ? performance.timeOrigin / 1000 : before) - 0.1);
      expect(end).toBeGreaterThanOrEqual((start ?? 0) - 0.1);
      expect(end).toBeLessThan(Date.now() / 1000 + 0.1);
    }
  }
});

it("its histogram is the SDK's own over the same boundaries, to the count", async () => {
  const { profiler, sink } = await machine();
  run(sink);
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 });
  const boundaries = [...classicBoundaries(0)];
  const provider = new MeterProvider({
    readers: [reader],
    views: [
      {
        instrumentName: '*',
        aggregation: { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options: { boundaries } },
      },
    ],
  });
  closings.push(() => provider.shutdown());
  const histogram = provider.getMeter('oracle').createHistogram('oracle');
  for (const duration of durations) histogram.record(duration);
  await reader.forceFlush();
  const [oracle] = exporter.getMetrics()[0]?.scopeMetrics[0]?.metrics[0]?.dataPoints ?? [];
  const [ours] = pointsOf((await collect(profiler)).get('accelmeter.kernel.duration'));
  expect(ours?.value).toEqual(oracle?.value);
});

it('an exponential histogram counts the same executions at scale 5', async () => {
  const { profiler, sink } = await machine();
  run(sink);
  const metric = (await collect(profiler, { histogram: 'exponential' })).get('accelmeter.kernel.duration');
  expect(metric?.dataPointType).toBe(DataPointType.EXPONENTIAL_HISTOGRAM);
  const value = pointsOf(metric)[0]?.value as { count: number; scale: number; positive: { bucketCounts: number[] } };
  expect(value.count).toBe(durations.length);
  expect(value.positive.bucketCounts.reduce((a, b) => a + b, 0)).toBe(durations.length);
  expect(value.scale).toBeLessThanOrEqual(5);
});

it('classicScale 2 lays four boundaries an octave', async () => {
  const { profiler, sink } = await machine();
  run(sink);
  const metric = (await collect(profiler, { classicScale: 2 })).get('accelmeter.kernel.duration');
  const value = pointsOf(metric)[0]?.value as { buckets: { boundaries: number[]; counts: number[] } };
  expect(value.buckets.boundaries).toHaveLength(24 * 4 + 1);
  expect(value.buckets.counts.reduce((a, b) => a + b, 0)).toBe(durations.length);
});

it.each([[{ histogram: 'native' }], [{ classicScale: 3 }], [{ colour: 'red' }]])('%o is refused', async (options) => {
  const { profiler } = await machine();
  expect(() => profiler.metricProducer(options as object)).toThrow(/must be|unknown option/);
});

it('the attributes of a series are the same object at every collection, so that exporters can cache', async () => {
  const { profiler, sink } = await machine();
  run(sink);
  const first = pointsOf((await collect(profiler)).get('accelmeter.kernel.duration'))[0]?.attributes;
  const second = pointsOf((await collect(profiler)).get('accelmeter.kernel.duration'))[0]?.attributes;
  expect(second).toBe(first);
});

it('what was not read is absent: no kernel, no kernel metrics; no memory account, no memory metrics', async () => {
  const { profiler } = await machine();
  const names = [...(await collect(profiler)).keys()];
  expect(names.filter((name) => /kernel\.(duration|queue|failures)|transfer|accelmeter\.memory/.test(name))).toEqual(
    [],
  );
  expect(names).toContain('accelmeter.device.info');
});

it('a device that left is gone from the next collection on', async () => {
  const { profiler, sink, leave } = await machine();
  run(sink);
  leave();
  const names = [...(await collect(profiler)).keys()];
  expect(names.filter((name) => catalogue[name as keyof typeof catalogue].about === 'device')).toEqual([]);
});

it('failures are counted by error type and are in no duration', async () => {
  const { profiler, sink } = await machine();
  sink.deliver({ kind: 'kernel', name: 'matmul', start: 1, duration: 9, wait: undefined, failed: 'out_of_memory' });
  const metrics = await collect(profiler);
  expect(pointsOf(metrics.get('accelmeter.kernel.failures'))).toMatchObject([
    { value: 1, attributes: { 'error.type': 'out_of_memory', 'accelmeter.kernel.name': 'matmul', 'hw.id': 'GPU-1' } },
  ]);
  expect(metrics.has('accelmeter.kernel.duration')).toBe(false);

  sink.deliver({ kind: 'compilation', duration: 1, failed: 'build_program_failure' });
  sink.deliver({ kind: 'allocation', bytes: 1, failed: 'out_of_memory' });
  const more = await collect(profiler);
  expect(pointsOf(more.get('accelmeter.kernel.compilation.failures'))).toMatchObject([
    { value: 1, attributes: { 'error.type': 'build_program_failure', 'hw.id': 'GPU-1' } },
  ]);
  expect(pointsOf(more.get('accelmeter.memory.failures'))).toMatchObject([
    { value: 1, attributes: { 'error.type': 'out_of_memory', 'hw.id': 'GPU-1' } },
  ]);
  expect(pointsOf(more.get('accelmeter.device.failures'))).toMatchObject([{ value: 3 }]);
  expect([more.has('accelmeter.kernel.compilation.duration'), more.has('accelmeter.memory.usage')]).toEqual([
    false,
    false,
  ]);
});

/** The samples of a page by series. */
const samples = (page: string) =>
  new Map(
    page
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );

it('the official PrometheusExporter serves it, and so does ours, with the same kernel counts', async () => {
  const { profiler, sink } = await machine();
  run(sink);
  const pages: string[] = [];
  for (const Exporter of [OfficialExporter, PrometheusExporter]) {
    const exporter = new Exporter({ preventServerStart: true, metricProducers: [profiler.metricProducer()] });
    const provider = new MeterProvider({ readers: [exporter] });
    closings.push(() => provider.shutdown());
    const server = createServer((request, response) => exporter.getMetricsRequestHandler(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closings.push(async () => server.close());
    const { port } = server.address() as { port: number };
    pages.push(await (await fetch(`http://127.0.0.1:${port}/`)).text());
  }
  const [official, ours] = pages.map((page) => samples(page));
  const count = (page: typeof ours, name: string) =>
    [...(page ?? [])].filter(([series]) => series.startsWith(`${name}_count`)).map(([, value]) => value);
  expect(count(official, 'accelmeter_kernel_duration')).toEqual([durations.length]);
  expect(count(ours, 'accelmeter_kernel_duration_seconds')).toEqual([durations.length]);
});
