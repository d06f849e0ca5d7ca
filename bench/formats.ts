/**
 * What a page costs in each format, of the same kernels: text, OpenMetrics, protobuf with native histograms alone, with
 * classic buckets beside them, and classic alone. Each kernel runs a few times between two pages. Writing, and the
 * collection before it, apart.
 *
 *     node bench/formats.ts [kernels] [rounds]
 */
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { DataPointType, type Histogram, type MetricData, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { createFormatOf, type FormatsOptions, type Layout } from '../src/exporters/prometheus/formats.ts';
import { PageBuffer } from '../src/exporters/prometheus/page-buffer.ts';
import { explicitHistogram } from '../src/otel/histograms.ts';
import { DeviceProfile } from '../src/profile/device-profile.ts';
import type { Kernel } from '../src/profile/kernel-table.ts';

const kernelCount = Number(process.argv[2] ?? 1000);
const rounds = Number(process.argv[3] ?? 60);
const warmUps = 20;
const targets = { time: 3, bytes: 10 };

const options: FormatsOptions = {
  prefix: '',
  unitSuffixes: true,
  utf8: false,
  createdSeries: false,
  protobufHistograms: 'native',
  appendTimestamp: false,
  withoutScopeInfo: true,
  withoutTargetInfo: true,
  withResourceConstantLabels: undefined,
};

const identity = {
  id: 'GPU-3f1e2d4c-9b8a-7c6d-5e4f-3a2b1c0d9e8f',
  backend: 'opencl',
  type: 'gpu',
  name: 'bench',
  index: 0,
} as const;
const profile = new DeviceProfile(identity, { maxKernels: kernelCount });
const kernels = Array.from({ length: kernelCount }, (_, i) => profile.kernel(`kernel_${i}`));

/** Log-normal about a time of the kernel's own, from a microsecond to a tenth of a second; a few runs are slow. */
function runs(kernel: Kernel, index: number, count: number): void {
  const typical = 1e-6 * 10 ** (5 * ((index * 0.618) % 1));
  for (let i = 0; i < count; i++) {
    const normal = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
    kernel.record(typical * Math.exp(0.15 * normal) * (Math.random() < 0.01 ? 4 : 1));
  }
}
for (const [i, kernel] of kernels.entries()) runs(kernel, i, 2000);

const descriptor = {
  name: 'accelmeter.kernel.duration',
  unit: 's',
  description: 'Device time of kernel executions, from start to end.',
  valueType: 1,
};
const scope = { name: 'accelmeter' };
const resource = resourceFromAttributes({});

/** As the producer does it. */
function collect(): ResourceMetrics {
  const metric: MetricData = {
    descriptor,
    aggregationTemporality: 1,
    dataPointType: DataPointType.HISTOGRAM,
    dataPoints: kernels.map(({ attributes, distribution }) => ({
      attributes,
      startTime: [1_700_000_000, 0],
      endTime: [1_700_000_060, 0],
      value: explicitHistogram(distribution, 0) as Histogram,
    })),
  };
  return { resource, scopeMetrics: [{ scope, metrics: [metric] }] };
}

interface Contender {
  readonly name: string;
  readonly write: (collected: ResourceMetrics) => Buffer;
}

function contender(name: string, layout: Layout, further: Partial<FormatsOptions> = {}): Contender {
  const format = createFormatOf({ ...options, ...further })(layout);
  const buffer = new PageBuffer(0);
  return {
    name,
    write(collected) {
      buffer.clear();
      const steps = format.write(collected, buffer);
      while (!steps.next().done);
      return buffer.written;
    },
  };
}

const text = contender('text', 'text underscores');
const native = contender('protobuf, native', 'protobuf underscores');
const contenders = [
  text,
  contender('OpenMetrics', 'openmetrics underscores'),
  native,
  contender('protobuf, both', 'protobuf underscores', { protobufHistograms: 'both' }),
  contender('protobuf, classic', 'protobuf underscores', { protobufHistograms: 'classic' }),
];

const times = new Map<string, number[]>([
  ...contenders.map(({ name }) => [name, []] as [string, number[]]),
  ['collection', []],
]);
const pages = new Map<string, Buffer>();
for (let round = 0; round < rounds + warmUps; round++) {
  for (const [i, kernel] of kernels.entries()) runs(kernel, i, 5);
  const collected = timed('collection', collect);
  for (const { name, write } of contenders)
    pages.set(
      name,
      timed(name, () => write(collected)),
    );

  function timed<T>(name: string, run: () => T): T {
    const begun = performance.now();
    const result = run();
    if (round >= warmUps) times.get(name)?.push(performance.now() - begun);
    return result;
  }
}

const median = (values: readonly number[] = []) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const time = (name: string) => median(times.get(name));
const size = (name: string) => pages.get(name)?.length ?? Number.NaN;
const kilobytes = (count: number) => `${(count / 1000).toFixed(0)} kB`.padStart(9);

console.log(`${kernelCount} kernels, median of ${rounds} rounds, node ${process.version}\n`);
console.log(`${'collection'.padEnd(20)} ${time('collection').toFixed(2).padStart(7)} ms`);
for (const { name } of contenders) {
  const page = pages.get(name) as Buffer;
  const gzip = gzipSync(page, { level: 1 }).length;
  const zstd = zstdCompressSync(page, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }).length;
  const share = `${(time(text.name) / time(name)).toFixed(1)}× faster, ${(size(text.name) / size(name)).toFixed(1)}× smaller`;
  console.log(
    `${name.padEnd(20)} ${time(name).toFixed(2).padStart(7)} ms ${kilobytes(size(name))}  gzip ${kilobytes(gzip)}  zstd ${kilobytes(zstd)}  ${share} than text`,
  );
}
const checks = [
  [`native histograms ${targets.time}× less time than text`, time(text.name) / time(native.name) >= targets.time],
  [`and ${targets.bytes}× fewer bytes`, size(text.name) / size(native.name) >= targets.bytes],
] as const;
console.log('');
for (const [what, reached] of checks) console.log(`${reached ? 'reached' : 'MISSED '}  ${what}`);
process.exitCode = checks.every(([, reached]) => reached) ? 0 : 1;
