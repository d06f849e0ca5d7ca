/**
 * What a page of metrics costs the event loop: ours against prom-client, @prometheus-io/client and the official
 * exporter's serializer, in one process and in turns, on the same histograms.
 *
 *     node bench/scrape.ts [kernels] [rounds]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { AggregationType, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import * as prometheusIo from '@prometheus-io/client';
import * as promClient from 'prom-client';
import { createNames } from '../src/exporters/prometheus/escaping.ts';
import { PrometheusExporter } from '../src/exporters/prometheus/exporter.ts';
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

function recordIntoSdk<T extends MetricReader>(reader: T): T {
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

const reader = recordIntoSdk(new Reader());
const { resourceMetrics } = await reader.collect();
const official = new PrometheusSerializer('', false, undefined, true, true);
const buffer = new PageBuffer(0);
const format = createTextFormat({
  names: createNames({ prefix: '', unitSuffixes: true, utf8: false }, 'underscores'),
  appendTimestamp: false,
  withoutScopeInfo: true,
  withoutTargetInfo: true,
  withResourceConstantLabels: undefined,
});

/** As the exporter does, but never yielding, so that the whole is seen. */
function ours(metrics: typeof resourceMetrics): number {
  buffer.clear();
  const steps = format.write(metrics, buffer);
  while (!steps.next().done);
  return buffer.length;
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

// Before anything else has run: the first pages are the slowest.
const blocks = await longestBlocks(20);

const times = new Map(Object.keys(contenders).map((name) => [name, [] as number[]]));
const sizes = new Map<string, number>();
for (let round = 0; round < rounds + warmUps; round++) {
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
console.log(`longest block of the event loop in a scrape over HTTP, collection and all:`);
console.log(`  first page ${blocks[0]?.toFixed(1)} ms, later at most ${Math.max(...blocks.slice(1)).toFixed(1)} ms`);

/** Of each of some scrapes of the real exporter, the longest time in which the event loop did not turn. */
async function longestBlocks(scrapes: number): Promise<number[]> {
  const exporter = new PrometheusExporter({ port: 0, preventServerStart: true });
  recordIntoSdk(exporter);
  await exporter.startServer();
  // The pages are read in another process, so that receiving them blocks nothing here.
  const script = `process.on('message', (url) => fetch(url).then((r) => r.arrayBuffer()).then(() => process.send('read')))`;
  const prometheus = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const read = async (url: string) => {
    prometheus.send(url);
    await once(prometheus, 'message');
  };
  await read(`${exporter.url}healthz`);
  const longest: number[] = [];
  for (let i = 0; i < scrapes; i++) longest.push(await longestBlockDuring(() => read(exporter.metricsUrl ?? '')));
  prometheus.kill();
  await exporter.shutdown();
  return longest;
}

/** In CPU time of this thread, so that a neighbour on the machine is not taken for us. */
async function longestBlockDuring(work: () => Promise<void>): Promise<number> {
  const spent = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  let longest = 0;
  let latest = spent();
  let turning = true;
  const turn = () => {
    const now = spent();
    longest = Math.max(longest, now - latest);
    latest = now;
    if (turning) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  turning = false;
  return longest;
}
