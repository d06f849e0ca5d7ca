/**
 * What a page costs in each format, of the same kernels: text, OpenMetrics, protobuf with native histograms alone, with
 * classic buckets beside them, and classic alone. Each kernel runs a few times between two pages. Writing, and the
 * collection before it, apart.
 *
 *     node bench/formats.ts [kernels] [rounds]
 */
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { createFormatOf, type FormatsOptions, type Layout } from '../src/exporters/prometheus/formats.ts';
import { PageBuffer } from '../src/exporters/prometheus/page-buffer.ts';
import { busyKernels } from '../test/exporters/prometheus/busy-kernels.ts';

const kernelCount = Number(process.argv[2] ?? 1000);
const rounds = Number(process.argv[3] ?? 60);
const warmUps = 20;
/** Native histograms against text. */
const targets = { bytes: 10, times: 3 };

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

const kernels = busyKernels(kernelCount);

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
  kernels.run(5);
  const collected = timed('collection', kernels.collect);
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
const smaller = size(text.name) / size(native.name);
const faster = time(text.name) / time(native.name);
const checks = [
  [`native histograms ${targets.bytes} × fewer bytes than text: ${smaller.toFixed(1)} ×`, smaller >= targets.bytes],
  [`native histograms ${targets.times} × less CPU than text: ${faster.toFixed(1)} ×`, faster >= targets.times],
] as const;
console.log('');
for (const [what, reached] of checks) console.log(`${reached ? 'reached' : 'MISSED '}  ${what}`);
process.exitCode = checks.every(([, reached]) => reached) ? 0 : 1;
