/**
 * Which of the polled values of a device and of the process stand in a window, and how the values of its intervals
 * become one. A value that a backend begins to read needs a line here, one of the hardware in hardware-values.ts.
 */

import type { Reading } from '../backend.ts';
import type { ProcessPoint } from '../catalogue.ts';
import { hardwareOver, hardwareValues, type Increases } from './hardware-values.ts';
import type { HardwareWindow, MemoryWindow, ProcessWindow } from './window.ts';

/** The mean of the intervals that have it, the highest of them, what the last interval says, or how much more than the first. */
type Over = 'average' | 'highest' | 'last' | 'rise';

type Table<Field extends string, Name> = Readonly<Partial<Record<Field, { readonly of: Name; readonly over: Over }>>>;

const processValues = {
  cpuWaiting: { of: 'accelmeter.process.cpu.waiting', over: 'average' },
  eventLoopUtilization: { of: 'nodejs.eventloop.utilization', over: 'average' },
  threadPoolUtilization: { of: 'accelmeter.threadpool.utilization', over: 'average' },
  threadPoolWait: { of: 'accelmeter.threadpool.queue.duration', over: 'highest' },
  heapUsage: { of: 'accelmeter.process.heap.usage', over: 'last' },
  heapLimit: { of: 'accelmeter.process.heap.limit', over: 'last' },
  containerUsage: { of: 'accelmeter.container.memory.usage', over: 'last' },
  containerLimit: { of: 'accelmeter.container.memory.limit', over: 'last' },
} as const satisfies Table<keyof ProcessWindow, ProcessPoint['name']>;

const memoryValues = {
  usage: { of: 'hw.gpu.memory.usage', over: 'last' },
  limit: { of: 'hw.gpu.memory.limit', over: 'last' },
  growth: { of: 'accelmeter.device.process.memory', over: 'rise' },
} as const satisfies Table<keyof MemoryWindow, Reading['name']>;

/** What was polled in one interval. */
export interface PolledValues {
  readonly process: ProcessWindow;
  readonly memory: Pick<Partial<MemoryWindow>, keyof typeof memoryValues>;
  readonly hardware: HardwareWindow;
}

/** What of the values that a device and the process have now stands in a window, at the end of an interval of `seconds`. */
export function polledValues(
  readings: readonly Reading[],
  process: readonly ProcessPoint[],
  { increases, seconds }: { readonly increases: Increases; readonly seconds: number },
): PolledValues {
  return {
    process: pick(processValues, process),
    memory: pick(memoryValues, readings),
    hardware: hardwareValues(readings, increases, seconds),
  };
}

/** The values of intervals, in their order, as those of one window. */
export function polledOver(intervals: readonly PolledValues[]): PolledValues {
  return {
    process: over(
      processValues,
      intervals.map(({ process }) => process),
    ),
    memory: over(
      memoryValues,
      intervals.map(({ memory }) => memory),
    ),
    hardware: hardwareOver(intervals.map(({ hardware }) => hardware)),
  };
}

type Values = { readonly [field: string]: number };

function pick(table: Table<string, string>, points: readonly (Reading | ProcessPoint)[]): Values {
  const values: Record<string, number> = {};
  for (const [field, value] of Object.entries(table)) {
    const point = points.find(({ name }) => name === value?.of);
    if (point && 'value' in point) values[field] = point.value;
  }
  return values;
}

function over(table: Table<string, string>, intervals: readonly object[]): Values {
  const result: Record<string, number> = {};
  for (const [field, value] of Object.entries(table)) {
    const all = intervals.map((values): unknown => Reflect.get(values, field));
    const seen = all.filter((each) => typeof each === 'number');
    const last = all.at(-1);
    if (seen.length === 0) continue;
    if (value?.over === 'average') result[field] = seen.reduce((a, b) => a + b, 0) / seen.length;
    if (value?.over === 'highest') result[field] = Math.max(...seen);
    if (value?.over === 'last' && typeof last === 'number') result[field] = last;
    if (value?.over === 'rise' && typeof last === 'number') result[field] = last - (seen[0] ?? last);
  }
  return result;
}
