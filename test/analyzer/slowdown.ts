/** Kernels that become slower, through all of it: a device's profile, its history and its analyzer. */
import { Analyzer } from '../../src/analyzer/analyzer.ts';
import type { Finding } from '../../src/analyzer/finding.ts';
import { DeviceProfile } from '../../src/profile/device-profile.ts';
import { DeviceHistory } from '../../src/profile/history.ts';
import { bimodal, lognormal, type Noise, randomNumbers } from './noise.ts';
import { runKernels } from './simulated-device.ts';

/** A clock that tells no times between its ticks, and a kernel of four milliseconds: the pauses of hosts are its noise. */
const quantised =
  (quantum: number, noise: Noise): Noise =>
  (random) =>
    Math.max(1, Math.round((4 * noise(random)) / quantum)) * quantum;
const fourTimes =
  (noise: Noise): Noise =>
  (random) =>
    4 * noise(random);

export interface Slowdown {
  readonly name: string;
  /** A run of about 4 ms that takes `factor` times as long. */
  readonly run: (factor: number) => Noise;
  readonly perInterval: number;
}

const scaled =
  (noise: Noise, factor: number): Noise =>
  (random) =>
    factor * noise(random);

const kinds: Readonly<Record<string, Slowdown['run']>> = {
  'always the same': (factor) => scaled(() => 4e-3, factor),
  'lognormal, 0.1': (factor) => scaled(fourTimes(lognormal(0.1)), factor),
  'lognormal, 0.3': (factor) => scaled(fourTimes(lognormal(0.3)), factor),
  'a clock of 1 ms': (factor) => quantised(1e-3, scaled(lognormal(0.02), factor)),
  'a clock of 100 µs': (factor) => quantised(1e-4, scaled(lognormal(0.02), factor)),
  'a clock of 65 µs': (factor) => quantised(65e-6, scaled(lognormal(0.02), factor)),
};

export const slowdowns: readonly Slowdown[] = Object.entries(kinds).flatMap(([kind, run]) =>
  [4, 20, 100].map((perInterval) => ({ name: `${kind}, ${perInterval} an interval`, run, perInterval })),
);

/** Three executions of ten are slow, and the slow ones become twice as slow. */
export const slowTail: Slowdown = {
  name: 'three of ten slow, and twice as slow',
  run: (factor) => (random) => (random() < 0.3 ? 10e-3 * factor : 1e-3) * lognormal(0.02)(random) * 1e3,
  perInterval: 20,
};

/** Noise with a second mode does not change by itself. */
export const unchanged: readonly Slowdown[] = [
  ...slowdowns,
  { name: 'bimodal, 4 an interval', run: () => fourTimes(bimodal), perInterval: 4 },
];

export interface Course {
  /** Ticks before it becomes slower; of these, the last ones are looked at. */
  readonly healthy: number;
  readonly looked?: number;
  readonly factor: number;
  /** Ticks after that. */
  readonly slow: number;
  /** Every so-manieth tick is looked at, as when accelmeter is over its budget. */
  readonly lookEvery?: number;
  readonly seed: number;
  /** What else the device does at a tick, counted from the change. */
  readonly beside?: (profile: DeviceProfile, tick: number) => void;
}

/** After how many slow ticks which findings were raised; before the change, below zero. */
export function raisedAt({ run, perInterval }: Slowdown, course: Course): { tick: number; finding: Finding }[] {
  const { healthy, looked = healthy, factor, slow, lookEvery = 1, seed, beside } = course;
  const random = randomNumbers(seed);
  const phase = seed % lookEvery;
  let now = 1000;
  let tick = 0;
  const raised: { tick: number; finding: Finding }[] = [];
  const profile = new DeviceProfile(
    { id: 'd', backend: 'opencl', type: 'gpu', name: 'D', index: 0 },
    { now: () => now },
  );
  const history = new DeviceHistory(profile);
  const announce = (finding: Finding) => {
    if (finding.state === 'raised') raised.push({ tick, finding });
  };
  const analyzer = new Analyzer({ device: profile.identity, now: () => now, announce });
  const before = run(1);
  const after = run(factor);
  for (tick = -healthy; tick < slow; tick++) {
    const noise = tick < 0 ? before : after;
    runKernels(
      profile,
      now,
      Array.from({ length: perInterval }, () => ({ name: 'k', seconds: noise(random) })),
    );
    beside?.(profile, tick);
    now += 5;
    profile.closeInterval(now);
    history.close(now);
    if (tick < -looked || (tick + healthy) % lookEvery !== phase) continue;
    const window = history.window();
    if (window !== undefined) analyzer.analyze(window);
  }
  return raised;
}

export function isTold(slowdown: Slowdown, course: Course): boolean {
  return raisedAt(slowdown, course).some(
    ({ tick, finding }) => tick >= 0 && tick < 20 && finding.code === 'regression' && finding.kernel === 'k',
  );
}
