/**
 * Hours in which nothing is wrong, each through the real profile and history of a device: nothing may be raised. Time
 * is simulated, activities are delivered one by one. What no backend reads yet, of the hardware, is set on the window.
 */
import { describe, expect, it } from 'vitest';
import { Analyzer } from '../../src/analyzer/analyzer.ts';
import type { ProcessPoint } from '../../src/catalogue.ts';
import type { DeviceProfile } from '../../src/profile/device-profile.ts';
import type { HardwareWindow, Window } from '../../src/profile/window.ts';
import { lognormal, type Noise, randomNumbers } from './noise.ts';
import { type SimulatedDevice, simulatedDevice, type Work } from './simulated-device.ts';

const hour = 720;
const gibibyte = 2 ** 30;

/** A service that answers requests: an event loop with time to spare, a heap half full. */
const unhurried: readonly ProcessPoint[] = [
  { name: 'nodejs.eventloop.utilization', value: 0.35 },
  { name: 'accelmeter.threadpool.utilization', value: 0.1 },
  { name: 'accelmeter.process.heap.usage', value: 0.5 * gibibyte },
  { name: 'accelmeter.process.heap.limit', value: gibibyte },
];

interface Hour {
  readonly device: SimulatedDevice;
  readonly ticks?: number;
  readonly process?: readonly ProcessPoint[];
  work(tick: number): Work;
  /** What the hardware tells beside. */
  hardware?(window: Window): HardwareWindow;
}

/** What the analyzer raises. */
function raisedIn({ device, ticks = hour, process = unhurried, work, hardware = () => ({}) }: Hour): string[] {
  const raised = new Set<string>();
  const analyzer = new Analyzer({
    device: device.profile.identity,
    now: () => 1000 + device.age,
    announce: ({ code, kernel = '' }) => void raised.add(`${code} ${kernel}`.trim()),
  });
  for (let tick = 0; tick < ticks; tick++) {
    device.tick(work(tick), process);
    const window = device.window();
    analyzer.analyze({ ...window, hardware: hardware(window) });
  }
  expect(analyzer.faults).toBe(0);
  return [...raised];
}

interface Request {
  readonly name: string;
  /** Of one execution, before the noise. */
  readonly seconds: number;
  readonly noise: Noise;
}

/** The layers of a small model. */
const model: readonly Request[] = [
  { name: 'matmul', seconds: 4e-3, noise: lognormal(0.08) },
  { name: 'attention', seconds: 2.5e-3, noise: lognormal(0.1) },
  { name: 'softmax', seconds: 0.6e-3, noise: lognormal(0.12) },
];

/** Requests that arrive evenly, each an upload, the kernels one after the other, and a download. */
function requests(random: () => number, count: number, seconds: number, kernels = model, slower = 1): Work {
  return (profile, from) => {
    for (let i = 0; i < count; i++)
      request(profile, from + ((i + 0.5 * random()) * seconds) / count, kernels, random, slower);
  };
}

function request(
  profile: DeviceProfile,
  from: number,
  kernels: readonly Request[],
  random: () => number,
  slower: number,
): number {
  let at = copy(profile, 'host_to_device', from, 256 * 1024);
  for (const { name, seconds, noise } of kernels) {
    const duration = slower * (seconds / 1e-3) * noise(random);
    profile.deliver({ kind: 'kernel', name, start: at, duration, wait: 50e-6, failed: undefined });
    at += duration + 20e-6;
  }
  return copy(profile, 'device_to_host', at, 16 * 1024);
}

/** At 8 GB/s, with 10 µs to start. */
function copy(
  profile: DeviceProfile,
  direction: 'host_to_device' | 'device_to_host',
  start: number,
  bytes: number,
): number {
  const duration = 10e-6 + bytes / 8e9;
  profile.deliver({ kind: 'transfer', direction, bytes, start, duration, failed: undefined });
  return start + duration;
}

