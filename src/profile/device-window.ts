/** A window from what was counted and polled in a stretch of time, be it some intervals or a whole run. */
import type { Counters } from './counters.ts';
import type { DeviceProfile } from './device-profile.ts';
import type { Window } from './window.ts';
import type { PolledValues } from './window-values.ts';

type Counted = 'device' | 'busySeconds' | 'inFlightSeconds' | 'utilization' | 'transfers' | 'compilation';

/** One stretch of time. */
export interface Stretch extends Omit<Window, Counted | keyof PolledValues> {
  readonly counters: Counters;
  readonly polled: PolledValues;
  /** What this process held of the device's memory when the stretch began, by its own account. */
  readonly heldBefore: number;
  /** Of a CPU, on average; other devices are judged by their busy time. */
  readonly utilization: number | undefined;
}

export function deviceWindow(profile: DeviceProfile, stretch: Stretch): Window {
  const { counters, polled, heldBefore, utilization, ...stated } = stretch;
  const { identity, memory } = profile;
  // What ended in the stretch may have begun before it.
  const within = (time: number) => Math.min(time, stretch.seconds);
  const busySeconds = within(counters.busySeconds);
  const share = stretch.seconds > 0 ? busySeconds / stretch.seconds : undefined;
  return {
    ...stated,
    device: identity,
    busySeconds,
    inFlightSeconds: within(counters.inFlightSeconds),
    utilization: identity.backend === 'cpu' ? utilization : share,
    transfers: {
      count: counters.copies,
      bytes: counters.copyBytes,
      seconds: within(counters.copySeconds),
      exposedSeconds: within(Math.max(0, counters.activeSeconds - counters.busySeconds)),
      large: { count: counters.largeCopies, bytes: counters.largeBytes, seconds: counters.largeSeconds },
    },
    compilation: { count: counters.compilations, seconds: counters.compilationSeconds },
    memory: {
      usage: polled.memory.usage ?? memory.usage,
      limit: polled.memory.limit,
      growth: memory.usage === undefined ? polled.memory.growth : memory.usage - heldBefore,
      failedAllocations: counters.failedAllocations,
    },
    process: polled.process,
    hardware: polled.hardware,
  };
}
