/**
 * What a page of metrics costs the event loop: ours against prom-client, @prometheus-io/client and the official
 * exporter's serializer, in one process and in turns, on the same histograms.
 *
 *     node bench/scrape.ts [kernels] [rounds]
 */
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { AggregationType, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import * as prometheusIo from '@prometheus-io/client';
import * as promClient from 'prom-client';
import { PageBuffer } from '../src/exporters/prometheus/page-buffer.ts';
import { createTextFormat } from '../src/exporters/prometheus/text.ts';

const kernels = Number(process.argv[2] ?? 1000);
const rounds = Number(process.argv[3] ?? 40);
const warmUps = 10;

const boundaries = Array.from({ length: 25 }, (_, i) => 2 ** (i - 20));
const device = { 'hw.id': 'GPU-3f1e2d4c-9b8a-7c6d-5e4f-3a2b1c0d9e8f', 'hw.type': 'gpu', 'accelmeter.backend': 'cuda' };
const series = Array.from({ length: kernels }, (_, i) => ({ ...device, 'accelmeter.kernel.name': `kernel_${i}` }));
const durations = Array.from({ length: 50 }, (_, i) => 2e-6 * 1.35 ** (i % 40));

class Reader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

function recordIntoSdk(): Reader {
  const reader = new Reader();
  const provider = new MeterProvider({
    readers: [reader],
    views: [
      {
        instrumentName: '*',
        aggregation: { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options: { boundaries, recordMinMax: false } },
      },
    ],
  });
  const histogram = provider.getMeter('bench').createHistogram('accelmeter.kernel.duration', {
    unit: 's',
    description: 'Device time of kernel executions, from start to end.',
  });
  for (const attributes of series) for (const duration of durations) histogram.record(duration, attributes);
  return reader;
}

function recordIntoClient(client: Pick<typeof promClient, 'Registry' | 'Histogram'>): () => Promise<string> {
  const registry = new client.Registry();
  const histogram = new client.Histogram({
    name: 'accelmeter_kernel_duration_seconds',
    help: 'Device time of kernel executions, from start to end.',
    labelNames: ['hw_id', 'hw_type', 'accelmeter_backend', 'accelmeter_kernel_name'],
    buckets: boundaries,
    registers: [registry],
  });
  for (const attributes of series) {
    const labels = Object.fromEntries(
      Object.entries(attributes).map(([key, value]) => [key.replaceAll('.', '_'), value]),
    );
    for (const duration of durations) histogram.observe(labels, duration);
  }
  return () => registry.metrics();
}

const reader = recordIntoSdk();
const { resourceMetrics } = await reader.collect();
const official = new PrometheusSerializer('', false, undefined, true, true);
const buffer = new PageBuffer(0);
const format = createTextFormat({
  prefix: '',
  unitSuffixes: true,
  appendTimestamp: false,
  withoutScopeInfo: true,
  withoutTargetInfo: true,
  withResourceConstantLabels: undefined,
});

let longestStep = 0;
/** As the exporter does, and never yielding, so that the whole is seen; the longest step is what could block. */
function ours(metrics: typeof resourceMetrics): number {
  buffer.clear();
  const steps = format.write(metrics, buffer);
  for (let begun = performance.now(), step = steps.next(); ; step = steps.next()) {
    const now = performance.now();
    longestStep = Math.max(longestStep, now - begun);
    if (step.done) return buffer.length;
    begun = now;
  }
}

const prom = recordIntoClient(promClient);
const io = recordIntoClient(prometheusIo as unknown as typeof promClient);
const contenders: Record<string, () => number | Promise<number>> = {
  accelmeter: () => ours(resourceMetrics),
  'prom-client': async () => (await prom()).length,
  '@prometheus-io/client': async () => (await io()).length,
  'official serializer': () => official.serialize(resourceMetrics).length,
  'accelmeter, with the SDK collecting': async () => ours((await reader.collect()).resourceMetrics),
  'official, with the SDK collecting': async () => official.serialize((await reader.collect()).resourceMetrics).length,
};

const firstBegun = performance.now();
ours(resourceMetrics);
const first = performance.now() - firstBegun;

const times = new Map(Object.keys(contenders).map((name) => [name, [] as number[]]));
const sizes = new Map<string, number>();
for (let round = 0; round < rounds + warmUps; round++) {
  if (round === warmUps) longestStep = 0;
  for (const [name, run] of Object.entries(contenders)) {
    const begun = performance.now();
    sizes.set(name, await run());
    if (round >= warmUps) times.get(name)?.push(performance.now() - begun);
  }
}

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const base = median(times.get('accelmeter') ?? []);
console.log(
  `${kernels} histograms of ${boundaries.length + 1} buckets, median of ${rounds} rounds, Node ${process.version}`,
);
for (const [name, values] of times) {
  const time = median(values);
  const size = ((sizes.get(name) ?? 0) / 1e6).toFixed(2);
  console.log(
    `${name.padEnd(36)} ${time.toFixed(2).padStart(8)} ms  ${(time / base).toFixed(1).padStart(6)}×  ${size} MB`,
  );
}
console.log(`first page, cold: ${first.toFixed(2)} ms; longest step between yields: ${longestStep.toFixed(2)} ms`);
