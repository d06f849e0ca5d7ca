/** A device whose clock is ours: hours pass in seconds, and what it tells is what a real one would. */
import type { DeviceIdentity } from '../../src/backend.ts';
import type { ProcessPoint } from '../../src/catalogue.ts';
import { DeviceProfile } from '../../src/profile/device-profile.ts';
import { DeviceHistory } from '../../src/profile/history.ts';
import type { Window } from '../../src/profile/window.ts';

/** What ran in one interval. `from` is when the interval begins, in process seconds. */
export type Work = (profile: DeviceProfile, from: number) => void;

export interface SimulatedDevice {
  readonly profile: DeviceProfile;
  /** Seconds since the device appeared. */
  readonly age: number;
  /** One interval passes. */
  tick(work: Work, process?: readonly ProcessPoint[]): void;
  /** What the analyzer would see now. */
  window(): Window;
  /** Measuring is paused for some seconds. */
  pause(seconds: number): void;
}

/** With `ageing` its windows say that it is so many times as old as it is, for ticks that are shorter than real ones. */
export function simulatedDevice(
  backend: DeviceIdentity['backend'],
  { tickSeconds = 5, ageing = 1 }: { readonly tickSeconds?: number; readonly ageing?: number } = {},
): SimulatedDevice {
  const began = 1000;
  let now = began;
  const identity: DeviceIdentity = { id: 'd', backend, type: backend === 'cpu' ? 'cpu' : 'gpu', name: 'D', index: 0 };
  const profile = new DeviceProfile(identity, { now: () => now });
  const history = new DeviceHistory(profile);
  return {
    profile,
    get age() {
      return now - began;
    },
    tick(work, process = []) {
      const from = now;
      now += tickSeconds;
      work(profile, from);
      profile.closeInterval(now);
      history.close(now, process, []);
    },
    window() {
      const window = history.window();
      if (window === undefined) throw new Error('no interval has passed');
      return { ...window, age: window.age * ageing };
    },
    pause(seconds) {
      profile.pause(now);
      now += seconds;
      profile.resume(now);
      history.reset();
    },
  };
}

/** Runs kernels one after the other from `from` on, each `gap` seconds after the one before, and says when they end. */
export function runKernels(
  profile: DeviceProfile,
  from: number,
  kernels: Iterable<{ readonly name: string; readonly seconds: number }>,
  { gap = 0, wait }: { readonly gap?: number; readonly wait?: number } = {},
): number {
  let start = from;
  for (const { name, seconds } of kernels) {
    profile.deliver({ kind: 'kernel', name, start, duration: seconds, wait, failed: undefined });
    start += seconds + gap;
  }
  return start;
}
