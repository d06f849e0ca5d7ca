/** Whether a device is used at all, and whether by us: what rules ask before they call something a bottleneck. */
import type { Window } from '../profile/window.ts';
import { formatShare } from '../quantity.ts';

/** Under this share of the time with work in flight a service is idle, and what it does is no bottleneck. */
export const leastInFlight = 0.05;
/**
 * Others hold the device where it is busier than this process keeps it, by more than measuring differs; a CPU, where the
 * program waits for a core for more than that of the time.
 */
const othersShare = 0.1;
/** A process that has just started compiles, allocates and warms up. In seconds. */
const startUp = 60;

/** Share of the window, 0 to 1, in which work was queued or ran. */
export function shareInFlight({ inFlightSeconds, seconds }: Window): number {
  return shareOf(inFlightSeconds, seconds);
}

/** Share of the window, 0 to 1, in which kernels of this process ran. */
export function shareBusy({ busySeconds, seconds }: Window): number {
  return shareOf(busySeconds, seconds);
}

export function isInUse(window: Window): boolean {
  return shareInFlight(window) >= leastInFlight;
}

/** True where the hardware or the operating system says that somebody else's work runs; never where nothing is said. */
export function isHeldByOthers(window: Window): boolean {
  const { utilization } = window.hardware;
  const { cpuWaiting = 0 } = window.process;
  if (window.device.type === 'cpu' && cpuWaiting > othersShare) return true;
  return utilization !== undefined && utilization - shareBusy(window) > othersShare;
}

/** True from when on no part of the window belongs to the first minute. */
export function isAfterStartUp({ age, seconds }: Pick<Window, 'age' | 'seconds'>): boolean {
  return age - seconds >= startUp;
}

/** For counter-evidence: "temperature 62 °C". */
export function temperatureOf({ hardware: { temperature = Number.NaN } }: Window): string {
  return Number.isFinite(temperature) ? `temperature ${Math.round(temperature)} °C` : 'temperature not read';
}

/** For counter-evidence: "busy 96 %". */
export function busyOf(window: Window): string {
  return `busy ${formatShare(shareBusy(window))}`;
}

function shareOf(part: number, whole: number): number {
  return whole > 0 ? Math.min(1, Math.max(0, part / whole)) : 0;
}
