/** What is known of a device's state, one value each. */
import type { Reading } from '../backend.ts';
import type { Window } from '../profile/window.ts';
import { errorRate, isFaulty, memoryUse, throttledShare, usedShare } from './score.ts';

/** The sensors that a device can have. */
export const SensorType = Object.freeze({
  /** Share of the window in which kernels of this process ran; of a CPU, the process's CPU time over all cores. */
  UtilizationPercent: 'UtilizationPercent',
  /** Of a CPU the heap or the container, whichever is nearer its limit. */
  MemoryUsedPercent: 'MemoryUsedPercent',
  /** The same in bytes; `maxValue` is the limit. */
  MemoryUsedBytes: 'MemoryUsedBytes',
  /** Failed kernel executions over all of them within the window, 0 to 1. */
  ErrorRate: 'ErrorRate',
  /** Commands of this process that were enqueued and have not ended. */
  QueueDepth: 'QueueDepth',
  /** The highest within the window; `maxValue` is where the device throttles itself. */
  TemperatureCelsius: 'TemperatureCelsius',
  /** Share of the window in which temperature, or the power limit beyond its purpose, slowed the device down. */
  ThrottlingPercent: 'ThrottlingPercent',
  /** Uncorrected memory errors and critical errors that the driver told within the window. */
  HardwareErrors: 'HardwareErrors',
  EventLoopUtilizationPercent: 'EventLoopUtilizationPercent',
  /** Of libuv's worker threads. */
  ThreadPoolUtilizationPercent: 'ThreadPoolUtilizationPercent',
} as const);
export type SensorType = keyof typeof SensorType;

export interface HealthSensor {
  readonly type: SensorType;
  /** For people. */
  readonly name: string;
  /** `undefined` where it could not be read: never 0 instead. */
  readonly value: number | undefined;
  /** UCUM. */
  readonly unit: string;
  /** True where there is a value. */
  readonly available: boolean;
  /** The least and the greatest that it can be, where there are such bounds. */
  readonly minValue: number | undefined;
  readonly maxValue: number | undefined;
}

interface Measured {
  readonly window: Window | undefined;
  readonly readings: readonly Reading[];
  /** False where the kernels of the device cannot be seen. */
  readonly workSeen: boolean;
}

interface Kind {
  readonly name: string;
  readonly unit: string;
  /** Which devices have it; all where it is not said. */
  readonly of?: 'cpu' | 'others';
  readonly value: (measured: Measured) => number | undefined;
  readonly max?: (window: Window) => number | undefined;
}

const percent = (share: number | undefined) => (share === undefined ? undefined : share * 100);
const hundred = () => 100;
/** A value that the window has. */
const inWindow =
  (value: (window: Window) => number | undefined) =>
  ({ window }: Measured) =>
    window && value(window);

const kinds: Readonly<Record<SensorType, Kind>> = {
  UtilizationPercent: {
    name: 'Utilization',
    unit: '%',
    value: ({ window, workSeen }) => (workSeen ? percent(window?.utilization) : undefined),
    max: hundred,
  },
  MemoryUsedPercent: {
    name: 'Memory used',
    unit: '%',
    value: inWindow((window) => percent(share(window))),
    max: hundred,
  },
  MemoryUsedBytes: {
    name: 'Memory used',
    unit: 'By',
    value: inWindow((window) => memoryUse(window)?.usage),
    max: (window) => memoryUse(window)?.limit,
  },
  ErrorRate: { name: 'Error rate', unit: '1', value: inWindow(errorRate), max: () => 1 },
  QueueDepth: {
    name: 'Queue depth',
    unit: '{command}',
    of: 'others',
    value: ({ readings }) => readings.find(({ name }) => name === 'accelmeter.device.queue.depth')?.value,
  },
  TemperatureCelsius: {
    name: 'Temperature',
    unit: 'Cel',
    of: 'others',
    value: inWindow(({ hardware }) => hardware.temperature),
    max: ({ hardware }) => hardware.temperatureLimit,
  },
  ThrottlingPercent: {
    name: 'Throttling',
    unit: '%',
    of: 'others',
    value: inWindow(({ hardware }) => percent(throttledShare(hardware))),
    max: hundred,
  },
  HardwareErrors: {
    name: 'Hardware errors',
    unit: '{error}',
    of: 'others',
    value: inWindow(({ hardware }) => {
      const { uncorrectedErrors, criticalXids } = hardware;
      if (uncorrectedErrors === undefined && criticalXids === undefined) return isFaulty(hardware) ? 1 : undefined;
      return (uncorrectedErrors ?? 0) + (criticalXids ?? 0);
    }),
  },
  EventLoopUtilizationPercent: {
    name: 'Event loop utilization',
    unit: '%',
    of: 'cpu',
    value: inWindow(({ process }) => percent(process.eventLoopUtilization)),
    max: hundred,
  },
  ThreadPoolUtilizationPercent: {
    name: 'Thread pool utilization',
    unit: '%',
    of: 'cpu',
    value: inWindow(({ process }) => percent(process.threadPoolUtilization)),
    max: hundred,
  },
};

const share = (window: Window) => {
  const use = memoryUse(window);
  return use && usedShare(use);
};

/** All sensors that a device of this backend can have, those without a value as well. */
export function sensorsOf(backend: string, measured: Measured): readonly HealthSensor[] {
  const room = backend === 'cpu' ? 'cpu' : 'others';
  return Object.freeze(
    Object.entries(kinds)
      .filter(([, { of = room }]) => of === room)
      .map(([type, { name, unit, value: read, max }]): HealthSensor => {
        const value = read(measured);
        const maxValue = measured.window && max?.(measured.window);
        const bounds = { minValue: unit === 'Cel' ? undefined : 0, maxValue };
        return Object.freeze({
          type: type as SensorType,
          name,
          value,
          unit,
          available: value !== undefined,
          ...bounds,
        });
      }),
  );
}
