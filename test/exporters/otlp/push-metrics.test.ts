import type { CollectionResult } from '@opentelemetry/sdk-metrics';
import { describe, expect, it, onTestFinished } from 'vitest';
import { catalogue } from '../../../src/catalogue.ts';
import { type MetricPush, pushMetrics } from '../../../src/exporters/otlp/push-metrics.ts';
import { readMetricSettings } from '../../../src/exporters/otlp/settings.ts';
import type { Profiler } from '../../../src/profiler.ts';
import { version } from '../../../src/version.ts';
import { durations, machine, run, runEverything } from '../../otel/machine.ts';
import { attributesOf, metricsOf, partialSuccess, type Receiver, receive } from './receiver.ts';

interface Pushing {
  readonly push: MetricPush;
  readonly said: string[];
}

/** A push as the environment says; it is stopped when the test ends. */
function pushTo(profiler: Pick<Profiler, 'metricProducer'>, environment: Record<string, string>): Pushing {
  const said: string[] = [];
  const settings = readMetricSettings(environment, (problem) => said.push(problem));
  const producer = profiler.metricProducer(settings.producer);
  const push = pushMetrics({ settings, producer, say: (line) => said.push(line) });
  onTestFinished(() => push.stop());
  return { push, said };
}

const to = ({ url }: Receiver, more: Record<string, string> = {}) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: url, ...more });
const last = (receiver: Receiver) => metricsOf(receiver.arrived.at(-1)?.request);
const metric = (receiver: Receiver, name: string) => last(receiver).find((each) => each.name === name);
const sumOf = (counts: readonly string[] = []) => counts.reduce((sum, count) => sum + Number(count), 0);

