/**
 * Whole scrapes over HTTP, as they are and compressed, and what they cost this process on all its threads:
 * collection, page, compression and sending. Then whether ten thousand of them leave anything behind.
 *
 *     node --expose-gc bench/scrapes.ts [series] [scrapes]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PrometheusExporter } from '../src/exporters/prometheus/exporter.ts';
import { busyKernels } from '../test/exporters/prometheus/busy-kernels.ts';

const seriesWanted = Number(process.argv[2] ?? 28_000);
const scrapesForMemory = Number(process.argv[3] ?? 10_000);
const scrapesForTime = 200;
/** Of ten thousand series. */
const targets = { cpuMillis: 20, times: 3, grownBytes: 4 * 2 ** 20 };

const accepts = {
  text: 'text/plain;version=0.0.4',
  OpenMetrics: 'application/openmetrics-text;version=1.0.0',
  protobuf: 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited',
} as const;

/** A kernel's series: 26 buckets, sum and count. */
const kernels = busyKernels(Math.ceil(seriesWanted / 28));
const exporters = {
  both: await listen('both'),
  native: await listen('native'),
};

async function listen(protobufHistograms: 'both' | 'native'): Promise<PrometheusExporter> {
  const exporter = new PrometheusExporter({
    port: 0,
    preventServerStart: true,
    withoutScopeInfo: true,
    protobufHistograms,
  });
  exporter.setMetricProducer(kernels.producer);
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
async function cost(exporter: PrometheusExporter, accept: string, encoding: string) {
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

console.log(`${seriesWanted} series, ${scrapesForTime} scrapes of each kind, node ${process.version}\n`);
const cases = [
  ['text', exporters.both, accepts.text],
  ['OpenMetrics', exporters.both, accepts.OpenMetrics],
  ['protobuf, both', exporters.both, accepts.protobuf],
  ['protobuf, native', exporters.native, accepts.protobuf],
] as const;
const costs = new Map<string, { millis: number; bytes: number }>();
for (const encoding of ['identity', 'gzip', 'zstd']) {
  for (const [name, exporter, accept] of cases) {
    const each = await cost(exporter, accept, encoding);
    costs.set(`${name} ${encoding}`, each);
    const size = `${(each.bytes / 1000).toFixed(0)} kB`;
    console.log(
      `${name.padEnd(18)} ${encoding.padEnd(9)} ${each.millis.toFixed(2).padStart(7)} ms of CPU ${size.padStart(9)}`,
    );
  }
}

const grown = await growth();
console.log(
  `\n${scrapesForMemory} scrapes in all formats: ${(grown / 2 ** 20).toFixed(1)} MiB more than after the first tenth`,
);

/** By how much heap and buffers grew from the first tenth of many scrapes to their end. */
async function growth(): Promise<number> {
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

const millis = (name: string) => costs.get(name)?.millis ?? Number.NaN;
const worst = Math.max(...Array.from(costs.values(), (each) => each.millis));
const checks = [
  [
    `under ${targets.cpuMillis} ms of CPU a scrape for 10 000 series`,
    worst < (targets.cpuMillis * Math.max(10_000, seriesWanted)) / 10_000,
  ],
  [
    `native histograms ${targets.times}× less CPU than text`,
    millis('text identity') / millis('protobuf, native identity') >= targets.times,
  ],
  ['memory flat', grown < targets.grownBytes],
] as const;
console.log('');
for (const [what, reached] of checks) console.log(`${reached ? 'reached' : 'MISSED '}  ${what}`);
reader.kill();
for (const exporter of Object.values(exporters)) await exporter.shutdown();
process.exitCode = checks.every(([, reached]) => reached) ? 0 : 1;
