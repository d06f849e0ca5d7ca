/**
 * What the state of one device holds: heap and array buffers together, after garbage collection, as the difference
 * that creating and filling profiles makes. Several profiles are filled and the total divided, so that what the
 * process allocates once does not count. Each case runs in a process of its own.
 */
import { spawnSync } from 'node:child_process';
import { DeviceProfile } from '../src/profile/device-profile.ts';

const profilesFilled = 8;
const samples = 1000;
const targetBytes = 2 ** 20;

/** Durations of one shape: the `i`th of kernel `k`. */
type Shape = (i: number, k: number) => number;

interface Case {
  readonly what: string;
  readonly fill: (profile: DeviceProfile) => void;
}

const alike: Shape = (i, k) => 1e-4 * (k + 1) * (1 + 0.1 * Math.sin(i));
const twoDecades: Shape = (i) => 10 ** (-5 + 2 * ((i * 0.618) % 1));
const wholeRange: Shape = (i) => 2 ** (-30 + 40 * ((i * 0.618) % 1));

function fillKernels(profile: DeviceProfile, count: number, shape: Shape): void {
  for (let k = 0; k < count; k++) {
    const kernel = profile.kernel(`some::library::kernel_number_${k}`);
    for (let i = 0; i < samples; i++) kernel.record(shape(i, k));
  }
}

/** Everything a profile can hold: 63 kernels and as many waiting as may, hostile names, failures, copies, late work. */
function fillUp(profile: DeviceProfile): void {
  fillKernels(profile, 63, wholeRange);
  let name = 0;
  for (let k = 0; k < 2000; k++) {
    const raw = `autotuned_${name++}_${'x'.repeat(80)}`;
    for (let i = 0; i < (k < 64 ? samples : 1); i++) {
      const start = i * 1e-3 + k;
      profile.deliver({
        kind: 'kernel',
        name: raw,
        start,
        duration: wholeRange(i, k),
        wait: wholeRange(i, k),
        failed: undefined,
      });
    }
  }
  for (let k = 0; k < 63; k++) {
    const kernel = profile.kernel(`some::library::kernel_number_${k}`);
    for (let i = 0; i < 20; i++) kernel.recordFailure(`error_${i}`);
  }
  for (const direction of ['host_to_device', 'device_to_host', 'device_to_device', 'peer_to_peer'] as const) {
    for (let i = 0; i < 5000; i++) profile.transfer(direction).recordAt(i, 1e6, 0.5 * ((i * 0.618) % 1));
  }
  for (let i = 0; i < samples; i++) profile.compilation.record(wholeRange(i, 0));
}

const cases: Readonly<Record<string, Case>> = {
  alike: { what: '64 kernels × 1000 samples, each within 20 %', fill: (profile) => fillKernels(profile, 64, alike) },
  decades: {
    what: '64 kernels × 1000 samples over two decades',
    fill: (profile) => fillKernels(profile, 64, twoDecades),
  },
  range: {
    what: '64 kernels × 1000 samples from 1 ns to 17 min',
    fill: (profile) => fillKernels(profile, 64, wholeRange),
  },
  worst: { what: 'everything full, names waiting as well', fill: fillUp },
};

const wanted = process.argv[2];
if (wanted === undefined) reportAll();
else console.log(bytesEach(cases[wanted] as Case));

function bytesEach({ fill }: Case): number {
  // Once before, so that compiled code and tables that are made once are there already.
  fill(new DeviceProfile({ id: 'warm', backend: 'opencl', type: 'gpu', name: 'bench', index: 0 }));
  const before = bytesInUse();
  const profiles = Array.from({ length: profilesFilled }, (_, index) => {
    const profile = new DeviceProfile({ id: `GPU-${index}`, backend: 'opencl', type: 'gpu', name: 'bench', index });
    fill(profile);
    return profile;
  });
  const used = bytesInUse() - before;
  if (profiles.some((profile) => profile.totals().count < samples)) throw new Error('a profile was not filled');
  return used / profilesFilled;
}

function bytesInUse(): number {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc');
  for (let i = 0; i < 4; i++) globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function reportAll(): void {
  console.log(`memory of one device's state, of ${targetBytes / 1024} KiB allowed, node ${process.version}\n`);
  let reached = true;
  for (const [name, { what }] of Object.entries(cases)) {
    const child = spawnSync(process.execPath, ['--expose-gc', import.meta.filename, name], { encoding: 'utf8' });
    if (child.status !== 0) throw new Error(child.stderr);
    const bytes = Number(child.stdout);
    reached &&= bytes < targetBytes;
    console.log(`${what.padEnd(48)} ${(bytes / 1024).toFixed(0).padStart(6)} KiB`);
  }
  console.log(`\n${reached ? 'reached' : 'MISSED '}  under 1 MiB in every case`);
  process.exitCode = reached ? 0 : 1;
}
