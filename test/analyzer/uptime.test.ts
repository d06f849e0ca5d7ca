/** Regressions and trends in the life of a service: through the real profile and history of a device, at our clock. */
import { describe, expect, it } from 'vitest';
import { regression } from '../../src/analyzer/rules/regression.ts';
import { trendsIn } from '../../src/analyzer/trends.ts';
import type { Window } from '../../src/profile/window.ts';
import { lognormal, type Noise, randomNumbers } from './noise.ts';
import { runKernels, type SimulatedDevice, simulatedDevice, type Work } from './simulated-device.ts';

const day = 17_280;
const noise = lognormal(0.1);

/** The kernels that one window calls slower. */
const slower = (window: Window) =>
  regression
    .find(window, { threshold: 1.2, profile: 'production', thresholdOf: () => undefined })
    .map(({ kernel }) => kernel);
/** The kernels whose time goes one way. */
const moving = (window: Window) => trendsIn(window).filter(({ direction }) => direction !== 'stable');

/** Each kernel so many times an interval, of so many seconds times the noise. */
type Mix = Readonly<Record<string, { readonly count: number; readonly seconds: number; readonly noise?: Noise }>>;

function serve(random: () => number, mix: Mix): Work {
  return (profile, from) => {
    const kernels = Object.entries(mix).flatMap(([name, { count, seconds, noise: own = noise }]) =>
      Array.from({ length: count }, () => ({ name, seconds: (seconds / 1e-3) * own(random) })),
    );
    runKernels(profile, from, kernels, { gap: 1e-3 });
  };
}

/** What is said of each window while it is the latest: after that its history has moved on. */
function over<T>(
  device: SimulatedDevice,
  ticks: number,
  work: (tick: number) => Work,
  say: (window: Window) => T,
): T[] {
  return Array.from({ length: ticks }, (_, tick) => {
    device.tick(work(tick));
    return say(device.window());
  });
}

const steady: Mix = { matmul: { count: 4, seconds: 4e-3 }, softmax: { count: 4, seconds: 1e-3 } };

describe('after a day of uptime', () => {
  it('a kernel that becomes 30 % slower is reported within 20 ticks, it alone, and nothing in the hour before', () => {
    const random = randomNumbers(1);
    const device = simulatedDevice('opencl');
    const healthy = serve(random, steady);
    for (let tick = 0; tick < day - 720; tick++) device.tick(healthy);
    expect(over(device, 720, () => healthy, slower).flat()).toEqual([]);

    const slowed = serve(random, { ...steady, matmul: { count: 4, seconds: 1.3 * 4e-3 } });
    const after = over(device, 60, () => slowed, slower);
    const raised = after.findIndex((kernels, i) => kernels.includes('matmul') && after[i - 1]?.includes('matmul'));
    expect(raised).toBeGreaterThan(0);
    expect(raised).toBeLessThan(20);
    expect(new Set(after.flat())).toEqual(new Set(['matmul']));
    // Once the slow time is what came before as well, it is news no more.
    expect(after.slice(30).flat()).toEqual([]);
  });
});

describe('no regression', () => {
  it('is traffic that moves from short kernels to long ones', () => {
    const random = randomNumbers(2);
    const device = simulatedDevice('opencl');
    const work = (tick: number) => {
      const long = Math.min(20, Math.max(0, Math.round((tick - 60) / 6)));
      return serve(random, {
        short: { count: 48 - 2 * long, seconds: 1e-3 },
        long: { count: 8 + long, seconds: 20e-3 },
      });
    };
    const all = over(device, 240, work, (window) => ({
      mean: window.kernels.mean ?? Number.NaN,
      said: [...slower(window), ...moving(window)],
    }));
    expect(all.at(-1)?.mean).toBeGreaterThan(2.5 * (all[40]?.mean ?? Number.NaN));
    expect(all.flatMap(({ said }) => said)).toEqual([]);
  });

  it('is what many names that share "other" do when another of them runs', () => {
    const random = randomNumbers(3);
    const device = simulatedDevice('opencl');
    runKernels(
      device.profile,
      1000,
      Array.from({ length: 64 }, (_, i) => ({ name: `first_${i}`, seconds: 1e-3 })),
    );
    const work = (tick: number): Work => {
      const seconds = tick < 60 ? 1e-3 : 2e-3;
      return (profile, from) => {
        const kernels = Array.from({ length: 10 }, (_, i) => ({
          name: `late_${tick}_${i}`,
          seconds: (seconds / 1e-3) * noise(random),
        }));
        runKernels(profile, from, kernels, { gap: 1e-3 });
      };
    };
    expect(over(device, 120, work, slower).flat()).toEqual([]);
  });

  it('is a drift of 30 % within an hour; a trend is one of 30 % within a minute', () => {
    const random = randomNumbers(4);
    const drifting = (intervals: number) => (tick: number) =>
      serve(random, { matmul: { count: 20, seconds: 4e-3 * (1 + (0.3 * tick) / intervals) } });

    const said = (window: Window) => [...slower(window), ...moving(window)];
    expect(over(simulatedDevice('opencl'), 720, drifting(720), said).flat()).toEqual([]);

    const fast = over(simulatedDevice('opencl'), 12, drifting(12), moving).at(-1);
    expect(fast?.map(({ direction }) => direction)).toEqual(['degrading']);
  });

  it('is a warm-up: small inputs first, compilations, caches that fill', () => {
    const random = randomNumbers(5);
    const device = simulatedDevice('opencl');
    const work = (tick: number): Work => {
      const input = tick < 8 ? 0.25 : 1; // eight intervals of health checks, then traffic
      const cold = 1 + 2 * Math.exp(-tick / 4);
      const kernels = serve(random, { matmul: { count: 20, seconds: 4e-3 * input * cold } });
      return (profile, from) => {
        if (tick < 6) profile.deliver({ kind: 'compilation', duration: 1.5 });
        kernels(profile, from);
      };
    };
    expect(over(device, 120, work, slower).flat()).toEqual([]);
  });

  it('is a new model that is loaded after a day and compiles', () => {
    const random = randomNumbers(6);
    const device = simulatedDevice('opencl');
    const work = (tick: number): Work => {
      const kernels = serve(random, { matmul: { count: 20, seconds: tick < 100 ? 4e-3 : 6e-3 } });
      return (profile, from) => {
        if (tick >= 100 && tick < 103) profile.deliver({ kind: 'compilation', duration: 2 });
        kernels(profile, from);
      };
    };
    expect(over(device, 160, work, slower).flat()).toEqual([]);
  });

  it('is what was before a pause against what comes after it', () => {
    const random = randomNumbers(7);
    const device = simulatedDevice('opencl');
    const at = (seconds: number) => () => serve(random, { matmul: { count: 20, seconds } });
    expect(over(device, 60, at(4e-3), slower).flat()).toEqual([]);
    device.pause(3600);
    expect(over(device, 60, at(6e-3), slower).flat()).toEqual([]);
  });
});
