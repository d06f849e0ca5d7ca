/** What a snapshot costs and how large it is, with everything known of a device that can be known and much of it wrong. */
import { findingOf } from '../src/analyzer/finding.ts';
import { allRules } from '../src/analyzer/rules/all.ts';
import { asSpoken } from '../src/analyzer/spoken.ts';
import { DeviceProfile } from '../src/profile/device-profile.ts';
import { lifetimeWindow } from '../src/profile/lifetime.ts';
import { ProfilingMetric } from '../src/profiling-metrics.ts';
import { takeKernelStatistics } from '../src/profiling-statistics.ts';
import { type Judgement, takeSnapshot } from '../src/snapshot.ts';

const calls = 5000;
/** More than a snapshot takes of either. */
const findings = 12;
const trends = 16;
const targets = { p99Milliseconds: 1, bytes: 10 * 1024 };

const profile = busyProfile();
const now = performance.now() / 1000;
const window = lifetimeWindow(profile, now);
const snapshots = timed(() => takeSnapshot(profile, now, { judgement: judgement() }));
const statistics = timed(() => takeKernelStatistics(profile));
const bytes = bytesOfOne();
const sound = Buffer.byteLength(JSON.stringify(takeSnapshot(profile, now)));
const judged = Buffer.byteLength(JSON.stringify(takeSnapshot(profile, now, { judgement: judgement() })));

console.log(`snapshot of a device with 64 kernels × 1000 samples, ${calls} calls, node ${process.version}\n`);
row('takeSnapshot', snapshots);
row('takeKernelStatistics', statistics);
console.log(`in memory              ${kibibytes(bytes)}, of ${findings} findings and ${trends} trends what it takes`);
console.log(`as JSON                ${kibibytes(sound)} where all is well, ${kibibytes(judged)} with these`);
const reached = snapshots.p99 < targets.p99Milliseconds && Math.max(bytes, sound) < targets.bytes;
console.log(`\n${reached ? 'reached' : 'MISSED '}  snapshot under 1 ms at P99 and under 10 KiB`);
process.exitCode = reached ? 0 : 1;

/** Findings are made anew at each tick, so a snapshot that is kept keeps its own. */
function judgement(): Judgement {
  const raisedAt = new Date().toISOString();
  return {
    findings: Array.from({ length: findings }, (_, i) => {
      const rule = allRules[i % allRules.length] as (typeof allRules)[number];
      const sentence = `${i} of 1200 executions of some::library::kernel_number_${i} were not as they should be.`;
      const observation = { observed: i / 3, samples: 1200, sentence, kernel: `some::library::kernel_number_${i}` };
      const sighting = { rule, observation, severity: 'warning', threshold: 0.3, unit: '1' } as const;
      return findingOf(sighting, window, { id: `finding-${i}`, severity: 'warning', raisedAt });
    }),
    trends: Array.from({ length: trends }, (_, i) => {
      const kernel = `some::library::kernel_number_${i}`;
      const sentence = `${kernel} is stable: 1.21 ms on average, 1.23 ms before (2400 executions in 60.0 s).`;
      return asSpoken({ kernel, direction: 'stable', ratio: i / 7, probability: 1 / (i + 2), samples: 2400, sentence });
    }),
  };
}

/** What a snapshot that is kept holds, findings and trends included. */
function bytesOfOne(): number {
  const kept = new Array<unknown>(1000);
  const before = heapUsed();
  for (let i = 0; i < kept.length; i++) kept[i] = takeSnapshot(profile, now, { judgement: judgement() });
  return (heapUsed() - before) / kept.length;
}

function heapUsed(): number {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc');
  for (let i = 0; i < 4; i++) globalThis.gc();
  return process.memoryUsage().heapUsed;
}

function busyProfile(): DeviceProfile {
  const filled = new DeviceProfile({ id: 'GPU-1', backend: 'opencl', type: 'gpu', name: 'bench', index: 0 });
  for (let k = 0; k < 64; k++) {
    const kernel = filled.kernel(`some::library::kernel_number_${k}`);
    for (let i = 0; i < 1000; i++) kernel.record(10 ** (-6 + 4 * Math.random()));
  }
  for (const direction of ['host_to_device', 'device_to_host', 'device_to_device', 'peer_to_peer'] as const) {
    filled.transfer(direction).record(1e6 / 3, 1e-3 / 7);
  }
  filled.memory.allocated(2 ** 30);
  filled.queueWait.record(1e-5 / 3);
  filled.compilation.record(1 / 3);
  for (let i = 0; i < 32; i++) {
    filled.report(ProfilingMetric.create('Custom', i / 3, `a value of the program, no. ${i}`, '{token}', 0, i / 7));
  }
  filled.closeInterval(performance.now() / 1000 + 5);
  return filled;
}

function kibibytes(count: number): string {
  return `${(count / 1024).toFixed(1)} KiB`;
}

interface Cost {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Milliseconds a call. */
function timed(call: () => unknown): Cost {
  const taken = new Float64Array(calls);
  for (let i = -calls / 10; i < calls; i++) {
    const from = performance.now();
    call();
    if (i >= 0) taken[i] = performance.now() - from;
  }
  taken.sort();
  const at = (q: number) => taken[Math.min(calls - 1, Math.floor(q * calls))] as number;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

function row(what: string, { p50, p99, max }: Cost): void {
  const cost = `P50 ${p50.toFixed(3)} ms   P99 ${p99.toFixed(3)} ms   max ${max.toFixed(3)} ms`;
  console.log(`${what.padEnd(22)} ${cost}`);
}
