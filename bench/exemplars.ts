/**
 * What exemplars cost a record: without a tracer, with one and no span, in a span that is not sampled (the dearest, since
 * each record looks for one), and in one that is, where an octave has its exemplar for the interval after one record.
 */
import { context, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { Distribution } from '../src/distribution/distribution.ts';
import { DeviceProfile } from '../src/profile/device-profile.ts';

const rounds = 31;
const recordsARound = 200_000;
const targetNanos = 40;

const profile = new DeviceProfile({ id: 'GPU-1', backend: 'opencl', type: 'gpu', name: 'bench', index: 0 });
const kernels = Array.from({ length: 64 }, (_, i) => profile.kernel(`kernel_${i}`));
const distributions = Array.from({ length: 64 }, () => new Distribution());
const durations = Float64Array.from({ length: 4096 }, () => 10 ** (-6 + 4 * Math.random()));

function records(): void {
  for (let i = 0; i < recordsARound; i++) kernels[i & 63]?.record(durations[i & 4095] as number);
}

/** Without the kernel around it: what there was before exemplars, but for the timeline. */
function distributionsAlone(): void {
  for (let i = 0; i < recordsARound; i++) distributions[i & 63]?.record(durations[i & 4095] as number);
}

/** The median over the rounds, each after the interval has ended. */
function nanosecondsARecord(run: () => void): number {
  const taken: number[] = [];
  for (let round = 0; round < rounds; round++) {
    profile.closeInterval(performance.now() / 1000 + 5 * round);
    const begun = performance.now();
    run();
    taken.push(((performance.now() - begun) * 1e6) / recordsARound);
  }
  return taken.sort((a, b) => a - b)[rounds >> 1] as number;
}

const report = (what: string, nanos: number) =>
  console.log(`${what.padEnd(34)} ${nanos.toFixed(1).padStart(6)} ns a record`);

for (let i = 0; i < 3; i++) records();
report('a distribution alone', nanosecondsARecord(distributionsAlone));
const without = nanosecondsARecord(records);
report('no tracer', without);

const keep = { onStart() {}, onEnd() {}, forceFlush: async () => {}, shutdown: async () => {} };
const sdk = new NodeSDK({
  autoDetectResources: false,
  spanProcessors: [keep],
  metricReaders: [],
  logRecordProcessors: [],
});
sdk.start();
const costs = [
  ['a tracer, no span', nanosecondsARecord(records)],
  ['a span that is not sampled', inSpan(0)],
  ['a sampled span', inSpan(1)],
] as const;

function inSpan(traceFlags: number): number {
  const span = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags };
  return context.with(trace.setSpanContext(context.active(), span), () => nanosecondsARecord(records));
}

for (const [what, nanos] of costs) report(what, nanos);
const dearest = Math.max(...costs.map(([, nanos]) => nanos - without));
console.log(
  `\n${dearest < targetNanos ? 'reached' : 'MISSED '}  under ${targetNanos} ns more a record: ${dearest.toFixed(1)} ns`,
);
await sdk.shutdown();
process.exitCode = dearest < targetNanos ? 0 : 1;
