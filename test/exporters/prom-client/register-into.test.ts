/** Our metrics on the page that a service has. */
import { spawnSync } from 'node:child_process';
import * as successor from '@prometheus-io/client';
import * as promClient from 'prom-client';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { catalogue, type MetricName } from '../../../src/catalogue.ts';
import { fromRegistry, type PromClientRegistry, registerInto } from '../../../src/exporters/prom-client/bridge.ts';
import type { Profiler } from '../../../src/profiler.ts';
import { runNode } from '../../child.ts';
import { machine, run, runEverything } from '../../otel/machine.ts';
import { lacks, requirePart } from '../../parts.ts';
import { serve } from '../prometheus/service.ts';
import { type Client, clients, openMetrics, samplesOf, text, typesOf } from './clients.ts';

/** A machine that computed something, and a registry with a metric of the service's own. */
async function service(client: Client, contentType: typeof text | typeof openMetrics = text) {
  const measured = await machine({ collects: true });
  const { registry, orders } = shop(client, contentType);
  runEverything(measured.sink);
  return { ...measured, registry, orders };
}

function shop(client: Client, contentType: typeof text | typeof openMetrics = text) {
  const registry = new client.Registry() as InstanceType<Client['Registry']>;
  registry.setContentType(contentType as typeof text);
  const orders = new client.Counter({
    name: 'shop_orders_total',
    help: 'Orders.',
    labelNames: ['kind'],
    registers: [registry],
  });
  orders.inc({ kind: 'new' }, 3);
  return { registry, orders };
}

/** What is warned of until the test ends. */
function warnings(): string[] {
  const said: string[] = [];
  const spy = vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void said.push(String(warning)));
  onTestFinished(() => spy.mockRestore());
  return said;
}

/** Values that move from one collection to the next, of whatever is collected. */
const moving =
  /^(accelmeter_device_busy|accelmeter_self_time|accelmeter_sample_duration|accelmeter_kernel_window_age|process_|nodejs_|accelmeter_bridge)/;
const standing = (samples: Map<string, number>) =>
  Object.fromEntries([...samples].filter(([key]) => !moving.test(key) && !/^(target_info|shop_)/.test(key)).sort());

