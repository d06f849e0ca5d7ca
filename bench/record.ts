/**
 * What one record costs: ours beside prom-client, @prometheus-io/client and the OpenTelemetry SDK, in one process and
 * in alternating rounds, so that what disturbs one disturbs all.
 *
 * All observe the same durations into a histogram with device, backend and kernel as attributes, over 64 kernels, and
 * with the same 25 boundaries where boundaries are chosen. The SDK records with its default reader attached, as it
 * does in a service.
 */
import {
  AggregationTemporality,
  AggregationType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { Histogram as SuccessorHistogram, Registry as SuccessorRegistry } from '@prometheus-io/client';
import { Histogram, Registry } from 'prom-client';
import { Distribution } from '../src/distribution/distribution.ts';
import { classicBoundaries } from '../src/distribution/sketch.ts';
import { checkObjectives, type Objectives } from '../src/objectives.ts';
import { DeviceProfile } from '../src/profile/device-profile.ts';

const rounds = 21;
const recordsPerRound = 100_000;
const targets = { nanoseconds: 50, promClient: 15, sdk: 20 };

const boundaries = [...classicBoundaries()];
const kernelNames = Array.from({ length: 64 }, (_, i) => `kernel_${i}`);
/** Log-uniform from 1 µs to 10 ms; drawn before, so that drawing is not measured. */
const durations = Float64Array.from({ length: 4096 }, () => 10 ** (-6 + 4 * Math.random()));

interface Contestant {
  readonly name: string;
  /** Records `durations[i]` for kernel `i % 64`. */
  readonly record: (i: number) => void;
}

const labels = (kernel: string) => ({ device: 'GPU-1', backend: 'opencl', kernel });
const duration = (i: number) => durations[i & 4095] as number;

const kernel = ours('accelmeter kernel.record');
/** A quarter of the executions exceed the one, a twelfth both. */
const judged = ours('accelmeter kernel.record, objectives', { kernels: { '*': { p95: '1ms', p99: '5ms' } } });
const ownDistribution: Contestant = (() => {
  const distribution = new Distribution();
  return { name: 'accelmeter Distribution.record', record: (i) => void distribution.record(duration(i)) };
})();
const contestants = [kernel, judged, ownDistribution, ...promClients(), ...sdk()];

const costs = measure(contestants);
report(costs);

function ours(name: string, set?: Objectives): Contestant {
  const identity = { id: 'GPU-1', backend: 'opencl', type: 'gpu', name: 'bench', index: 0 } as const;
  const profile = new DeviceProfile(identity, { objectives: checkObjectives(set) ?? [] });
  const kernels = kernelNames.map((kernelName) => profile.kernel(kernelName));
  return { name, record: (i) => kernels[i & 63]?.record(duration(i)) };
}

function promClients(): Contestant[] {
  const options = {
    name: 'kernel_seconds',
    help: 'x',
    labelNames: ['device', 'backend', 'kernel'],
    buckets: boundaries,
  };
  const current = new Histogram({ ...options, registers: [new Registry()] });
  const successor = new SuccessorHistogram({ ...options, registers: [new SuccessorRegistry()] });
  const attributes = kernelNames.map(labels);
  const bound = attributes.map((each) => current.labels(each));
  const boundSuccessor = attributes.map((each) => successor.labels(each));
  const of = (i: number) => attributes[i & 63] as ReturnType<typeof labels>;
  return [
    { name: 'prom-client observe', record: (i) => current.observe(of(i), duration(i)) },
    { name: 'prom-client observe, bound', record: (i) => bound[i & 63]?.observe(duration(i)) },
    { name: '@prometheus-io/client observe', record: (i) => successor.observe(of(i), duration(i)) },
    { name: '@prometheus-io/client observe, bound', record: (i) => boundSuccessor[i & 63]?.observe(duration(i)) },
  ];
}

function sdk(): Contestant[] {
  const histogramOf = (aggregation: AggregationType.DEFAULT | AggregationType.EXPONENTIAL_HISTOGRAM) => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const views =
      aggregation === AggregationType.DEFAULT ? [] : [{ instrumentName: '*', aggregation: { type: aggregation } }];
    const meter = new MeterProvider({ readers: [reader], views }).getMeter('bench');
    return meter.createHistogram('kernel', { unit: 's', advice: { explicitBucketBoundaries: boundaries } });
  };
  const explicit = histogramOf(AggregationType.DEFAULT);
  const exponential = histogramOf(AggregationType.EXPONENTIAL_HISTOGRAM);
  const attributes = kernelNames.map(labels);
  return [
    { name: 'OTel SDK record, 3 attributes', record: (i) => explicit.record(duration(i), attributes[i & 63]) },
    { name: 'OTel SDK record, exponential', record: (i) => exponential.record(duration(i), attributes[i & 63]) },
  ];
}

/** Nanoseconds a record: for each contestant the median over the rounds, the loop around it taken off. */
function measure(all: readonly Contestant[]): Map<string, number> {
  const empty: Contestant = { name: '', record: (i) => void duration(i) };
  const samples = new Map<string, number[]>();
  const runs = [empty, ...all].map(({ name, record }) => ({ name, run: loopOf(record) }));
  for (const { run } of runs) for (let i = 0; i < 5; i++) run();
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of runs) {
      const taken = samples.get(name) ?? [];
      taken.push(run());
      samples.set(name, taken);
    }
  }
  const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] as number;
  const loop = median(samples.get('') ?? []);
  return new Map(all.map(({ name }) => [name, median(samples.get(name) ?? []) - loop]));
}

/** A loop of its own for each contestant, compiled for it alone: a shared one would be slow for all but the first. */
function loopOf(record: (i: number) => void): () => number {
  const loop = new Function(
    'record',
    'count',
    'now',
    'for (let s = now(), i = 0; ; i++) { if (i === count) return now() - s; record(i); }',
  );
  return () => (loop(record, recordsPerRound, () => performance.now()) / recordsPerRound) * 1e6;
}

function report(costs: ReadonlyMap<string, number>): void {
  const own = costs.get(kernel.name) as number;
  console.log(
    `record: nanoseconds each, median of ${rounds} rounds of ${recordsPerRound}, 64 kernels, node ${process.version}\n`,
  );
  for (const [name, cost] of costs) {
    console.log(`${name.padEnd(38)} ${cost.toFixed(1).padStart(8)} ns ${(cost / own).toFixed(1).padStart(8)} ×`);
  }
  const ratio = (name: string) => (costs.get(name) as number) / own;
  const checks = [
    ['under 50 ns', own < targets.nanoseconds],
    ['under 50 ns with objectives', (costs.get(judged.name) as number) < targets.nanoseconds],
    ['15 × faster than prom-client observe', ratio('prom-client observe') >= targets.promClient],
    ['20 × faster than the SDK', ratio('OTel SDK record, 3 attributes') >= targets.sdk],
  ] as const;
  console.log('');
  for (const [what, reached] of checks) console.log(`${reached ? 'reached' : 'MISSED '}  ${what}`);
  process.exitCode = checks.every(([, reached]) => reached) ? 0 : 1;
}
