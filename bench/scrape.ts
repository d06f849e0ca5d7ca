/**
 * What a page of metrics costs the event loop: ours against prom-client, @prometheus-io/client, the official exporter's
 * serializer and a copy of the same bytes, in one process and in turns, on the same histograms. Before each round every
 * kernel ran a few times more, so that no page is like the one before.
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
/** The last by the clock: what else the machine does is in it. A thread's CPU time is counted in ticks of 4 ms. */
const targets = { promClient: 15, official: 40, copies: 3, blockMillis: 5 };

const boundaries = Array.from({ length: 25 }, (_, i) => 2 ** (i - 20));
const device = { 'hw.id': 'GPU-3f1e2d4c-9b8a-7c6d-5e4f-3a2b1c0d9e8f', 'hw.type': 'gpu', 'accelmeter.backend': 'cuda' };
const series = Array.from({ length: kernels }, (_, i) => ({ ...device, 'accelmeter.kernel.name': `kernel_${i}` }));
const durations = Array.from({ length: 50 }, (_, i) => 2e-6 * 1.35 ** (i % 40));

class Reader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

/** Records the durations of one round: each kernel ran some times. */
type Round = (round: number) => void;

const runs = (round: number, kernel: number) =>
  Array.from({ length: 1 + ((round + kernel) % 5) }, (_, i) => durations[(round * 7 + kernel + i) % 50] as number);

function recordIntoSdk(reader: MetricReader): Round {
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
  return (round) => {
    for (const [i, attributes] of series.entries()) {
      for (const duration of runs(round, i)) histogram.record(duration, attributes);
    }
  };
}

function recordIntoClient(client: Pick<typeof promClient, 'Registry' | 'Histogram'>): {
  record: Round;
  page: () => Promise<string>;
} {
  const registry = new client.Registry();
  const histogram = new client.Histogram({
    name: 'accelmeter_kernel_duration_seconds',
    help: 'Device time of kernel executions, from start to end.',
    labelNames: ['hw_id', 'hw_type', 'accelmeter_backend', 'accelmeter_kernel_name'],
    buckets: boundaries,
    registers: [registry],
  });
  const labels = series.map((attributes) =>
    Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key.replaceAll('.', '_'), value])),
  );
  for (const each of labels) for (const duration of durations) histogram.observe(each, duration);
  return {
    record(round) {
      for (const [i, each] of labels.entries())
        for (const duration of runs(round, i)) histogram.observe(each, duration);
    },
    page: () => registry.metrics(),
  };
}

const reader = new Reader();
const recordRound = recordIntoSdk(reader);
let { resourceMetrics } = await reader.collect();
const official = new PrometheusSerializer('', false, undefined, true, true);
const buffer = new PageBuffer(0);
const options = {
  names: createNames({ prefix: '', unitSuffixes: true, utf8: false }, 'underscores'),
  appendTimestamp: false,
  withoutScopeInfo: true,
  withoutTargetInfo: true,
  withResourceConstantLabels: undefined,
};
const format = createTextFormat(options);

/** As the exporter does, but never yielding, so that the whole is seen. */
function ours(metrics: typeof resourceMetrics): number {
  buffer.clear();
  const steps = format.write(metrics, buffer);
  while (!steps.next().done);
  return buffer.length;
}

const prom = recordIntoClient(promClient);
const io = recordIntoClient(prometheusIo as unknown as typeof promClient);
ours(resourceMetrics);
const copyOf = Buffer.from(buffer.written);
const contenders: Record<string, () => number | Promise<number>> = {
  // First, so that they come from memory as ours do, and not from the processor's cache where a page was just written.
  'copying the bytes': () => copyOf.copy(buffer.room(0)),
  accelmeter: () => ours(resourceMetrics),
  'prom-client': async () => (await prom.page()).length,
  '@prometheus-io/client': async () => (await io.page()).length,
  'official serializer': () => official.serialize(resourceMetrics).length,
  'accelmeter, with the SDK collecting': async () => ours((await reader.collect()).resourceMetrics),
  'official, with the SDK collecting': async () => official.serialize((await reader.collect()).resourceMetrics).length,
};

// Before anything else has run: the first pages are the slowest.
const blocks = await longestBlocks(20);

const times = new Map(Object.keys(contenders).map((name) => [name, [] as number[]]));
const sizes = new Map<string, number>();
for (let round = 0; round < rounds + warmUps; round++) {
  for (const record of [recordRound, prom.record, io.record]) record(round);
  ({ resourceMetrics } = await reader.collect());
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
const [first = Number.NaN, ...later] = blocks;
console.log(`longest turn of the event loop in a scrape over HTTP, collection and all:`);
console.log(`  first page ${first.toFixed(1)} ms, later at most ${Math.max(...later).toFixed(1)} ms`);

const ratio = (name: string) => median(times.get(name) ?? []) / base;
const checks = [
  atLeast(targets.promClient, 'prom-client', ratio('prom-client')),
  atLeast(targets.official, 'the official serializer', ratio('official serializer')),
  verdict(
    `at most ${targets.copies} × copying the bytes`,
    1 / ratio('copying the bytes'),
    '×',
    (x) => x <= targets.copies,
  ),
  verdict(
    `no turn of the event loop over ${targets.blockMillis} ms`,
    Math.max(...blocks),
    'ms',
    (x) => x <= targets.blockMillis,
  ),
];
console.log('');
for (const { line } of checks) console.log(line);
process.exitCode = checks.every(({ reached }) => reached) ? 0 : 1;

function atLeast(target: number, whom: string, measured: number) {
  return verdict(`at least ${target} × as fast as ${whom}`, measured, '×', (x) => x >= target);
}

function verdict(what: string, measured: number, unit: string, isReached: (measured: number) => boolean) {
  const reached = isReached(measured);
  return { reached, line: `${reached ? 'reached' : 'MISSED '}  ${what}: ${measured.toFixed(1)} ${unit}` };
}

/** Of each of some scrapes of the real exporter, the longest turn of the event loop. */
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

async function longestBlockDuring(work: () => Promise<void>): Promise<number> {
  let longest = 0;
  let latest = performance.now();
  let turning = true;
  const turn = () => {
    const now = performance.now();
    longest = Math.max(longest, now - latest);
    latest = now;
    if (turning) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  turning = false;
  return longest;
}