describe.each(clients)('a page of %s', (_, client) => {
  it('has the series of our own page, with their values, beside those of the service', async () => {
    const { registry, profiler } = await service(client);
    registerInto(registry, profiler);
    const page = await registry.metrics();
    const { get } = await serve({ metricProducers: [profiler.metricProducer()] });
    const ours = samplesOf((await get('/metrics')).body);
    expect(standing(samplesOf(page))).toEqual(standing(ours));
    expect(Object.keys(standing(ours)).length).toBeGreaterThan(150);
    expect(samplesOf(page).get('shop_orders_total{kind="new"}')).toBe(3);
  });

  it('has HELP and TYPE of every metric of the catalogue once', async () => {
    const { registry, profiler } = await service(client);
    registerInto(registry, profiler);
    const page = await registry.metrics();
    const types = typesOf(page);
    expect(Object.keys(types)).toHaveLength(Object.keys(catalogue).length + 1);
    expect(types).toMatchObject({
      accelmeter_kernel_duration_seconds: 'histogram',
      accelmeter_device_busy_seconds_total: 'counter',
      hw_gpu_memory_limit_bytes: 'gauge',
      accelmeter_device_utilization_ratio: 'gauge',
    });
    expect(page.match(/^# TYPE /gm)).toHaveLength(Object.keys(types).length);
    expect(page).toContain(`# HELP accelmeter_device_busy_seconds_total ${catalogue['accelmeter.device.busy'].brief}`);
  });

  it('is the same in OpenMetrics, where families of counters have no _total and samples do', async () => {
    const inText = await service(client);
    registerInto(inText.registry, inText.profiler);
    const textual = standing(samplesOf(await inText.registry.metrics()));
    const inOpenMetrics = await service(client, openMetrics);
    registerInto(inOpenMetrics.registry, inOpenMetrics.profiler);
    const page = await inOpenMetrics.registry.metrics();
    expect(Object.keys(standing(samplesOf(page)))).toEqual(Object.keys(textual));
    expect(page).toMatch(/# EOF\n$/);
    const types = typesOf(page);
    expect(types.accelmeter_device_busy_seconds).toBe('counter');
    expect(Object.keys(types).filter((name) => name.endsWith('_total'))).toEqual([]);
  });

  it('keeps its names where the service goes from OpenMetrics to text and back', async () => {
    const { registry, profiler } = await service(client);
    registerInto(registry, profiler);
    const names = async () => Object.keys(standing(samplesOf(await registry.metrics())));
    const before = await names();
    registry.setContentType(openMetrics as unknown as typeof text);
    expect(await names()).toEqual(before);
    registry.setContentType(text);
    expect(await names()).toEqual(before);
    expect(typesOf(await registry.metrics()).accelmeter_device_busy_seconds_total).toBe('counter');
  });

  it('has the default labels of the registry on our series, and never over labels of ours', async () => {
    const { registry, profiler } = await service(client);
    registry.setDefaultLabels({ app: 'shop', hw_id: 'no', accelmeter_source: 'no' });
    registerInto(registry, profiler);
    const samples = [...samplesOf(await registry.metrics()).keys()];
    const busy = samples.find((key) => key.startsWith('accelmeter_device_busy_seconds_total'));
    expect(busy).toBe(
      'accelmeter_device_busy_seconds_total{accelmeter_backend="opencl",accelmeter_source="no",app="shop",hw_id="GPU-1",hw_type="gpu"}',
    );
    expect(samples.filter((key) => !key.includes('app="shop"'))).toEqual([]);
    expect(samples).toContain('accelmeter_source_up{accelmeter_source="opencl",app="shop",hw_id="no"}');
  });

  it('is made from one collection, whose histograms add up while kernels go on', async () => {
    const { registry, profiler, sink } = await service(client);
    let collections = 0;
    const counting: Pick<Profiler, 'metricProducer'> = {
      metricProducer(options) {
        const producer = profiler.metricProducer(options);
        return {
          collect() {
            collections++;
            return producer.collect();
          },
        };
      },
    };
    registerInto(registry, counting);
    const [first, second] = await Promise.all([registry.metrics(), registry.metrics()]);
    run(sink);
    const third = await registry.metrics();
    expect(collections).toBe(2); // The first two came at once.
    for (const page of [first, second, third]) {
      const samples = [...samplesOf(page)];
      const counts = samples.filter(([key]) => key.includes('_duration_seconds_count'));
      expect(counts.length).toBeGreaterThan(3);
      for (const [key, count] of counts) {
        const labels = key.slice(key.indexOf('{') + 1, -1);
        const bucket = samples.find(
          ([each]) =>
            each.startsWith(key.replace(/_count\{.*/, '_bucket{')) &&
            each.includes('le="+Inf"') &&
            labels.split(',').every((label) => each.includes(label)),
        );
        expect(bucket?.[1], key).toBe(count);
      }
    }
  });

  it.skipIf(lacks('promtool'))('is one that promtool reads without complaint', async () => {
    const { registry, profiler } = await service(client);
    registerInto(registry, profiler);
    const { path } = requirePart('promtool');
    const { stdout, stderr } = spawnSync(path, ['check', 'metrics'], { input: await registry.metrics() });
    // Of this one the name is OpenTelemetry's.
    expect(`${stdout}${stderr}`.replace(/^process_thread_count .*"_count" suffix\n/, '')).toBe('');
  });

  it('has one metric where the service asks for one, in either format', async () => {
    const { registry, profiler } = await service(client);
    registerInto(registry, profiler);
    const name = 'accelmeter_device_busy_seconds_total';
    expect(samplesOf(await registry.getSingleMetricAsString(name)).size).toBe(1);
    registry.setContentType(openMetrics as unknown as typeof text);
    expect([...samplesOf(await registry.getSingleMetricAsString(name)).keys()][0]).toMatch(
      /^accelmeter_device_busy_seconds_total\{/,
    );
  });

  it('has ours too where the service merges registries', async () => {
    const { registry, profiler } = await service(client);
    registerInto(registry, profiler);
    const other = new client.Registry();
    const merged = client.Registry.merge([registry, other] as never);
    const page = samplesOf(await merged.metrics());
    expect(Object.keys(standing(page))).toEqual(Object.keys(standing(samplesOf(await registry.metrics()))));
  });

  it('tells of a device as long as it is there, and of what it did from its beginning', async () => {
    const { registry, profiler, leave, sink } = await service(client);
    registerInto(registry, profiler);
    const busy = async () => [...samplesOf(await registry.metrics())].filter(([key]) => key.includes('hw_id="GPU-1"'));
    const before = await busy();
    registry.resetMetrics();
    run(sink);
    const after = new Map(await busy());
    for (const [key, value] of before.filter(([name]) => /_(count|total)\{/.test(name))) {
      expect(after.get(key), key).toBeGreaterThanOrEqual(value);
    }
    leave();
    expect(await busy()).toEqual([]);
  });

  it('is the page of the service alone when accelmeter has been unregistered', async () => {
    const { registry, profiler } = await service(client);
    const bare = await shop(client).registry.metrics();
    const registration = registerInto(registry, profiler);
    registration.unregister();
    registration.unregister();
    expect(await registry.metrics()).toBe(bare);
  });
});

describe.each(clients)('a registry of %s', (_, client) => {
  it('keeps what it has under a name of ours, and that is said', async () => {
    const said = warnings();
    const { registry, profiler } = await service(client);
    const own = new client.Gauge({ name: 'process_uptime_seconds', help: 'Own.', registers: [registry] });
    own.set(-7);
    const registration = registerInto(registry, profiler);
    const page = await registry.metrics();
    expect(said.join()).toMatch(/names already, and keeps them: process_uptime_seconds$/);
    expect(page.match(/^process_uptime_seconds .*$/gm)).toEqual(['process_uptime_seconds -7']);
    registration.unregister();
    expect(registry.getSingleMetric('process_uptime_seconds')).toBe(own);
  });

  it('has place beside the default metrics of the package: no name is the same', async () => {
    const said = warnings();
    const { registry, profiler } = await service(client);
    client.collectDefaultMetrics({ register: registry });
    registerInto(registry, profiler);
    expect(said).toEqual([]);
    registry.clear();
  });

  it('is given the same metrics once, and those of another profiler in their place', async () => {
    const said = warnings();
    const { registry, profiler } = await service(client);
    const first = registerInto(registry, profiler);
    expect(registerInto(registry, profiler)).toBe(first);
    const other = await machine();
    registerInto(registry, other.profiler);
    first.unregister();
    const page = samplesOf(await registry.metrics());
    expect([...page.keys()].filter((key) => key.startsWith('accelmeter_device_info'))).toHaveLength(1);
    expect([...page.keys()].filter((key) => key.startsWith('accelmeter_kernel_duration'))).toEqual([]);
    expect(said).toEqual([]);
  });

  it('takes them again after the service has cleared it', async () => {
    const { registry, profiler } = await service(client);
    registerInto(registry, profiler);
    registry.clear();
    registerInto(registry, profiler);
    expect(samplesOf(await registry.metrics()).size).toBeGreaterThan(150);
  });

  it('that has the metrics of register has them as soon as there are any', async () => {
    const { profiler } = await machine();
    const { registry } = shop(client);
    registerInto(registry);
    expect([...samplesOf(await registry.metrics()).keys()]).toEqual(['shop_orders_total{kind="new"}']);
    Object.defineProperty(globalThis, Symbol.for('accelmeter'), { value: profiler, configurable: true });
    onTestFinished(() => void Reflect.deleteProperty(globalThis, Symbol.for('accelmeter')));
    expect([...samplesOf(await registry.metrics()).keys()].length).toBeGreaterThan(10);
  });
});

describe.each(clients)('when collecting goes wrong, a page of %s', (_, client) => {
  const failing = (collect: () => Promise<never>) => ({ metricProducer: () => ({ collect }) });

  it('is without our values, which is said, and after three times it is not tried again', async () => {
    const said = warnings();
    const { registry } = shop(client);
    const collect = vi.fn(() => Promise.reject(new Error('gone')));
    registerInto(registry, failing(collect));
    for (let i = 0; i < 5; i++) expect([...samplesOf(await registry.metrics()).values()]).toEqual([3]);
    expect(collect).toHaveBeenCalledTimes(3);
    expect(said).toHaveLength(3);
    expect(said[2]).toMatch(/missing on a page of prom-client; no more is tried: Error: gone$/);
  });

  it('is without them too where the collection throws at once, or gives what is none', async () => {
    const said = warnings();
    for (const collect of [
      () => {
        throw new Error('at once');
      },
      async () => ({}) as never,
      async () => ({ resourceMetrics: { scopeMetrics: [{ metrics: [{}] }] } }) as never,
    ]) {
      const { registry } = shop(client);
      registerInto(registry, failing(collect));
      expect([...samplesOf(await registry.metrics()).values()]).toEqual([3]);
    }
    expect(said).toHaveLength(3);
  });

  it('is without them where one metric has values that are none', async () => {
    const said = warnings();
    const { registry } = shop(client);
    const broken = { descriptor: { name: 'accelmeter.device.busy' }, dataPointType: 3, dataPoints: undefined };
    const scopeMetrics = [{ metrics: [broken] }];
    registerInto(
      registry,
      failing(async () => ({ resourceMetrics: { scopeMetrics } }) as never),
    );
    for (let i = 0; i < 3; i++) expect([...samplesOf(await registry.metrics()).values()]).toEqual([3]);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/^accelmeter_device_busy_seconds_total is missing on a page of prom-client/);
  });

  it('comes without them where the collection hangs', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const said = warnings();
    const { registry } = shop(client);
    registerInto(
      registry,
      failing(() => new Promise(() => {})),
    );
    const page = registry.metrics();
    await vi.advanceTimersByTimeAsync(2000);
    expect([...samplesOf(await page).values()]).toEqual([3]);
    expect(said[0]).toMatch(/not collected within 2 s$/);
  });
});

describe.each(clients)('what the workers of a cluster send with %s', (_, client) => {
  /** As `AggregatorRegistry` makes one page of several answers, which come through a channel as JSON. */
  const aggregate = async (...answers: object[][]) =>
    samplesOf(await client.AggregatorRegistry.aggregate(JSON.parse(JSON.stringify(answers))).metrics());

  it('becomes work added up, devices told once, and of each process the sum or the worst', async () => {
    const answers: object[][] = [];
    for (const _worker of [1, 2, 3]) {
      const { registry, profiler } = await service(client);
      registerInto(registry, profiler);
      answers.push(await registry.getMetricsAsJSON());
    }
    const single = await aggregate(answers[0] as object[]);
    const all = await aggregate(...answers);
    const ratio = (name: string) => {
      const [key = '', value = Number.NaN] = [...single].find(([each]) => each.startsWith(`${name}{`)) ?? [];
      return (all.get(key) ?? Number.NaN) / value;
    };
    expect(Object.keys(standing(all))).toEqual(Object.keys(standing(single)));
    expect({
      work: ratio('accelmeter_kernel_duration_seconds_count'),
      bucket: ratio('accelmeter_kernel_duration_seconds_bucket'),
      copied: ratio('accelmeter_transfer_io_bytes_total'),
      cpuTime: ratio('process_cpu_time_seconds_total'),
      threads: ratio('process_thread_count'),
      held: ratio('accelmeter_memory_usage_bytes'),
    }).toEqual({ work: 3, bucket: 3, copied: 3, cpuTime: 3, threads: 3, held: 3 });
    expect({
      device: ratio('accelmeter_device_info'),
      size: ratio('hw_gpu_memory_limit_bytes'),
      p95: ratio('accelmeter_kernel_duration_p95_seconds'),
      bottleneck: ratio('accelmeter_source_up'),
      build: ratio('accelmeter_build_info'),
    }).toEqual({ device: 1, size: 1, p95: 1, bottleneck: 1, build: 1 });
  });

  it('tells of a source that is down in one of them', async () => {
    const answer = async (up: number) => {
      const { registry } = shop(client);
      const point = { attributes: { 'accelmeter.source': 'opencl' }, value: up };
      const metric = { descriptor: { name: 'accelmeter.source.up' }, dataPointType: 2, dataPoints: [point] };
      const collect = async () => ({ resourceMetrics: { scopeMetrics: [{ metrics: [metric] }] } }) as never;
      registerInto(registry, { metricProducer: () => ({ collect }) });
      return registry.getMetricsAsJSON();
    };
    const page = await aggregate(await answer(1), await answer(0), await answer(1));
    expect(page.get('accelmeter_source_up{accelmeter_source="opencl"}')).toBe(0);
  });

  it('has no number that JSON would make another one of', async () => {
    const { registry } = shop(client);
    const points = [Number.NaN, Number.POSITIVE_INFINITY, 4].map((value, i) => ({
      attributes: { 'hw.id': `${i}` },
      value,
    }));
    const metric = { descriptor: { name: 'accelmeter.custom' }, dataPointType: 2, dataPoints: points };
    const collect = async () => ({ resourceMetrics: { scopeMetrics: [{ metrics: [metric] }] } }) as never;
    registerInto(registry, { metricProducer: () => ({ collect }) });
    const page = await aggregate(await registry.getMetricsAsJSON());
    expect([...page.keys()].filter((key) => key.startsWith('accelmeter_custom'))).toEqual([
      'accelmeter_custom{hw_id="2"}',
    ]);
    // On a page of this process they are as they are.
    expect(await registry.metrics()).toMatch(/^accelmeter_custom\{hw_id="1"\} \+Inf$/m);
  });
});

it.each(clients.map(([name]) => name))(
  'a cluster with %s has one page, with the work of both of its workers',
  async (name) => {
    const { code, stdout, stderr } = await runNode(['test/programs/prom-client-cluster.mjs', name]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const samples = [...samplesOf(stdout)];
    const of = (metric: string) => samples.filter(([key]) => key.startsWith(`${metric}{`)).map(([, value]) => value);
    expect({
      theirs: of('shop_orders_total'),
      kernels: of('accelmeter_kernel_duration_seconds_count'),
      builds: of('accelmeter_build_info'),
      devices: of('accelmeter_device_info'),
      processes: of('process_uptime_seconds').length,
    }).toEqual({ theirs: [10], kernels: [6], builds: [1], devices: [1], processes: 1 });
  },
);

it('under accelmeter/register one line does it, before the program is measured', async () => {
  const environment = { OTEL_EXPORTER_PROMETHEUS_PORT: '0', ACCELMETER_BACKENDS: 'cpu' };
  const { code, stdout } = await runNode(
    ['--import', 'accelmeter/register', 'test/programs/prom-client-registered.mjs'],
    environment,
  );
  expect(code).toBe(0);
  expect(Number(/^asked (\d+)$/m.exec(stdout)?.[1])).toBeGreaterThan(1); // At first there was nothing, and a page.
  const samples = samplesOf(stdout);
  expect(samples.get('shop_orders_total{}')).toBe(5);
  expect(samples.get('process_uptime_seconds{}')).toBeGreaterThan(0);
  expect([...samples.keys()].filter((key) => key.startsWith('accelmeter_source_up')).length).toBeGreaterThan(0);
});

describe('registerInto', () => {
  it('takes the registries of both packages, as their types are', async () => {
    const registries: PromClientRegistry[] = [
      new promClient.Registry(),
      new promClient.Registry<promClient.OpenMetricsContentType>(),
      new promClient.AggregatorRegistry(),
      new successor.Registry(),
      new successor.AggregatorRegistry(),
    ];
    const { profiler } = await machine();
    for (const registry of registries) {
      registerInto(registry, profiler);
      expect(await fromRegistry(registry).collect()).toMatchObject({ errors: [] });
      expect(registry.getMetricsAsArray()).toHaveLength(Object.keys(catalogue).length);
    }
  });

  it('refuses what is no registry, and what is no profiler', async () => {
    const { registry } = shop(clients[0][1]);
    expect(() => registerInto({} as never)).toThrow(/^not a registry of prom-client.*it has no registerMetric,/);
    expect(() => registerInto(undefined as never)).toThrow(TypeError);
    expect(() => registerInto(registry, {} as never)).toThrow(/^not a profiler/);
  });

  it('knows an aggregator for each metric of the catalogue', async () => {
    const { registry, profiler } = await service(clients[0][1]);
    registerInto(registry, profiler);
    const of = Object.fromEntries(registry.getMetricsAsArray().map(({ name, aggregator }) => [name, aggregator]));
    expect(new Set(Object.values(of))).toEqual(new Set(['sum', 'first', 'max', 'min']));
    expect(of).toMatchObject({
      accelmeter_container_memory_limit_bytes: 'first',
      accelmeter_process_memory_peak_bytes: 'max',
      nodejs_eventloop_delay_p99_seconds: 'max',
      accelmeter_bottleneck_active: 'max',
      accelmeter_health_score_ratio: 'min',
      v8js_memory_heap_used_bytes: 'sum',
      accelmeter_device_queue_depth: 'sum',
    });
    const histograms = Object.keys(catalogue).filter(
      (name) => catalogue[name as MetricName].instrument === 'histogram',
    );
    expect(histograms.length).toBeGreaterThan(3);
    for (const name of histograms) expect(of[`${name.replaceAll('.', '_')}_seconds`]).toBe('sum');
  });
});
