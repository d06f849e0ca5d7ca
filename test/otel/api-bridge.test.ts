/** The bridge beside the producer, over the same work, on the SDKs that services have. */
import { type MeterProvider as ApiMeterProvider, metrics } from '@opentelemetry/api';
import * as sdk3 from '@opentelemetry/sdk-metrics';
import { NodeSDK as NodeSdk3 } from '@opentelemetry/sdk-node';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { bridgeToApi } from '../../src/otel/api-bridge.ts';
import * as sdk2 from '../services/sdk-2/sdk.ts';
import { machine, run, runEverything } from './machine.ts';

type Metric = sdk3.MetricData;
interface HistogramValue {
  readonly buckets: { readonly boundaries: number[]; readonly counts: number[] };
  readonly sum: number;
  readonly count: number;
  readonly min: number;
  readonly max: number;
}

/** A provider with a reader, and what the reader collects of ours. */
interface Sdk {
  readonly provider: ApiMeterProvider;
  collect(): Promise<readonly Metric[]>;
}

function reading({ AggregationTemporality, InMemoryMetricExporter, PeriodicExportingMetricReader }: typeof sdk3) {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const collect = async () => {
    const { resourceMetrics, errors } = await reader.collect();
    expect(errors).toEqual([]);
    return resourceMetrics.scopeMetrics.filter(({ scope }) => scope.name === 'accelmeter').flatMap((s) => s.metrics);
  };
  return { reader, collect };
}

/** The SDK of 2.x takes and gives the same shapes; its types are those of its own API. */
const asSdk3 = sdk2 as unknown as typeof sdk3;

function meterProviderOf(sdk: typeof sdk3): Sdk {
  const { reader, collect } = reading(sdk);
  const provider = new sdk.MeterProvider({ readers: [reader] });
  onTestFinished(() => provider.shutdown());
  return { provider, collect };
}

function nodeSdkOf(sdk: typeof sdk3, NodeSdk: typeof NodeSdk3, api: Pick<typeof metrics, 'getMeterProvider'>): Sdk {
  const { reader, collect } = reading(sdk);
  const node = new NodeSdk({ metricReaders: [reader], autoDetectResources: false, instrumentations: [] });
  node.start();
  onTestFinished(() => node.shutdown());
  return { provider: api.getMeterProvider(), collect };
}

const sdks: [string, () => Sdk][] = [
  ['MeterProvider 3', () => meterProviderOf(sdk3)],
  ['MeterProvider 2', () => meterProviderOf(asSdk3)],
  ['NodeSDK of 3', () => nodeSdkOf(sdk3, NodeSdk3, metrics)],
  [
    'NodeSDK of 2',
    () => nodeSdkOf(asSdk3, sdk2.NodeSDK as unknown as typeof NodeSdk3, sdk2.metrics as unknown as typeof metrics),
  ],
];

/** The versions of the API share one global object, and the first to use it excludes the others. */
afterEach(() => {
  Reflect.deleteProperty(globalThis, Symbol.for('opentelemetry.js.api.1'));
});

/** Each series under its metric and attributes. */
function seriesOf(collected: readonly Metric[]): Map<string, unknown> {
  return new Map(
    collected.flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ attributes, value }) => {
        const key = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
        return [`${descriptor.name} ${JSON.stringify(key)}`, value] as const;
      }),
    ),
  );
}

/** What goes on while it is looked at. */
const moving = /^accelmeter\.(self\.time|sample\.duration|kernel\.window\.age|device\.busy|bridge\.pending) /;

function expectSame(bridged: readonly Metric[], produced: readonly Metric[]): void {
  const instruments = (all: readonly Metric[]) =>
    new Map(
      all.map(({ descriptor: { name, unit, description }, dataPointType, ...rest }) => {
        const isMonotonic = 'isMonotonic' in rest ? rest.isMonotonic : undefined;
        return [name, { unit, description, dataPointType, isMonotonic }];
      }),
    );
  const ofBridge = instruments(bridged);
  ofBridge.delete('accelmeter.bridge.pending');
  expect(ofBridge).toEqual(instruments(produced));

  const [ours, theirs] = [seriesOf(bridged), seriesOf(produced)];
  const names = (series: typeof ours) => [...series.keys()].filter((key) => !moving.test(key)).sort();
  expect(names(ours)).toEqual(names(theirs));
  for (const name of names(ours)) {
    const [value, expected] = [ours.get(name), theirs.get(name)];
    if (typeof expected === 'number') {
      expect(value, name).toBe(expected);
      continue;
    }
    const { sum, ...exact } = expected as HistogramValue;
    expect(value, name).toMatchObject(exact);
    expect((value as HistogramValue).sum, name).toBeCloseTo(sum, 9);
  }
}