describe('an hour raises nothing:', () => {
  it('a steady healthy service', () => {
    const random = randomNumbers(21);
    const work = () => requests(random, 300 + Math.round(40 * random()), 5);
    expect(raisedIn({ device: simulatedDevice('opencl'), work })).toEqual([]);
  });

  it('a steady healthy service on its CPUs', () => {
    const random = randomNumbers(20);
    const device = simulatedDevice('cpu');
    const work = (): Work => (profile, from) => {
      profile.setUtilization(0.55 + 0.1 * random());
      for (let i = 0; i < 200; i++) {
        const duration = 12 * lognormal(0.1)(random);
        profile.deliver({
          kind: 'kernel',
          name: 'resize',
          start: from + i / 40,
          duration,
          wait: undefined,
          failed: undefined,
        });
      }
    };
    expect(raisedIn({ device, work })).toEqual([]);
  });

  it('an idle night, with a request every few minutes', () => {
    const random = randomNumbers(22);
    const work = (tick: number): Work => (tick % 37 === 0 ? requests(random, 4, 5) : () => {});
    expect(raisedIn({ device: simulatedDevice('opencl'), work, process: [] })).toEqual([]);
    const nothing = { device: simulatedDevice('opencl'), work: (): Work => () => {} };
    expect(raisedIn(nothing)).toEqual([]);
  });

  // Five seconds of it are 400 000 kernels, so each of the hour's 720 intervals is a sixteenth of a second long.
  it('LLM decode: kernels of 5 to 20 µs, busy for 95 % of the time', () => {
    const random = randomNumbers(23);
    const device = simulatedDevice('opencl', { tickSeconds: 0.0625, ageing: 80 });
    const names = ['qkv', 'rope', 'attention', 'up', 'down', 'norm', 'logits'];
    const work = (): Work => (profile, from) => {
      const end = from + 0.0625;
      for (let at = from, i = 0; at < end; i++) {
        const duration = (5e-6 + 2.4e-6 * (i % 7)) * lognormal(0.05)(random) * 1e3;
        profile.deliver({
          kind: 'kernel',
          name: names[i % 7],
          start: at,
          duration,
          wait: 300e-6 + 100e-6 * random(), // launched ahead
          failed: undefined,
        });
        at += duration / 0.95;
      }
    };
    const process: readonly ProcessPoint[] = [{ name: 'nodejs.eventloop.utilization', value: 0.95 }];
    expect(raisedIn({ device, work, process })).toEqual([]);
  });

  it('memory preallocated to 97 %', () => {
    const random = randomNumbers(24);
    const device = simulatedDevice('opencl');
    const work = (tick: number): Work => {
      const serve = requests(random, 300, 5);
      return (profile, from) => {
        if (tick === 0) profile.deliver({ kind: 'allocation', bytes: 15.5 * gibibyte });
        profile.setReadings([
          { name: 'hw.gpu.memory.usage', value: 0.97 * 16 * gibibyte },
          { name: 'hw.gpu.memory.limit', value: 16 * gibibyte },
        ]);
        serve(profile, from);
      };
    };
    expect(raisedIn({ device, work })).toEqual([]);
  });

  it('two processes on one GPU: half of the time is the other one’s, and each kernel waits for it', () => {
    const random = randomNumbers(25);
    const work = (): Work => (profile, from) => {
      for (let at = from; at < from + 5; ) {
        const wait = 3e-3 * (0.5 + random());
        const duration = 4 * lognormal(0.15)(random);
        profile.deliver({ kind: 'kernel', name: 'matmul', start: at + wait, duration, wait, failed: undefined });
        at += wait + duration + 8e-3;
      }
    };
    const hardware = () => ({ utilization: 0.97, temperature: 71 });
    expect(raisedIn({ device: simulatedDevice('opencl'), work, hardware })).toEqual([]);
  });

  it('a power-capped card at full load', () => {
    const random = randomNumbers(26);
    const work = (): Work => (profile, from) => {
      for (let at = from; at < from + 5; ) at = request(profile, at, model, random, 1.12);
    };
    const hardware = () => ({ utilization: 0.98, temperature: 74, powerThrottle: 0.9, clockRatio: 0.89 });
    expect(raisedIn({ device: simulatedDevice('opencl'), work, hardware })).toEqual([]);
  });

  it('a rollout: programs are compiled, memory is taken, caches and clocks warm up, traffic comes by and by', () => {
    const random = randomNumbers(27);
    const work = (tick: number): Work => {
      const cold = 1 + 1.5 * Math.exp(-tick / 3);
      const traffic = Math.min(300, 20 + 12 * tick);
      const serve = requests(random, traffic, 5, model, cold);
      return (profile, from) => {
        for (let i = 0; tick < 10 && i < 3; i++) profile.deliver({ kind: 'compilation', duration: 1.2 });
        if (tick < 10) profile.deliver({ kind: 'allocation', bytes: gibibyte });
        serve(profile, from);
      };
    };
    expect(raisedIn({ device: simulatedDevice('opencl'), work })).toEqual([]);
  });

  it('traffic that shifts from short kernels to long ones', () => {
    const random = randomNumbers(28);
    const short: readonly Request[] = [{ name: 'embed', seconds: 1e-3, noise: lognormal(0.1) }];
    const long: readonly Request[] = [{ name: 'generate', seconds: 25e-3, noise: lognormal(0.1) }];
    const work = (tick: number): Work => {
      const share = Math.min(1, Math.max(0, (tick - 120) / 480));
      const some = requests(random, Math.round(1000 * (1 - share)) + 20, 5, short);
      const others = requests(random, Math.round(100 * share) + 10, 5, long);
      return (profile, from) => {
        some(profile, from);
        others(profile, from);
      };
    };
    expect(raisedIn({ device: simulatedDevice('opencl'), work })).toEqual([]);
  });
});
