/**
 * What `timeKernel` costs with findings and spans: without a finding, with one and no span, and with one that the active
 * span already has, which is what all but the first call in a span see.
 */
import { trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import type { Finding } from '../src/analyzer/finding.ts';
import { presentDevice } from '../src/device.ts';
import { attachFindings } from '../src/otel/span-events.ts';
import { DeviceProfile } from '../src/profile/device-profile.ts';
import { finding } from '../test/otel/findings.ts';

const rounds = 15;
const callsARound = 200_000;

const now = () => performance.now() / 1000;
const profile = new DeviceProfile({ id: 'GPU-1', backend: 'opencl', type: 'gpu', name: 'A GPU', index: 0 }, { now });
let findings: readonly Finding[] = [];
const health = () => {
  throw new Error('nobody asks for it here');
};
const context = {
  now,
  refresh: async () => {},
  analysed: () => undefined,
  findings: () => findings,
  health,
  sources: () => [],
};
const device = presentDevice(profile, { ...context, presence: () => 'running' as const, processPoints: () => [] });
const work = () => 1;

function nanosecondsACall(): number {
  const start = performance.now();
  for (let i = 0; i < callsARound; i++) device.timeKernel('add', work);
  return ((performance.now() - start) * 1e6) / callsARound;
}

const keep = { onStart() {}, onEnd() {}, forceFlush: async () => {}, shutdown: async () => {} };
const sdk = new NodeSDK({
  autoDetectResources: false,
  spanProcessors: [keep],
  metricReaders: [],
  logRecordProcessors: [],
});
sdk.start();

const one = [finding()];
const cases: Readonly<Record<string, () => number>> = {
  'no finding: the look alone': () => {
    const start = performance.now();
    for (let i = 0; i < callsARound; i++) attachFindings(context.findings());
    return ((performance.now() - start) * 1e6) / callsARound;
  },
  'no finding': () => nanosecondsACall(),
  'no finding, in a span': () => inSpan(nanosecondsACall),
  'a finding, no span': () => withFinding(nanosecondsACall),
  'a finding, on the span already': () => withFinding(() => inSpan(nanosecondsACall)),
};

function withFinding(measure: () => number): number {
  findings = one;
  try {
    return measure();
  } finally {
    findings = [];
  }
}

function inSpan(measure: () => number): number {
  return trace.getTracer('bench').startActiveSpan('request', (span) => {
    const result = measure();
    span.end();
    return result;
  });
}

const results = new Map(Object.keys(cases).map((name) => [name, [] as number[]]));
for (let round = 0; round <= rounds; round++) {
  for (const [name, measure] of Object.entries(cases)) {
    const took = measure();
    if (round > 0) results.get(name)?.push(took); // the first round is for the compiler
  }
}
for (const [name, all] of results) {
  const median = all.sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
  console.log(`timeKernel, ${name.padEnd(32)} ${median.toFixed(1).padStart(6)} ns`);
}
await sdk.shutdown();