describe.each(sdks)('on a %s', (_, start) => {
  it('gives the same metrics, series, counts and buckets as the producer, at every collection', async () => {
    const { provider, collect } = start();
    const { profiler, sink } = await machine({ collects: true });
    const bridge = bridgeToApi(profiler, { meterProvider: provider });
    onTestFinished(() => bridge.detach());
    const producer = profiler.metricProducer();
    for (let round = 0; round < 3; round++) {
      runEverything(sink);
      const bridged = await collect();
      const produced = await producer.collect();
      const metricsOf = produced.resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
      expect(metricsOf.length).toBeGreaterThan(20);
      expect(metricsOf.map(({ descriptor }) => descriptor.name)).toContain('v8js.gc.duration');
      expectSame(bridged, metricsOf);
    }
  });

  it('tells of a bottleneck as the producer does', async () => {
    const { provider, collect } = start();
    const { profiler, fail } = await machine();
    const bridge = bridgeToApi(profiler, { meterProvider: provider });
    onTestFinished(() => bridge.detach());
    await fail();
    const bridged = await collect();
    const { resourceMetrics } = await profiler.metricProducer().collect();
    const produced = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    const observed = produced.find(({ descriptor }) => descriptor.name === 'accelmeter.bottleneck.observed');
    expect(observed?.dataPoints).toMatchObject([
      { attributes: { 'accelmeter.bottleneck.code': 'failing_operations', 'hw.id': 'GPU-1' }, value: 0 },
    ]);
    expectSame(bridged, produced);
  });
});

it("takes the API's global provider where none is given", async () => {
  const { collect } = nodeSdkOf(sdk3, NodeSdk3, metrics);
  const { profiler, sink } = await machine();
  bridgeToApi(profiler);
  run(sink);
  expect((await collect()).map(({ descriptor }) => descriptor.name)).toContain('accelmeter.kernel.duration');
});

it('says so where there is no global provider, and does no harm', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  onTestFinished(() => warned.mockRestore());
  const { profiler } = await machine();
  bridgeToApi(profiler).detach();
  expect(warned).toHaveBeenCalledWith(expect.stringContaining('no MeterProvider'), expect.anything());
  vi.stubEnv('OTEL_SDK_DISABLED', 'true'); // then it is as it should be
  onTestFinished(() => void vi.unstubAllEnvs());
  bridgeToApi(profiler).detach();
  expect(warned).toHaveBeenCalledTimes(1);
});

it('is refused a second time for the same profiler, until the first is detached', async () => {
  const { provider: meterProvider } = meterProviderOf(sdk3);
  const { profiler } = await machine();
  const first = bridgeToApi(profiler, { meterProvider });
  expect(() => bridgeToApi(profiler, { meterProvider })).toThrow(/bridged already/);
  expect(() => bridgeToApi({ ...profiler }, { meterProvider })).toThrow(TypeError);
  first.detach();
  expect(() => bridgeToApi(profiler, { meterProvider }).detach()).not.toThrow();
});

it('that is attached again goes on where it was, in the same provider; another one gets everything', async () => {
  const { profiler, sink } = await machine();
  const counts = (collected: readonly Metric[]) =>
    [...seriesOf(collected)]
      .filter(([name]) => name.startsWith('accelmeter.kernel.duration ['))
      .map(([, value]) => (value as HistogramValue).count);
  const [one, other] = [meterProviderOf(sdk3), meterProviderOf(sdk3)];
  run(sink);
  const first = bridgeToApi(profiler, { meterProvider: one.provider });
  expect(counts(await one.collect())).toEqual([7]);
  first.detach();
  run(sink);
  const second = bridgeToApi(profiler, { meterProvider: one.provider });
  expect(counts(await one.collect())).toEqual([14]);
  second.detach();
  bridgeToApi(profiler, { meterProvider: other.provider });
  expect(counts(await other.collect())).toEqual([14]);
});

it.each([
  ['3', sdk3],
  ['2', asSdk3],
])('a reader of SDK %s that is given the producer as well gets everything once, and an error', async (_, sdk) => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  onTestFinished(() => warned.mockRestore());
  const { profiler, sink } = await machine();
  const exporter = new sdk.InMemoryMetricExporter(sdk.AggregationTemporality.CUMULATIVE);
  const given = { exporter, exportIntervalMillis: 3_600_000, metricProducers: [profiler.metricProducer()] };
  const reader = new sdk.PeriodicExportingMetricReader(given);
  const elsewhere = profiler.metricProducer();
  const meterProvider = new sdk.MeterProvider({ readers: [reader] });
  onTestFinished(() => meterProvider.shutdown());
  bridgeToApi(profiler, { meterProvider });
  run(sink);
  await reader.collect();
  for (let i = 0; i < 2; i++) {
    const { resourceMetrics, errors } = await reader.collect();
    expect(errors).toEqual([expect.objectContaining({ message: expect.stringMatching(/twice/) })]);
    expect(resourceMetrics.scopeMetrics.map(({ scope }) => scope.name)).toEqual(['accelmeter']);
    expect((await elsewhere.collect()).errors).toEqual([]);
  }
  expect(warned).toHaveBeenCalledTimes(1);
});

