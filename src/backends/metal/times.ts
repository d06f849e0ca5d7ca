/** What times of command buffers and of passes are as activities. Pure. */
import type { KernelActivity } from '../../activity.ts';
import type { GpuClock } from './gpu-clock.ts';

/** Of one command buffer: seconds that the machine has been awake, 0 where it is not told. */
export interface Times {
  readonly gpuStart: number;
  readonly gpuEnd: number;
  /** When the system began to schedule it. */
  readonly kernelStart: number;
  /** When the system had scheduled it: from then on it waits for the GPU alone. */
  readonly kernelEnd: number;
  /** How far the process's clock is ahead of that. */
  readonly ahead: number;
}

/** A pass's two timestamps, in ticks of the GPU. */
export interface Ticks {
  readonly start: bigint;
  readonly end: bigint;
}

/** A command buffer as one execution; `undefined` where it ended without times. */
export function executionOf(name: string, times: Times): KernelActivity | undefined {
  const { gpuStart, gpuEnd, ahead } = times;
  if (!(gpuStart > 0 && gpuEnd >= gpuStart)) return undefined;
  const wait = waitUntil(gpuStart, times);
  return { kind: 'kernel', name, start: gpuStart + ahead, duration: gpuEnd - gpuStart, wait, failed: undefined };
}

/**
 * Metal does not tell when a buffer was committed; the earliest that it tells is when the system took it up. What lies
 * between is not in the wait.
 */
function waitUntil(gpuStart: number, { kernelStart }: Times): number | undefined {
  return kernelStart > 0 && gpuStart >= kernelStart ? gpuStart - kernelStart : undefined;
}

/** How long the system took to schedule a buffer: a part of its wait. `undefined` where it does not tell. */
export function schedulingOf({ kernelStart, kernelEnd }: Times): number | undefined {
  return kernelStart > 0 && kernelEnd >= kernelStart ? kernelEnd - kernelStart : undefined;
}

/** `MTLCounterErrorValue`: the GPU took no such sample. Some leave 0 instead. */
const noSample = 2n ** 64n - 1n;
const isSample = (ticks: bigint) => ticks !== noSample && ticks !== 0n;

/**
 * The passes of a command buffer, each as an execution; `undefined` for one that has no times. Only the first has a wait:
 * the others begin when the one before ends.
 */
export function executionsOfPasses(
  names: readonly string[],
  ticks: readonly Ticks[],
  { clock, times }: { clock: Pick<GpuClock, 'secondsPerTick' | 'uptimeOf'>; times: Times },
): (KernelActivity | undefined)[] {
  const length = clock.secondsPerTick;
  return names.map((name, pass) => {
    const { start, end } = ticks[pass] ?? { start: noSample, end: noSample };
    const begun = clock.uptimeOf(start);
    if (begun === undefined || length === undefined || !isSample(start) || !isSample(end) || end < start) {
      return undefined;
    }
    const duration = Number(end - start) * length;
    const wait = pass === 0 ? waitUntil(begun, times) : undefined;
    return { kind: 'kernel', name, start: begun + times.ahead, duration, wait, failed: undefined };
  });
}
