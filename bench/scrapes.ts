/**
 * Whole scrapes over HTTP, as they are and compressed, and what they cost this process on all its threads:
 * collection, page, compression and sending. Then whether ten thousand of them leave anything behind.
 *
 *     node --expose-gc bench/scrapes.ts [scrapes]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PrometheusExporter } from '../src/exporters/prometheus/exporter.ts';
import { busyKernels } from '../test/exporters/prometheus/busy-kernels.ts';

const scrapesForMemory = Number(process.argv[2] ?? 10_000);
const scrapesForTime = 200;
/** CPU of ten thousand series in any format; native histograms against text, of a thousand kernels. */
const targets = { cpuMillis: 20, times: 3, grownBytes: 4 * 2 ** 20 };
/** A kernel's: 26 buckets, sum and count. */
const seriesOfKernel = 28;

const accepts = {
  text: 'text/plain;version=0.0.4',
  OpenMetrics: 'application/openmetrics-text;version=1.0.0',
  protobuf: 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited',
} as const;

/** As many series as the target is for; and the kernels of the other targets. */
const small = await serve(Math.ceil(10_000 / seriesOfKernel));
const large = await serve(1000);

interface Served {
  readonly series: number;
  readonly kernels: ReturnType<typeof busyKernels>;
  /** Of which protobuf has both kinds of buckets, and native ones alone. */
  readonly both: PrometheusExporter;
  readonly native: PrometheusExporter;
}

async function serve(count: number): Promise<Served> {
  const kernels = busyKernels(count);
  const [both, native] = [await listen(kernels, 'both'), await listen(kernels, 'native')];
  return { series: count * seriesOfKernel, kernels, both, native };
}

async function listen(
  { producer }: Served['kernels'],
  protobufHistograms: 'both' | 'native',
): Promise<PrometheusExporter> {
  const exporter = new PrometheusExporter({
    port: 0,
    preventServerStart: true,
    withoutScopeInfo: true,
    protobufHistograms,
  });
  exporter.setMetricProducer(producer);
  await exporter.startServer();
  return exporter;
}

// The pages are read in another process, so that reading them costs nothing here.
const reader = spawn(
  process.execPath,
  [
    '-e',
    `const http = require('node:http');
     const agent = new http.Agent({ keepAlive: true });
     process.on('message', ({ url, headers }) => {
       http.get(url, { agent, headers }, (response) => {
         let bytes = 0;
         response.on('data', (part) => (bytes += part.length)).on('end', () => process.send(bytes));
       });
     });`,
  ],
  { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
);

/** One scrape; gives the bytes that were sent. */
async function scrape(exporter: PrometheusExporter, accept: string, encoding: string): Promise<number> {
  reader.send({ url: exporter.metricsUrl, headers: { accept, 'accept-encoding': encoding } });
  const [bytes] = (await once(reader, 'message')) as [number];
  return bytes;
}

/** Milliseconds of CPU a scrape, of all threads; many of them, because the system counts in steps of milliseconds. */
async function cost(kernels: Served['kernels'], exporter: PrometheusExporter, accept: string, encoding: string) {
  for (let i = 0; i < 20; i++) await scrape(exporter, accept, encoding);
  let cpu = 0;
  let bytes = 0;
  for (let i = 0; i < scrapesForTime; i++) {
    kernels.run(1);
    const before = process.cpuUsage();
    bytes = await scrape(exporter, accept, encoding);
    const { user, system } = process.cpuUsage(before);
    cpu += user + system;
  }
  return { millis: cpu / 1000 / scrapesForTime, bytes };
}

const casesOf = ({ both, native }: Served) =>
  [
    ['text', both, accepts.text],
    ['OpenMetrics', both, accepts.OpenMetrics],
    ['protobuf, both', both, accepts.protobuf],
    ['protobuf, native', native, accepts.protobuf],
  ] as const;

/** What each kind of scrape costs, in milliseconds of CPU, by format and encoding. */
async function costsOf(served: Served): Promise<Map<string, number>> {
  console.log(`${served.series} series, ${scrapesForTime} scrapes of each kind, node ${process.version}\n`);
  const costs = new Map<string, number>();
  for (const encoding of ['identity', 'gzip', 'zstd']) {
    for (const [name, exporter, accept] of casesOf(served)) {
      const { millis, bytes } = await cost(served.kernels, exporter, accept, encoding);
      costs.set(`${name} ${encoding}`, millis);
      const size = `${(bytes / 1000).toFixed(0)} kB`;
      console.log(
        `${name.padEnd(18)} ${encoding.padEnd(9)} ${millis.toFixed(2).padStart(7)} ms of CPU ${size.padStart(9)}`,
      );
    }
  }
  console.log('');
  return costs;
}

const ofTenThousand = await costsOf(small);
const ofThousandKernels = await costsOf(large);
const grown = await growth();
console.log(
  `${scrapesForMemory} scrapes of ${small.series} series in all formats: ${(grown / 2 ** 20).toFixed(1)} MiB more than after the first tenth`,
);

/** By how much heap and buffers grew from the first tenth of many scrapes to their end. */
async function growth(): Promise<number> {
  const cases = casesOf(small);
  let after = 0;
  for (let i = 0; i < scrapesForMemory; i++) {
    const [, exporter, accept] = cases[i % cases.length] ?? cases[0];
    await scrape(exporter, accept, i % 3 === 0 ? 'gzip' : 'identity');
    if (i === Math.floor(scrapesForMemory / 10)) after = held();
  }
  return held() - after;
}

function held(): number {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc');
  for (let i = 0; i < 4; i++) globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const [dearest, worst] = [...ofTenThousand].reduce((a, b) => (b[1] > a[1] ? b : a));
const cheaper =
  (ofThousandKernels.get('text identity') ?? 0) / (ofThousandKernels.get('protobuf, native identity') ?? Number.NaN);
const checks = [
  [
    `under ${targets.cpuMillis} ms of CPU a scrape for ${small.series} series: ${worst.toFixed(1)} ms, ${dearest}`,
    worst < targets.cpuMillis,
  ],
  [`native histograms ${targets.times} × less CPU than text: ${cheaper.toFixed(1)} ×`, cheaper >= targets.times],
  [`memory flat: ${(grown / 2 ** 20).toFixed(1)} MiB more`, grown < targets.grownBytes],
] as const;
console.log('');
for (const [what, reached] of checks) console.log(`${reached ? 'reached' : 'MISSED '}  ${what}`);
reader.kill();
for (const { both, native } of [small, large]) for (const each of [both, native]) await each.shutdown();
process.exitCode = checks.every(([, reached]) => reached) ? 0 : 1;
