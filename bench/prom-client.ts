/**
 * What the bridge to prom-client costs. A page of the service's registry with our histograms, against one with the same
 * histograms kept by the package itself: both are written by the package. And a registry read into OpenTelemetry,
 * against the page that a scrape of it would be.
 *
 *     node bench/prom-client.ts [kernels] [rounds]
 */
import type { MetricProducer } from '@opentelemetry/sdk-metrics';
import * as prometheusIo from '@prometheus-io/client';
import * as promClient from 'prom-client';
import { classicBoundaries } from '../src/distribution/sketch.ts';
import { fromRegistry, registerInto } from '../src/exporters/prom-client/bridge.ts';
import { createProfiler } from '../src/profiler.ts';

const kernels = Number(process.argv[2] ?? 64);
const rounds = Number(process.argv[3] ?? 200);
const warmUps = 30;
const targets = { page: 1.5, read: 1.5 };

type Client = typeof promClient;
const durations = Array.from({ length: 50 }, (_, i) => 2e-6 * 1.35 ** (i % 40));
const labelNames = ['hw_id', 'hw_type', 'accelmeter_backend', 'accelmeter_kernel_name'] as const;

const profiler = await createProfiler({ backends: ['cpu'], maxKernels: kernels });
const [device] = profiler.devices;
for (let i = 0; i < kernels; i++) {
  const kernel = device?.kernel(`kernel_${i}`);
  for (const duration of durations) kernel?.record(duration);
}

/** Only the kernels, so that both pages have the same on them. */
const onlyKernels = {
  metricProducer(): MetricProducer {
    const producer = profiler.metricProducer();
    return {
      async collect() {
        const { resourceMetrics, errors } = await producer.collect();
        const scopeMetrics = resourceMetrics.scopeMetrics.map(({ scope, metrics }) => ({
          scope,
          metrics: metrics.filter(({ descriptor }) => descriptor.name === 'accelmeter.kernel.duration'),
        }));
        return { resourceMetrics: { ...resourceMetrics, scopeMetrics }, errors };
      },
    };
  },
};

function theirs(client: Client) {
  const registry = new client.Registry();
  const histogram = new client.Histogram({
    name: 'accelmeter_kernel_duration_seconds',
    help: 'Device time of kernel executions, from start to end.',
    labelNames,
    buckets: [...classicBoundaries()],
    registers: [registry],
  });
  for (let i = 0; i < kernels; i++) {
    const labels = { hw_id: device?.id ?? '', hw_type: 'cpu', accelmeter_backend: 'cpu' };
    for (const duration of durations) histogram.observe({ ...labels, accelmeter_kernel_name: `kernel_${i}` }, duration);
  }
  return registry;
}

function withOurs(client: Client, profiled: Parameters<typeof registerInto>[1]) {
  const registry = new client.Registry();
  registerInto(registry, profiled);
  return registry;
}

const clients: [string, Client][] = [
  ['prom-client', promClient],
  ['@prometheus-io/client', prometheusIo as unknown as Client],
];
const contenders: Record<string, () => Promise<number>> = {};
for (const [name, client] of clients) {
  const own = theirs(client);
  const producer = fromRegistry(own);
  const [ours, everything] = [withOurs(client, onlyKernels), withOurs(client, profiler)];
  contenders[`${name}: a page with its own`] = async () => (await own.metrics()).length;
  contenders[`${name}: a page with ours`] = async () => (await ours.metrics()).length;
  contenders[`${name}: a page with all of ours`] = async () => (await everything.metrics()).length;
  contenders[`${name}: its own read into OpenTelemetry`] = async () => {
    const { resourceMetrics } = await producer.collect();
    return resourceMetrics.scopeMetrics[0]?.metrics[0]?.dataPoints.length ?? 0;
  };
}

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
const timeOf = (name: string) => median(times.get(name) ?? []);
console.log(`${kernels} histograms of 26 buckets, median of ${rounds} rounds, Node ${process.version}\n`);
let missed = 0;
for (const [name] of clients) {
  const base = timeOf(`${name}: a page with its own`);
  for (const contender of [...times.keys()].filter((each) => each.startsWith(`${name}: `))) {
    const size = sizes.get(contender) ?? 0;
    const what = contender.includes('read') ? `${size} series` : `${(size / 1e6).toFixed(2)} MB`;
    const time = timeOf(contender);
    console.log(
      `${contender.padEnd(52)} ${time.toFixed(2).padStart(7)} ms ${(time / base).toFixed(2).padStart(6)}×  ${what}`,
    );
  }
  const page = timeOf(`${name}: a page with ours`) / base;
  const read = timeOf(`${name}: its own read into OpenTelemetry`) / base;
  const checks = [
    [`at most ${targets.page}× what the same histograms of its own cost on a page`, page <= targets.page],
    [`read into OpenTelemetry in at most ${targets.read}× the time of a page`, read <= targets.read],
  ] as const;
  for (const [what, reached] of checks) {
    console.log(`${reached ? 'reached' : 'MISSED '}  ${what}`);
    if (!reached) missed++;
  }
  console.log('');
}
await profiler.close();
process.exitCode = missed === 0 ? 0 : 1;
