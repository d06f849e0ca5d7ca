/** What a service measures with prom-client, in OpenTelemetry. */
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import * as sdk3 from '@opentelemetry/sdk-metrics';
import {
  AggregationType,
  DataPointType,
  type Histogram,
  MeterProvider,
  MetricReader,
} from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { fromRegistry, registerInto } from '../../../src/exporters/prom-client/bridge.ts';
import { machine, runEverything } from '../../otel/machine.ts';
import * as sdk2 from '../../services/sdk-2/sdk.ts';
import { metricsOf, receive } from '../otlp/receiver.ts';
import { serve } from '../prometheus/service.ts';
import { type Client, clients, openMetrics, samplesOf, type text } from './clients.ts';

type Registry = InstanceType<Client['Registry']>;

async function collect(registry: Registry, timeoutMillis = 1000) {
  const { resourceMetrics, errors } = await fromRegistry(registry).collect({ timeoutMillis });
  const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
  return { errors: errors.map((error) => String(error)), metrics };
}

/** Name, kind and points of each metric, as data. */
const told = ({ metrics }: Awaited<ReturnType<typeof collect>>) =>
  Object.fromEntries(
    metrics.map((metric) => [
      metric.descriptor.name,
      {
        type: DataPointType[metric.dataPointType],
        ...('isMonotonic' in metric && { isMonotonic: metric.isMonotonic }),
        points: metric.dataPoints.map(({ attributes, value }) => [{ ...attributes }, value]),
      },
    ]),
  );

/** A metric of somebody else's making. */
const foreign = (registry: Registry, metric: object) =>
  registry.registerMetric({ help: 'Foreign.', aggregator: 'sum', reset() {}, ...metric } as never);

