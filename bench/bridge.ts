/**
 * What the API bridge costs a kernel: the record on the hot path with a bridge attached, and the replay into the SDK's
 * histogram at the collection, beside the SDK's own record; in one process and in alternating rounds.
 */
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import type { Backend } from '../src/backend.ts';
import { classicBoundaries } from '../src/distribution/sketch.ts';
import { resolveOptions } from '../src/options.ts';
import { bridgeToApi } from '../src/otel/api-bridge.ts';
import { openProfiler } from '../src/profiler.ts';

const rounds = 15;
/** As many as one collection hands on. */
const recordsPerRound = 20_000;
const targets = { record: 50, replayOverSdk: 1.5 };

const backend: Backend = {
  name: 'opencl',
  open(host) {
    host.addDevice({ id: 'GPU-1', backend: 'opencl', type: 'gpu', name: 'bench', index: 0 });
    return { sources: () => [], close() {} };
  },
};

const durations = Float64Array.from({ length: 4096 }, () => 10 ** (-6 + 4 * Math.random()));
const duration = (i: number) => durations[i & 4095] as number;

const { profiler } = await openProfiler(
  resolveOptions({}, {}, () => {}),
  { backends: [backend] },
);
const kernels = Array.from({ length: 64 }, (_, i) => profiler.devices[0]?.kernel(`kernel_${i}`));

const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
const provider = new MeterProvider({ readers: [reader] });
const own = provider.getMeter('bench').createHistogram('own', {
  advice: { explicitBucketBoundaries: [...classicBoundaries()] },
});
const attributes = kernels.map((_, i) => ({
  'hw.id': 'GPU-1',
  'hw.type': 'gpu',
  'accelmeter.backend': 'opencl',
  'accelmeter.kernel.name': `kernel_${i}`,
}));

const nanoseconds = (work: () => void) => {
  const start = performance.now();
  work();
  return ((performance.now() - start) / recordsPerRound) * 1e6;
};
const recordAll = () => {
  for (let i = 0; i < recordsPerRound; i++) kernels[i & 63]?.record(duration(i));
};
const taken = { unbridged: [] as number[], bridged: [] as number[], replay: [] as number[], sdk: [] as number[] };
for (let round = -3; round < rounds; round++) {
  const unbridged = nanoseconds(recordAll);
  const bridge = bridgeToApi(profiler, { meterProvider: provider });
  await reader.collect();
  await reader.collect();
  const idle = await collection();
  const bridged = nanoseconds(recordAll);
  const replay = ((await collection()) - idle) / recordsPerRound;
  const sdk = nanoseconds(() => {
    for (let i = 0; i < recordsPerRound; i++) own.record(duration(i), attributes[i & 63]);
  });
  bridge.detach();
  if (round < 0) continue;
  taken.unbridged.push(unbridged);
  taken.bridged.push(bridged);
  taken.replay.push(replay);
  taken.sdk.push(sdk);
}
await profiler.close();
await provider.shutdown();
report();

/** Nanoseconds on the main thread. */
async function collection(): Promise<number> {
  const before = process.cpuUsage();
  await reader.collect();
  const { user, system } = process.cpuUsage(before);
  return (user + system) * 1000;
}

function report(): void {
  const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] as number;
  const { unbridged, bridged, replay, sdk } = Object.fromEntries(
    Object.entries(taken).map(([name, values]) => [name, median(values)]),
  ) as Record<keyof typeof taken, number>;
  const lines = {
    'kernel.record, no bridge': unbridged,
    'kernel.record, bridge attached': bridged,
    'replay at the collection': replay,
    'OTel SDK record, 4 attributes': sdk,
  };
  console.log(
    `bridge: nanoseconds a kernel, median of ${rounds} rounds of ${recordsPerRound}, 64 kernels, node ${process.version}\n`,
  );
  for (const [name, cost] of Object.entries(lines)) console.log(`${name.padEnd(34)} ${cost.toFixed(1).padStart(8)} ns`);
  const checks = [
    [`kernel.record under ${targets.record} ns with a bridge`, bridged < targets.record],
    [`a replay costs less than ${targets.replayOverSdk} × the SDK's own record`, replay < targets.replayOverSdk * sdk],
  ] as const;
  console.log('');
  for (const [what, reached] of checks) console.log(`${reached ? 'reached' : 'MISSED '}  ${what}`);
  process.exitCode = checks.every(([, reached]) => reached) ? 0 : 1;
}
