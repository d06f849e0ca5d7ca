/**
 * How healthy a device is, from 0 to 1: the weighted mean of what is known of it. What is not known has no weight, so
 * that a device is not held sick, or well, for what its driver does not tell.
 *
 * Each part is 1 where all is well and falls, never rises, as things get worse. Being idle is well, and so is being busy.
 */
import type { HardwareWindow, Window } from '../profile/window.ts';

export const weights = { temperature: 0.3, errors: 0.3, throttling: 0.2, memory: 0.1, utilization: 0.1 } as const;
export type HealthPart = keyof typeof weights;

/** 0 to 1 each; a part that nothing is known of is not there. */
export type HealthParts = Readonly<Partial<Record<HealthPart, number>>>;

/** °C below the device's own limit within which temperature counts: where many devices regulate their fans and clocks. */
const temperatureMargin = 10;
/** The share of failures at which nothing is left of this part. At 5 %, where `failing_operations` begins, it is 0.5. */
const worstErrorRate = 0.1;
/** Fewer executions count as so many, lest one failure of two be half of the work of a device. */
const fewestExecutions = 20;
/** Above this share memory counts; its end is the end of the process, or of the allocations. */
const fullFrom = 0.9;
/** A device that is busy is what its owner wants; one that is always busy has nothing left for a peak. */
const busyFrom = 0.95;
const alwaysBusy = 0.9;
/** While the power limit leaves so much of the clock it does what it is for. */
const heldDownBelow = 0.8;
/** Metal's states, from nominal to critical, as the share of time throttled that they stand for. */
const thermalStates = [0, 0, 0.5, 1] as const;
/** Hardware that corrupts or loses data is in error, however well the rest of it does. */
const faultyAtMost = 0.4;

/** The parts that a window shows. `workSeen`: false where the kernels of the device cannot be seen. */
export function healthParts(window: Window, workSeen: boolean): HealthParts {
  const parts: Record<HealthPart, number | undefined> = {
    temperature: temperaturePart(window.hardware),
    errors: errorsPart(window),
    throttling: throttlingPart(window.hardware),
    memory: memoryPart(window),
    utilization: workSeen ? utilizationPart(window.utilization) : undefined,
  };
  return Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined));
}

/**
 * The weighted mean of the parts; `undefined` where there is none. A device on which all fails is not made well by being
 * cool: the score is at most halfway between 1 and the errors' part, and 0.4 where the hardware itself is faulty.
 */
export function scoreOf(parts: HealthParts, faulty = false): number | undefined {
  let sum = 0;
  let total = 0;
  for (const [part, weight] of Object.entries(weights)) {
    const value = parts[part as HealthPart];
    if (value === undefined) continue;
    sum += weight * value;
    total += weight;
  }
  if (total === 0) return undefined;
  // Tenths are not exact in binary: what is all well is 1, and not the number before it.
  const mean = Math.round((sum / total) * 1e9) / 1e9;
  return Math.min(mean, (1 + (parts.errors ?? 1)) / 2, faulty ? faultyAtMost : 1);
}

/** True where the hardware told of faults that no program causes. */
export function isFaulty({
  uncorrectedErrors = 0,
  criticalXids = 0,
  rowRemapPending = false,
}: HardwareWindow): boolean {
  return uncorrectedErrors > 0 || criticalXids > 0 || rowRemapPending;
}

/** The share of executions that failed, 0 to 1; `undefined` where nothing was executed. */
export function errorRate({ kernels: { count, failures } }: Window): number | undefined {
  return count + failures > 0 ? failures / (count + failures) : undefined;
}

/** The share of the window in which the device was throttled, 0 to 1; `undefined` where it does not tell. */
export function throttledShare(hardware: HardwareWindow): number | undefined {
  const { thermalThrottle, thermalState } = hardware;
  const thermal = thermalThrottle ?? (thermalState === undefined ? undefined : thermalStates[thermalState]);
  const byPower = heldDown(hardware);
  return thermal === undefined ? byPower : Math.max(thermal, byPower ?? 0);
}

/** A memory that is used, and all that there is of it. */
export interface MemoryUse {
  readonly of: 'heap' | 'container' | 'device';
  readonly usage: number;
  readonly limit: number | undefined;
}

/** The memory that is nearest its limit; `undefined` where none is known. */
export function memoryUse({ device, memory, process }: Window): MemoryUse | undefined {
  const all = [
    { of: 'heap', usage: process.heapUsage, limit: process.heapLimit },
    { of: 'container', usage: process.containerUsage, limit: process.containerLimit },
  ] as const;
  const held = device.backend === 'cpu' ? all : [{ of: 'device', usage: memory.usage, limit: memory.limit } as const];
  return held
    .flatMap(({ of, usage, limit }) => (usage === undefined ? [] : [{ of, usage, limit }]))
    .sort((a, b) => (usedShare(b) ?? 0) - (usedShare(a) ?? 0))[0];
}

/** 0 to 1; `undefined` where the limit is not known. */
export function usedShare({ usage, limit }: MemoryUse): number | undefined {
  return limit === undefined || !(limit > 0) ? undefined : Math.min(1, usage / limit);
}

function temperaturePart({ temperature, temperatureLimit }: HardwareWindow): number | undefined {
  if (temperature === undefined || temperatureLimit === undefined) return undefined;
  return bounded((temperatureLimit - temperature) / temperatureMargin);
}

function errorsPart(window: Window): number | undefined {
  if (isFaulty(window.hardware)) return 0;
  const { count, failures } = window.kernels;
  if (count + failures === 0) return undefined;
  return bounded(1 - failures / Math.max(count + failures, fewestExecutions) / worstErrorRate);
}

function throttlingPart(hardware: HardwareWindow): number | undefined {
  const share = throttledShare(hardware);
  return share === undefined ? undefined : bounded(1 - share);
}

/** Of the time in which the power limit held the clock down, what was lost of it below the bound. */
function heldDown({ powerThrottle, clockRatio }: HardwareWindow): number | undefined {
  if (powerThrottle === undefined) return undefined;
  return powerThrottle * bounded(1 - (clockRatio ?? 1) / heldDownBelow);
}

/** Arenas take all of a device's memory in advance: there being full counts only with growth, and failing always. */
function memoryPart(window: Window): number | undefined {
  const { failedAllocations, growth = 0 } = window.memory;
  if (failedAllocations > 0) return 0;
  const use = memoryUse(window);
  const share = use && usedShare(use);
  if (share === undefined) return undefined;
  return use?.of === 'device' && growth <= 0 ? 1 : bounded((1 - share) / (1 - fullFrom));
}

function utilizationPart(utilization: number | undefined): number | undefined {
  if (utilization === undefined) return undefined;
  return 1 - (1 - alwaysBusy) * bounded((utilization - busyFrom) / (1 - busyFrom));
}

const bounded = (value: number) => Math.min(1, Math.max(0, value));