describe.each(clients)('a registry of %s', (_, client) => {
  const empty = () => new client.Registry() as unknown as Registry;

  it('has its counters as monotonic sums and its gauges as gauges, under their names and labels', async () => {
    const registry = empty();
    const registers = [registry];
    const orders = new client.Counter({ name: 'orders_total', help: 'Orders.', labelNames: ['kind', 'n'], registers });
    orders.inc({ kind: 'new', n: 2 }, 3);
    orders.inc({ kind: 'old' });
    new client.Gauge({ name: 'queue_depth', help: 'Waiting.', registers }).set(-4.5);
    const collected = await collect(registry);
    expect(told(collected)).toEqual({
      orders_total: {
        type: 'SUM',
        isMonotonic: true,
        points: [
          [{ kind: 'new', n: '2' }, 3],
          [{ kind: 'old' }, 1],
        ],
      },
      queue_depth: { type: 'GAUGE', points: [[{}, -4.5]] },
    });
    expect(collected.errors).toEqual([]);
    expect(collected.metrics[0]?.descriptor).toMatchObject({ description: 'Orders.', unit: '' });
  });

  it('has its histograms with buckets one by one', async () => {
    const registry = empty();
    const wait = new client.Histogram({
      ...{ name: 'wait_seconds', help: 'Wait.', labelNames: ['route'], buckets: [0.1, 0.5, 1] },
      registers: [registry],
    });
    for (const seconds of [0.05, 0.1, 0.7, 3]) wait.observe({ route: '/a' }, seconds);
    wait.observe({ route: '/b' }, 0.5);
    expect(told(await collect(registry)).wait_seconds).toEqual({
      type: 'HISTOGRAM',
      points: [
        [{ route: '/a' }, { buckets: { boundaries: [0.1, 0.5, 1], counts: [2, 0, 1, 1] }, count: 4, sum: 3.85 }],
        [{ route: '/b' }, { buckets: { boundaries: [0.1, 0.5, 1], counts: [0, 1, 0, 0] }, count: 1, sum: 0.5 }],
      ],
    });
  });

  it('has histograms that are those of the SDK for the same values, whatever the values and boundaries', async () => {
    const bounds = fc.uniqueArray(fc.double({ min: -10, max: 10, noNaN: true }), { maxLength: 8 });
    // The SDK drops negative values.
    const observed = fc.array(fc.double({ min: 0, max: 20, noNaN: true }), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(bounds, observed, async (unsorted, values) => {
        const buckets = [...new Set(unsorted.map((bound) => bound + 0))].sort((a, b) => a - b); // -0 is 0
        const registry = empty();
        const theirs = new client.Histogram({ name: 'x', help: 'x', buckets: [...buckets], registers: [registry] });
        const sdk = sdkHistogram(buckets);
        for (const value of values) {
          theirs.observe(value);
          sdk.record(value);
        }
        const [metric] = (await collect(registry)).metrics;
        const bridged = metric?.dataPoints[0]?.value as Histogram;
        expect(bridged.buckets).toEqual((await sdk.read()).buckets);
        expect(bridged.count).toBe(values.length);
      }),
      { numRuns: 60 },
    );
  });

  it('has its summaries as a gauge of quantiles, and sums of what was observed', async () => {
    const registry = empty();
    const size = new client.Summary({
      ...{ name: 'size', help: 'Size.', labelNames: ['route'], percentiles: [0.5, 0.99] },
      registers: [registry],
    });
    for (const value of [1, 2, 3]) size.observe({ route: '/a' }, value);
    expect(told(await collect(registry))).toEqual({
      size: {
        type: 'GAUGE',
        points: [
          [{ route: '/a', quantile: '0.5' }, 2],
          [{ route: '/a', quantile: '0.99' }, 3],
        ],
      },
      size_sum: { type: 'SUM', isMonotonic: true, points: [[{ route: '/a' }, 6]] },
      size_count: { type: 'SUM', isMonotonic: true, points: [[{ route: '/a' }, 3]] },
    });
  });

  it('has its default labels on everything, under labels of a series, and leaves the registry as it was', async () => {
    const registry = empty();
    const registers = [registry];
    registry.setDefaultLabels({ app: 'shop', kind: 'no' });
    const orders = new client.Counter({ name: 'orders_total', help: 'x', labelNames: ['kind'], registers });
    orders.inc({ kind: 'new' });
    new client.Histogram({ name: 'wait', help: 'x', buckets: [1], registers }).observe(2);
    expect(told(await collect(registry))).toMatchObject({
      orders_total: { points: [[{ app: 'shop', kind: 'new' }, 1]] },
      wait: { points: [[{ app: 'shop', kind: 'no' }, { buckets: { counts: [0, 1] } }]] },
    });
    registry.setDefaultLabels({});
    expect(told(await collect(registry))).toMatchObject({
      orders_total: { points: [[{ kind: 'new' }, 1]] },
      wait: { points: [[{}, { count: 1 }]] },
    });
    const [metric] = (await registry.getMetricsAsJSON()) as unknown as { values: { labels: object }[] }[];
    expect(metric?.values[0]?.labels).toEqual({ kind: 'new' });
  });

  it('has its counters under the same names before and after a page in OpenMetrics', async () => {
    const registry = empty();
    registry.setContentType(openMetrics as unknown as typeof text);
    new client.Counter({ name: 'orders_total', help: 'x', registers: [registry] }).inc();
    new client.Counter({ name: 'retries', help: 'x', registers: [registry] }).inc();
    const names = async () => Object.keys(told(await collect(registry)));
    expect(await names()).toEqual(['orders_total', 'retries_total']);
    await registry.metrics();
    expect(await names()).toEqual(['orders_total', 'retries_total']);
  });

  it('counts since the process began, and a series that fell since the collection before', async () => {
    const registry = empty();
    const orders = new client.Counter({ name: 'orders_total', help: 'x', registers: [registry] });
    const producer = fromRegistry(registry);
    const point = async () => (await producer.collect()).resourceMetrics.scopeMetrics[0]?.metrics[0]?.dataPoints[0];
    const seconds = (time: readonly number[] = []) => (time[0] ?? 0) + (time[1] ?? 0) / 1e9;
    orders.inc(5);
    const first = await point();
    expect(seconds(first?.startTime)).toBeCloseTo(performance.timeOrigin / 1000, 2);
    orders.inc(1);
    const second = await point();
    expect(second?.startTime).toEqual(first?.startTime);
    expect(second?.attributes).toBe(first?.attributes);
    registry.resetMetrics();
    orders.inc(2);
    const third = await point();
    expect(third).toMatchObject({ value: 2, startTime: second?.endTime });
    orders.inc(2);
    expect(await point()).toMatchObject({ value: 4, startTime: second?.endTime });
  });

  it('on a reader has all of it on our page, as it is on its own', async () => {
    const registry = empty();
    const registers = [registry];
    new client.Counter({ name: 'orders_total', help: 'Orders.', labelNames: ['kind'], registers }).inc({
      kind: 'a"b\\c\n',
    });
    new client.Gauge({ name: 'depth', help: 'Depth.', registers }).set(Number.NEGATIVE_INFINITY);
    new client.Histogram({ name: 'wait_seconds', help: 'Wait.', buckets: [0.1, 1], registers }).observe(0.5);
    const { get } = await serve({ metricProducers: [fromRegistry(registry)], withoutTargetInfo: true });
    const { body } = await get('/metrics');
    expect(Object.fromEntries(samplesOf(body))).toEqual(Object.fromEntries(samplesOf(await registry.metrics())));
  });

  it('does not give back what registerInto put there', async () => {
    const registry = empty();
    new client.Gauge({ name: 'depth', help: 'x', registers: [registry] }).set(1);
    const { profiler, sink } = await machine();
    runEverything(sink);
    registerInto(registry, profiler);
    expect(Object.keys(told(await collect(registry)))).toEqual(['depth']);
  });

  it('has what the package itself measures of the process', async () => {
    const registry = empty();
    client.collectDefaultMetrics({ register: registry });
    onTestFinished(() => registry.clear());
    const collected = await collect(registry);
    expect(collected.errors).toEqual([]);
    expect(told(collected)).toMatchObject({
      process_cpu_seconds_total: { type: 'SUM' },
      nodejs_heap_size_used_bytes: { type: 'GAUGE' },
      nodejs_version_info: { points: [[{ version: process.version }, 1]] },
    });
  });
});

