/** What a snapshot costs and how large it is, with everything known of a device that can be known. */
import { DeviceProfile } from '../src/profile/device-profile.ts';
import { ProfilingMetric } from '../src/profiling-metrics.ts';
import { takeKernelStatistics } from '../src/profiling-statistics.ts';
import { takeSnapshot } from '../src/snapshot.ts';

const calls = 5000;
const targets = { p99Milliseconds: 1, bytes: 10 * 1024 };

const profile = busyProfile();
const now = performance.now() / 1000;
const snapshots = timed(() => takeSnapshot(profile, now));
const statistics = timed(() => takeKernelStatistics(profile));
const bytes = Buffer.byteLength(JSON.stringify(takeSnapshot(profile, now)));

console.log(`snapshot of a device with 64 kernels × 1000 samples, ${calls} calls, node ${process.version}\n`);
row('takeSnapshot', snapshots);
row('takeKernelStatistics', statistics);
console.log(`as JSON                ${(bytes / 1024).toFixed(1)} KiB`);
const reached = snapshots.p99 < targets.p99Milliseconds && bytes < targets.bytes;
console.log(`\n${reached ? 'reached' : 'MISSED '}  snapshot under 1 ms at P99 and under 10 KiB`);
process.exitCode = reached ? 0 : 1;

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
