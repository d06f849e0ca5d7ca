/**
 * What the state of one device holds: heap and array buffers together, after garbage collection, as the difference
 * that creating and filling it makes. Several are filled and the total divided, so that what the
 * process allocates once does not count. Each case runs in a process of its own.
 */
import { spawnSync } from 'node:child_process';
import { DeviceProfile } from '../src/profile/device-profile.ts';
import { DeviceHistory } from '../src/profile/history.ts';
import type { KernelObjective } from '../src/profile/objective-counts.ts';

const statesFilled = 8;
const samples = 1000;
const ticks = 30;
const targetBytes = 2 ** 20;

/** The state of a device, with a clock of its own. */
function createState(index: number, objectives: readonly KernelObjective[] = []) {
  let seconds = 100;
  const identity = { id: `GPU-${index}`, backend: 'opencl', type: 'gpu', name: 'bench', index } as const;
  const profile = new DeviceProfile(identity, { now: () => seconds, objectives });
  const history = new DeviceHistory(profile);
  return {
    profile,
    history,
    now: () => seconds,
    tick() {
      seconds += 5;
      profile.closeInterval(seconds);
      history.close(seconds, [{ name: 'nodejs.eventloop.utilization', value: seconds / 1e6 }], ['a source']);
    },
  };
}
type State = ReturnType<typeof createState>;

/** Durations of one shape: the `i`th of kernel `k`. */
type Shape = (i: number, k: number) => number;

interface Case {
  readonly what: string;
  readonly objectives?: readonly KernelObjective[];
  readonly fill: (state: State) => void;
}

const alike: Shape = (i, k) => 1e-4 * (65 - k) * (1 + 0.1 * Math.sin(i));
const twoDecades: Shape = (i) => 10 ** (-5 + 2 * ((i * 0.618) % 1));
const wholeRange: Shape = (i) => 2 ** (-30 + 40 * ((i * 0.618) % 1));

/** Each kernel runs in every interval; sixteen run twice as often, so that they are followed. */
function fillKernels({ profile, tick }: State, count: number, shape: Shape): void {
  const kernels = Array.from({ length: count }, (_, k) => profile.kernel(`some::library::kernel_number_${k}`));
  for (let t = 0; t < ticks; t++) {
    for (const [k, kernel] of kernels.entries()) {
      for (let i = 0; i < (k < 16 ? 2 : 1) * samples; i++) kernel.record(shape(i * ticks + t, k));
    }
    tick();
  }
}

/** Everything a profile can hold: 63 kernels and as many waiting as may, hostile names, failures, copies, late work. */
function fillUp(state: State): void {
  const { profile, now } = state;
  for (let i = 0; i < samples; i++) {
    profile.queueWait.record(wholeRange(i, 0));
    profile.compilation.record(wholeRange(i, 0));
  }
  fillKernels(state, 63, wholeRange);
  for (let k = 0; k < 63; k++) {
    const kernel = profile.kernel(`some::library::kernel_number_${k}`);
    for (let i = 0; i < 20; i++) kernel.recordFailure(`error_${i}`);
  }
  for (const direction of ['host_to_device', 'device_to_host', 'device_to_device', 'peer_to_peer'] as const) {
    const transfer = profile.transfer(direction);
    for (let i = 0; i < 5000; i++) {
      // Most are too short to meet: they stay apart until the interval ends.
      const seconds = i % 5 === 0 ? wholeRange(i, 0) : 1e-7;
      transfer.recordAt(now() - i * 1e-4, 2 ** 21 / 3, seconds < 1 ? seconds * 1e-5 : seconds);
    }
  }
  for (let k = 0; k < 2000; k++) {
    const name = `autotuned_${k}_${'x'.repeat(80)}`;
    for (let i = 0; i < (k < 64 ? samples : 1); i++) {
      const duration = wholeRange(i, k);
      profile.deliver({ kind: 'kernel', name, start: now() - i * 1e-3, duration, wait: duration, failed: undefined });
    }
  }
}

const cases: Readonly<Record<string, Case>> = {
  alike: { what: '64 kernels × 1000 samples, each within 20 %', fill: (state) => fillKernels(state, 64, alike) },
  decades: {
    what: '64 kernels × 1000 samples over two decades',
    fill: (state) => fillKernels(state, 64, twoDecades),
  },
  range: {
    what: '64 kernels × 1000 samples from 1 ns to 17 min',
    fill: (state) => fillKernels(state, 64, wholeRange),
  },
  worst: { what: 'everything full, names waiting as well', fill: fillUp },
  judged: {
    what: 'the same with objectives for every kernel',
    objectives: [{ pattern: /^/, p95: 0.01, p99: 0.02 }],
    fill: fillUp,
  },
};

const wanted = process.argv[2];
if (wanted === undefined) reportAll();
else console.log(bytesEach(cases[wanted] as Case));

function bytesEach({ fill, objectives }: Case): number {
  // Once before, so that compiled code and tables that are made once are there already.
  fill(createState(0, objectives));
  const before = bytesInUse();
  const states = Array.from({ length: statesFilled }, (_, index) => {
    const state = createState(index, objectives);
    fill(state);
    return state;
  });
  const used = bytesInUse() - before;
  if (states.some(({ history }) => history.window(24)?.byKernel.length !== 16))
    throw new Error('a history was not filled');
  return used / statesFilled;
}

function bytesInUse(): number {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc');
  for (let i = 0; i < 4; i++) globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function reportAll(): void {
  console.log(
    `memory of one device's state with its history, of ${targetBytes / 1024} KiB allowed, node ${process.version}\n`,
  );
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
