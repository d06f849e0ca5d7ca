/** The real instrumentation, on a real SDK of the service's own, beside our producer. */
import { metrics } from '@opentelemetry/api';
import { RuntimeNodeInstrumentation } from '@opentelemetry/instrumentation-runtime-node';
import * as sdk3 from '@opentelemetry/sdk-metrics';
import { afterEach, expect, it } from 'vitest';
import { catalogue } from '../../src/catalogue.ts';
import { createProfiler, type Profiler } from '../../src/profiler.ts';
import * as sdk2 from '../services/sdk-2/sdk.ts';

/** The SDK of 2.x takes and gives the same shapes; its types are those of its own API. */
const asSdk3 = sdk2 as unknown as typeof sdk3;

const closings: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});

async function measuring(): Promise<Profiler> {
  const profiler = await createProfiler({ backends: ['cpu'] });
  closings.push(() => profiler.close());
  return profiler;
}

/** Sets the global provider, as NodeSDK does, with a reader unless it is said otherwise. */
function ownSdk({ reads = true, sdk = sdk3 } = {}) {
  const { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } = sdk;
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 });
  const provider = new MeterProvider({ readers: reads ? [reader] : [] });
  metrics.setGlobalMeterProvider(provider);
  closings.push(async () => {
    metrics.disable();
    await provider.shutdown();
  });
  return {
    provider,
    async names() {
      await reader.forceFlush();
      return namesOf(exporter.getMetrics().at(-1)?.scopeMetrics);
    },
  };
}

function instrument() {
  const instrumentation = new RuntimeNodeInstrumentation();
  closings.push(() => instrumentation.disable());
  return instrumentation;
}

const namesOf = (scopes: readonly { metrics: readonly { descriptor: { name: string } }[] }[] = []) =>
  scopes.flatMap((scope) => scope.metrics.map(({ descriptor }) => descriptor.name));

async function ours(profiler: Profiler): Promise<string[]> {
  const { resourceMetrics } = await profiler.metricProducer().collect();
  return namesOf(resourceMetrics.scopeMetrics);
}

const shared = Object.keys(catalogue).filter((name) => /^(nodejs|v8js)\./.test(name));

it('without it, what the event loop and V8 do is ours to tell', async () => {
  const names = await ours(await measuring());
  expect(names).toEqual(expect.arrayContaining(['v8js.memory.heap.space.size', 'v8js.memory.heap.used']));
});

it.each([
  ['3', sdk3],
  ['2', asSdk3],
])('no name is reported twice: once it reports to a reader of SDK %s, ours are off', async (_, version) => {
  const profiler = await measuring();
  const sdk = ownSdk({ sdk: version });
  expect(await ours(profiler)).toContain('v8js.memory.heap.used');
  const instrumentation = instrument();
  instrumentation.setMeterProvider(sdk.provider); // as NodeSDK's start does
  const names = await ours(profiler);
  expect(names.filter((name) => shared.includes(name))).toEqual([]);
  expect(names).toEqual(expect.arrayContaining(['process.cpu.time', 'accelmeter.process.heap.usage']));
  const reported = await sdk.names();
  expect(reported).toContain('v8js.memory.heap.used');
  expect(reported.filter((name) => names.includes(name))).toEqual([]);
});

it('an instrumentation that was constructed after the provider is noticed as well', async () => {
  const profiler = await measuring();
  ownSdk();
  instrument();
  expect(await ours(profiler)).not.toContain('v8js.memory.heap.used');
});

it('one whose provider nobody reads leaves them to us', async () => {
  const profiler = await measuring();
  ownSdk({ reads: false });
  instrument();
  expect(await ours(profiler)).toContain('v8js.memory.heap.used');
});

it('a snapshot has them in any case', async () => {
  const profiler = await measuring();
  ownSdk();
  instrument();
  const snapshot = await profiler.devices[0]?.getProfilingSnapshot();
  const names = snapshot?.metrics.map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(['v8js.gc.duration count (major)', 'v8js.memory.heap.used (old_space)']),
  );
});

it('of a provider that is not built like the SDK, nothing is assumed', async () => {
  const profiler = await measuring();
  const inside = new sdk3.MeterProvider();
  metrics.setGlobalMeterProvider({ getMeter: (name, version) => inside.getMeter(name, version) });
  closings.push(() => metrics.disable());
  instrument();
  expect(await ours(profiler)).toContain('v8js.memory.heap.used');
});

it('it does report every gauge that ours give way to', async () => {
  const sdk = ownSdk();
  instrument().setMeterProvider(sdk.provider);
  const reported = await sdk.names();
  const whenThereWasOne = /^v8js\.gc\.duration$|^nodejs\.eventloop\.delay\./; // a collection, five looks at the loop
  expect(shared.filter((name) => !whenThereWasOne.test(name) && !reported.includes(name))).toEqual([]);
});