it('leaves no timer and no callback when it is detached, nor when its profiler closes', async () => {
  const add = vi.fn();
  const remove = vi.fn();
  const record = vi.fn();
  const provider = fakeProvider({ add, remove, record });
  for (const end of ['detach', 'close'] as const) {
    const { profiler, sink } = await machine();
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    const bridge = bridgeToApi(profiler, { meterProvider: provider });
    expect(timers()).toBe(before); // an unref'd timer is no active resource
    const [callback, instruments] = add.mock.lastCall as [(result: unknown) => Promise<void>, unknown[]];
    if (end === 'detach') bridge.detach();
    else await profiler.close();
    bridge.detach();
    expect(remove).toHaveBeenLastCalledWith(callback, instruments);
    run(sink);
    const observe = vi.fn();
    await callback({ observe });
    expect([observe, record].map((each) => each.mock.calls.length)).toEqual([0, 0]);
  }
  expect(remove).toHaveBeenCalledTimes(2);
});

it('replays once a second between collections, and not while the profiler is paused', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const record = vi.fn();
  const { profiler, sink } = await machine();
  bridgeToApi(profiler, { meterProvider: fakeProvider({ add() {}, remove() {}, record }) });
  run(sink);
  vi.advanceTimersByTime(1000);
  await vi.waitFor(() => expect(record).toHaveBeenCalledTimes(14)); // each kernel and its wait
  profiler.pause();
  profiler.devices[0]?.kernel('mine').record(1);
  vi.advanceTimersByTime(5000);
  await new Promise((resolve) => setImmediate(resolve));
  expect(record).toHaveBeenCalledTimes(14);
  profiler.resume();
  vi.advanceTimersByTime(1000);
  await vi.waitFor(() => expect(record).toHaveBeenCalledTimes(15));
});

it('a provider that throws gets nothing more, and the host hears of it once', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  onTestFinished(() => warned.mockRestore());
  const add = vi.fn();
  const remove = vi.fn(() => {
    throw new Error('what callback?');
  });
  const record = () => {
    throw new Error('out of attribute sets');
  };
  const { profiler, sink } = await machine();
  bridgeToApi(profiler, { meterProvider: fakeProvider({ add, remove, record }) });
  run(sink);
  const [callback] = add.mock.lastCall as [(result: unknown) => Promise<void>];
  await callback({ observe() {} });
  await callback({ observe() {} });
  expect(remove).toHaveBeenCalledTimes(1);
  expect(warned).toHaveBeenCalledTimes(1);
  expect(warned).toHaveBeenCalledWith(expect.stringContaining('out of attribute sets'), expect.anything());
});

it('more kernels than a collection has time for are handed on by the next ones, and said to be pending', async () => {
  const add = vi.fn();
  let records = 0;
  const record = () => {
    records += 1;
    const until = performance.now() + 0.01;
    while (performance.now() < until); // an SDK that needs 10 µs a record
  };
  const { profiler } = await machine();
  bridgeToApi(profiler, { meterProvider: fakeProvider({ add, remove() {}, record }) });
  const kernel = profiler.devices[0]?.kernel('matmul');
  for (let i = 0; i < 12_000; i++) kernel?.record(0.001);
  const [callback] = add.mock.lastCall as [(result: unknown) => Promise<void>];
  const pending: number[] = [];
  for (let i = 0; i < 30 && pending.at(-1) !== 0; i++) {
    const done = records;
    await callback({
      observe: (instrument: string, value: number) => {
        if (instrument === 'accelmeter.bridge.pending') pending.push(value);
      },
    });
    expect(records - done).toBeLessThan(6000);
    expect(pending.at(-1)).toBe(12_000 - records);
  }
  expect(pending.length).toBeGreaterThan(1);
  expect(records).toBe(12_000);
});

/** A provider whose instruments are their names, to see what the bridge does with them. */
function fakeProvider(calls: { add: unknown; remove: unknown; record: unknown }): ApiMeterProvider {
  const named = (name: string) => name;
  const meter = {
    createHistogram: () => ({ record: calls.record }),
    createObservableGauge: named,
    createObservableCounter: named,
    createObservableUpDownCounter: named,
    addBatchObservableCallback: calls.add,
    removeBatchObservableCallback: calls.remove,
  };
  return { getMeter: () => meter } as unknown as ApiMeterProvider;
}