describe.each(clients)('of a registry of %s', (_, client) => {
  /** One that has a healthy gauge, and whatever else a test puts in. */
  const healthy = () => {
    const registry = new client.Registry() as unknown as Registry;
    new client.Gauge({ name: 'healthy', help: 'x', registers: [registry] }).set(1);
    return registry;
  };

  it.each([
    ['hangs', () => new Promise<never>(() => {}), 'Error: no answer within 0.02 s'],
    ['answers nothing', async () => null, 'TypeError: getMetricsAsJSON answered no list of metrics'],
    ['rejects', () => Promise.reject(new Error('of its own')), 'Error: of its own'],
  ])('a registry that %s is an error of the collection, within its time', async (_, getMetricsAsJSON, cause) => {
    const registry = Object.assign(new client.Registry() as unknown as Registry, {
      getMetricsAsJSON: getMetricsAsJSON as never,
    });
    const { resourceMetrics, errors } = await fromRegistry(registry).collect({ timeoutMillis: 20 });
    expect(resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)).toEqual([]);
    expect(errors.map(String)).toEqual(['Error: prom-client: the registry could not be read']);
    expect(String((errors[0] as Error).cause)).toBe(cause);
  });

  it('a registry of a class with private fields is read, without what is ours', async () => {
    class Counting extends client.Registry {
      #asked = 0;
      override getMetricsAsJSON(): ReturnType<Registry['getMetricsAsJSON']> {
        this.#asked++;
        return super.getMetricsAsJSON();
      }
      get asked(): number {
        return this.#asked;
      }
    }
    const registry = new Counting() as unknown as Registry & { asked: number };
    new client.Gauge({ name: 'queue_depth', help: 'Waiting.', registers: [registry] }).set(3);
    registerInto(registry, (await machine()).profiler);
    const collected = await collect(registry);
    expect(told(collected)).toEqual({ queue_depth: { type: 'GAUGE', points: [[{}, 3]] } });
    expect(collected.errors).toEqual([]);
    expect(registry.asked).toBe(1);
  });

  it('a metric that throws, rejects or hangs costs itself alone, and is an error of the collection', async () => {
    const registry = healthy();
    const get = {
      throws() {
        throw new Error('thrown');
      },
      rejects: async () => Promise.reject(new Error('rejected')),
      hangs: () => new Promise(() => {}),
    };
    for (const [name, how] of Object.entries(get)) foreign(registry, { name, type: 'gauge', get: how });
    foreign(registry, { name: 'has_no_get', type: 'gauge' });
    const throwing = () => {
      throw new Error('collect');
    };
    new client.Gauge({ name: 'collects', help: 'x', registers: [registry], collect: throwing });
    const collected = await collect(registry, 50);
    expect(Object.keys(told(collected))).toEqual(['healthy']);
    expect(collected.errors.map((error) => error.replace(/^Error: prom-client: /, '')).sort()).toEqual([
      'collects could not be read',
      'hangs could not be read',
      'rejects could not be read',
      'throws could not be read',
    ]);
  });

  it('values that are no numbers, and counters below 0, are left out', async () => {
    const registry = healthy();
    const values = [Number.NaN, '7', null, undefined, {}, -1, Number.POSITIVE_INFINITY, 2].map((value, i) => ({
      value,
      labels: { i },
    }));
    for (const type of ['counter', 'gauge'])
      foreign(registry, { name: type, type, get: async () => ({ name: type, type, values }) });
    expect(told(await collect(registry))).toMatchObject({
      counter: { points: [[{ i: '7' }, 2]] },
      gauge: {
        points: [
          [{ i: '5' }, -1],
          [{ i: '6' }, Number.POSITIVE_INFINITY],
          [{ i: '7' }, 2],
        ],
      },
    });
  });

  const bucket = (le: unknown, value: unknown) => ({ metricName: 'h_bucket', labels: { le }, value });
  const count = (value: unknown) => ({ metricName: 'h_count', labels: {}, value });
  const sum = (value: unknown) => ({ metricName: 'h_sum', labels: {}, value });
  it.each([
    ['fall', [bucket(1, 3), bucket(2, 2), bucket('+Inf', 3), count(3)]],
    ['repeat a bound', [bucket(1, 1), bucket('1', 2), bucket('+Inf', 3), count(3)]],
    ['do not add up to the count', [bucket(1, 3), bucket('+Inf', 3), count(4)]],
    ['are above the count', [bucket(1, 5), count(4)]],
    ['are no whole numbers', [bucket(1, 1.5), bucket('+Inf', 3), count(3)]],
    ['are negative', [bucket(1, -1), bucket('+Inf', 3), count(3)]],
    ['have a bound that is none', [bucket('x', 1), bucket('+Inf', 3), count(3)]],
    ['have no bound', [bucket(undefined, 1), bucket('+Inf', 3), count(3)]],
    ['have no count', [bucket(1, 1), bucket('+Inf', 3), sum(3)]],
    ['have a count that is none', [bucket('+Inf', 3), count(Number.NaN)]],
  ])('a histogram whose buckets %s is left out', async (_what, values) => {
    const registry = healthy();
    foreign(registry, { name: 'h', type: 'histogram', get: async () => ({ name: 'h', type: 'histogram', values }) });
    expect(Object.keys(told(await collect(registry)))).toEqual(['healthy']);
  });

  it.each([
    ['in any order', [sum(1), bucket('+Inf', 3), count(3), bucket('2', 2), bucket(1, 1)], [1, 1, 1], 1],
    ['without +Inf', [bucket(1, 1), bucket(2, 2), count(3), sum(1)], [1, 1, 1], 1],
    ['without a sum', [bucket(1, 1), bucket(2, 2), count(3)], [1, 1, 1], undefined],
    ['with a sum that is none', [bucket(1, 1), bucket(2, 2), count(3), sum(Number.NaN)], [1, 1, 1], undefined],
  ])('a histogram %s is one', async (_what, values, counts, total) => {
    const registry = healthy();
    foreign(registry, { name: 'h', type: 'histogram', get: async () => ({ name: 'h', type: 'histogram', values }) });
    const value = { buckets: { boundaries: [1, 2], counts }, count: 3, ...(total !== undefined && { sum: total }) };
    expect(told(await collect(registry)).h?.points).toEqual([[{}, value]]);
  });

  it('families that are none are told, or nothing', async () => {
    const registry = healthy();
    const answers = {
      n: null,
      text: 'x',
      list: [],
      nameless: { values: [] },
      odd: { name: 'odd', type: 'info', values: [] },
    };
    for (const [name, answer] of Object.entries(answers))
      foreign(registry, { name, type: 'gauge', get: async () => answer });
    foreign(registry, {
      name: 'lines',
      type: 'gauge',
      get: async () => ({ name: 'lines', type: 'gauge', values: [null, 3, 'x', {}] }),
    });
    const collected = await collect(registry);
    expect(Object.keys(told(collected))).toEqual(['healthy']);
    expect(collected.errors).toEqual(['Error: prom-client: odd is of the type info, which is not known']);
  });

  it('a label that has no text costs its metric alone', async () => {
    const registry = healthy();
    const labels = { of: Object.create(null) };
    foreign(registry, {
      name: 'm',
      type: 'gauge',
      get: async () => ({ name: 'm', type: 'gauge', values: [{ labels, value: 1 }] }),
    });
    const collected = await collect(registry);
    expect(Object.keys(told(collected))).toEqual(['healthy']);
    expect(collected.errors).toEqual(['Error: prom-client: a metric could not be translated']);
  });

  it('anything at all that metrics answer never makes a collection reject', async () => {
    const line = fc.record(
      {
        value: fc.anything(),
        labels: fc.oneof(fc.dictionary(fc.string(), fc.anything()), fc.anything()),
        metricName: fc.anything(),
        sharedLabels: fc.anything(),
      },
      { requiredKeys: [] },
    );
    const type = fc.constantFrom('counter', 'gauge', 'histogram', 'summary', 'x');
    const answer = fc.oneof(
      fc.record({ name: fc.constant('m'), help: fc.anything(), type, values: fc.array(line, { maxLength: 5 }) }),
      fc.anything(),
    );
    await fc.assert(
      fc.asyncProperty(answer, async (given) => {
        const registry = healthy();
        foreign(registry, { name: 'm', type: 'gauge', get: async () => given });
        const collected = await collect(registry);
        expect(told(collected)).toHaveProperty('healthy');
        for (const { dataPoints } of collected.metrics) {
          for (const { attributes } of dataPoints) {
            expect(Object.values(attributes).every((value) => typeof value === 'string')).toBe(true);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('a registry that throws is an error of the collection', async () => {
    const registry = healthy();
    vi.spyOn(registry, 'getMetricsAsArray').mockImplementation(() => {
      throw new Error('gone');
    });
    expect(await collect(registry)).toEqual({
      metrics: [],
      errors: ['Error: prom-client: the registry could not be read'],
    });
  });
});

/** One of each kind. */
function shop(): Registry {
  const registry = new clients[0][1].Registry();
  const registers = [registry];
  new clients[0][1].Counter({ name: 'orders_total', help: 'Orders.', registers }).inc(3);
  new clients[0][1].Gauge({ name: 'depth', help: 'Depth.', registers }).set(2);
  new clients[0][1].Histogram({ name: 'wait_seconds', help: 'Wait.', buckets: [1, 2], registers }).observe(1.5);
  new clients[0][1].Summary({ name: 'size', help: 'Size.', percentiles: [0.5], registers }).observe(7);
  return registry;
}

it.each([
  ['3.x', sdk3],
  ['2.x', sdk2 as unknown as typeof sdk3],
])('a reader of the SDK %s takes it, beside what the service measures with the SDK', async (_, sdk) => {
  const exporter = new sdk.InMemoryMetricExporter(sdk.AggregationTemporality.DELTA);
  const reader = new sdk.PeriodicExportingMetricReader({ exporter, metricProducers: [fromRegistry(shop())] });
  const meters = new sdk.MeterProvider({ readers: [reader] });
  meters.getMeter('own').createCounter('own').add(1);
  await meters.forceFlush();
  const [collected] = exporter.getMetrics();
  const names = collected?.scopeMetrics.flatMap(({ metrics }) => metrics.map(({ descriptor }) => descriptor.name));
  expect(names).toEqual(['own', 'orders_total', 'depth', 'wait_seconds', 'size', 'size_sum', 'size_count']);
  await meters.shutdown();
});

it("OpenTelemetry's own OTLP exporter sends it as it is", async () => {
  const receiver = await receive();
  const exporter = new OTLPMetricExporter({ url: `${receiver.url}/v1/metrics` });
  const { resourceMetrics } = await fromRegistry(shop()).collect();
  await new Promise((resolve) => exporter.export(resourceMetrics, resolve));
  await exporter.shutdown();
  const sent = Object.fromEntries(metricsOf(receiver.arrived[0]?.request).map((metric) => [metric.name, metric]));
  expect(sent.orders_total?.sum).toMatchObject({
    isMonotonic: true,
    aggregationTemporality: 'AGGREGATION_TEMPORALITY_CUMULATIVE',
    dataPoints: [{ asDouble: 3 }],
  });
  expect(sent.depth?.gauge?.dataPoints).toMatchObject([{ asDouble: 2 }]);
  const point = { explicitBounds: [1, 2], bucketCounts: ['0', '1', '0'], count: '1', sum: 1.5 };
  expect(sent.wait_seconds?.histogram?.dataPoints).toMatchObject([point]);
  const start = Number(sent.wait_seconds?.histogram?.dataPoints[0]?.startTimeUnixNano);
  expect(start / 1e6).toBeCloseTo(performance.timeOrigin, -1);
});

it('fromRegistry refuses what is no registry', () => {
  expect(() => fromRegistry({} as never)).toThrow(TypeError);
});

class Reader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

function sdkHistogram(boundaries: number[]) {
  const reader = new Reader();
  const options = { boundaries, recordMinMax: false };
  const aggregation = { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options } as const;
  const meters = new MeterProvider({ readers: [reader], views: [{ instrumentName: '*', aggregation }] });
  const histogram = meters.getMeter('test').createHistogram('x');
  return {
    record: (value: number) => histogram.record(value),
    async read() {
      const { resourceMetrics } = await reader.collect();
      return resourceMetrics.scopeMetrics[0]?.metrics[0]?.dataPoints[0]?.value as Histogram;
    },
  };
}