describe('what arrives', () => {
  it('is every metric with its unit, description and kind, under our scope', async () => {
    const receiver = await receive();
    const { profiler, sink } = await machine();
    runEverything(sink);
    await pushTo(profiler, to(receiver)).push.flush(5000);
    const [scope] = receiver.arrived[0]?.request.resourceMetrics[0]?.scopeMetrics ?? [];
    expect(scope?.scope).toEqual({ name: 'accelmeter', version });
    expect(last(receiver).length).toBeGreaterThan(20);
    for (const { name, unit, description, gauge, sum, histogram } of last(receiver)) {
      const declared = catalogue[name as keyof typeof catalogue];
      expect({ unit, description }).toEqual({ unit: declared.unit, description: declared.brief });
      const kinds = { gauge, histogram, counter: sum, updowncounter: sum };
      expect(kinds[declared.instrument]?.dataPoints.length, name).toBeGreaterThan(0);
      if (sum) expect(sum.isMonotonic).toBe(declared.instrument === 'counter');
    }
  });

  it('says whose it is', async () => {
    const receiver = await receive();
    const { profiler } = await machine();
    await pushTo(profiler, to(receiver)).push.flush(5000);
    const resource = attributesOf(receiver.arrived[0]?.request.resourceMetrics[0]?.resource.attributes);
    expect(resource).toMatchObject({ 'process.pid': String(process.pid), 'service.name': expect.any(String) });
  });

  it('goes where the environment says, with its headers, compressed where it says so', async () => {
    const receiver = await receive();
    const { profiler } = await machine();
    const common = {
      OTEL_EXPORTER_OTLP_ENDPOINT: `${receiver.url}/tenant/`,
      OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=x%20y',
    };
    await pushTo(profiler, { ...common, OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' }).push.flush(5000);
    const own = {
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${receiver.url}/otlp`,
      OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'a=2',
    };
    await pushTo(profiler, { ...common, ...own }).push.flush(5000);
    const [first, second] = receiver.arrived;
    expect(first?.path).toBe('/tenant/v1/metrics');
    expect(first?.headers).toMatchObject({ a: '1', b: 'x y', 'content-encoding': 'gzip' });
    expect(first?.headers['content-type']).toBe('application/x-protobuf');
    expect(second?.path).toBe('/otlp');
    expect(second?.headers).toMatchObject({ a: '2', b: 'x y' });
    expect(second?.headers['content-encoding']).toBeUndefined();
  });

  it.each([
    ['cumulative', ['CUMULATIVE', 'CUMULATIVE'], [7, 14]],
    ['delta', ['DELTA', 'DELTA'], [7, 7]],
    ['lowmemory', ['DELTA', 'CUMULATIVE'], [7, 7]],
    ['DELTA', ['DELTA', 'DELTA'], [7, 7]],
  ])('is %s as preferred', async (preference, [ofHistogram, ofCounter], counts) => {
    const receiver = await receive();
    const { profiler, sink } = await machine();
    const { push } = pushTo(profiler, to(receiver, { OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: preference }));
    for (const count of counts) {
      run(sink);
      await push.flush(5000);
      const { histogram } = metric(receiver, 'accelmeter.kernel.duration') ?? {};
      expect(histogram?.aggregationTemporality).toBe(`AGGREGATION_TEMPORALITY_${ofHistogram}`);
      expect(histogram?.dataPoints.map((point) => Number(point.count))).toEqual([count]);
    }
    const counter = metric(receiver, 'accelmeter.self.time')?.sum;
    expect(counter?.aggregationTemporality).toBe(`AGGREGATION_TEMPORALITY_${ofCounter}`);
    const level = metric(receiver, 'hw.gpu.memory.limit')?.sum;
    expect(level?.aggregationTemporality).toBe('AGGREGATION_TEMPORALITY_CUMULATIVE');
  });

  it.each([
    ['explicit_bucket_histogram', 'histogram'],
    ['base2_exponential_bucket_histogram', 'exponentialHistogram'],
  ] as const)('has the durations as %s, with all that was recorded', async (aggregation, kind) => {
    const receiver = await receive();
    const { profiler, sink } = await machine();
    run(sink);
    const variable = 'OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION';
    await pushTo(profiler, to(receiver, { [variable]: aggregation })).push.flush(5000);
    const [point] = metric(receiver, 'accelmeter.kernel.duration')?.[kind]?.dataPoints ?? [];
    const buckets = kind === 'histogram' ? point?.bucketCounts : point?.positive?.bucketCounts;
    expect([Number(point?.count), sumOf(buckets)]).toEqual([durations.length, durations.length]);
    expect(point?.sum).toBeCloseTo(
      durations.reduce((a, b) => a + b, 0),
      9,
    );
    expect([point?.min, point?.max]).toEqual([Math.min(...durations), Math.max(...durations)]);
    if (kind === 'histogram') expect(point?.bucketCounts).toHaveLength((point?.explicitBounds?.length ?? 0) + 1);
    else expect(point?.scale).toBeLessThanOrEqual(5);
  });
});

describe('again and again', () => {
  it('at the interval that is set', async () => {
    const receiver = await receive();
    const { profiler } = await machine();
    pushTo(profiler, to(receiver, { OTEL_METRIC_EXPORT_INTERVAL: '60' }));
    await receiver.has(3);
  });

  it('but not while the profiler is paused', async () => {
    const receiver = await receive();
    const { profiler } = await machine();
    const settings = readMetricSettings(to(receiver, { OTEL_METRIC_EXPORT_INTERVAL: '20' }), () => {});
    profiler.pause();
    const producer = profiler.metricProducer();
    const push = pushMetrics({ settings, producer, say: () => {}, paused: () => profiler.paused });
    onTestFinished(() => push.stop());
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(receiver.arrived).toHaveLength(0);
    profiler.resume();
    await receiver.has(1);
  });

  it('and no more once it is stopped', async () => {
    const receiver = await receive();
    const { profiler } = await machine();
    const { push } = pushTo(profiler, to(receiver, { OTEL_METRIC_EXPORT_INTERVAL: '30' }));
    await receiver.has(1);
    push.stop();
    await new Promise((resolve) => setTimeout(resolve, 40)); // one may be under way
    const { length } = receiver.arrived;
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(receiver.arrived).toHaveLength(length);
  });

  it('but not while one is under way', async () => {
    const receiver = await receive(() => undefined);
    const { profiler } = await machine();
    pushTo(profiler, to(receiver, { OTEL_METRIC_EXPORT_INTERVAL: '20', OTEL_EXPORTER_OTLP_TIMEOUT: '2000' }));
    await receiver.has(1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(receiver.arrived).toHaveLength(1);
  });
});

describe('a receiver that', () => {
  it.each([429, 502, 503, 504])('answers %i is asked again, when it wants to be', async (status) => {
    const busy = { status, headers: { 'retry-after': '0.05' } };
    const receiver = await receive((index) => (index < 2 ? busy : { status: 200 }));
    const { profiler } = await machine();
    const { push, said } = pushTo(profiler, to(receiver));
    await push.flush(5000);
    expect(receiver.arrived).toHaveLength(3);
    expect(said).toEqual([]);
  });

  it.each([400, 401, 404, 500])('answers %i is not asked again, and that is said once', async (status) => {
    const receiver = await receive(() => ({ status }));
    const { profiler } = await machine();
    const { push, said } = pushTo(profiler, to(receiver, { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=secret' }));
    await push.flush(5000);
    await push.flush(5000);
    expect(receiver.arrived).toHaveLength(2);
    expect(said).toEqual([
      `OTLP ${receiver.url}/v1/metrics does not take metrics: HTTP ${status}; tried again every 60 s`,
    ]);
  });

  it('is not there costs nothing, is said once, and again when it is there', async () => {
    let up = false;
    const receiver = await receive(() => ({ status: up ? 200 : 500 }));
    const { profiler } = await machine();
    const { push, said } = pushTo(profiler, to(receiver));
    await push.flush(1000);
    await push.flush(1000);
    up = true;
    await push.flush(1000);
    await push.flush(1000);
    expect(said).toEqual([expect.stringContaining('does not take'), expect.stringContaining('takes metrics again')]);
  });

  it('has no listener is told by what the system says', async () => {
    const { profiler } = await machine();
    const { push, said } = pushTo(profiler, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://user:secret@127.0.0.1:9' });
    await push.flush(200);
    expect(said).toEqual([expect.stringMatching(/^OTLP http:\/\/127\.0\.0\.1:9\/v1\/metrics .*ECONNREFUSED/)]);
  });

  it('never answers is given up when the time is over', async () => {
    const receiver = await receive(() => undefined);
    const { profiler } = await machine();
    const { push, said } = pushTo(profiler, to(receiver, { OTEL_EXPORTER_OTLP_TIMEOUT: '150' }));
    const start = performance.now();
    await push.flush(5000);
    expect(performance.now() - start).toBeLessThan(1500);
    expect(said).toEqual([expect.stringContaining('no answer in time')]);
  });

  it('refuses some points has its reason told, once', async () => {
    const receiver = await receive(() => ({ status: 200, body: partialSuccess(2, 'too many series') }));
    const { profiler } = await machine();
    const { push, said } = pushTo(profiler, to(receiver));
    await push.flush(1000);
    await push.flush(1000);
    expect(said).toEqual([`OTLP ${receiver.url}/v1/metrics refused 2 points: too many series`]);
  });

  it('sends an answer without an end is cut off', async () => {
    const receiver = await receive(() => ({ status: 200, body: Buffer.alloc(200_000) }));
    const { profiler } = await machine();
    const { push, said } = pushTo(profiler, to(receiver));
    await push.flush(500);
    expect(said).toEqual([expect.stringContaining('does not end')]);
  });
});

it('a producer that throws is an outage, and no unhandled rejection', async () => {
  const receiver = await receive();
  const broken = { metricProducer: () => ({ collect: () => Promise.reject<CollectionResult>(new Error('broken')) }) };
  const { push, said } = pushTo(broken, to(receiver, { OTEL_METRIC_EXPORT_INTERVAL: '10' }));
  await new Promise((resolve) => setTimeout(resolve, 60));
  await push.flush(100);
  expect(said).toEqual([expect.stringContaining('broken')]);
});
