/**
 * What the hardware told, as it stands in a window: which readings, what of counters came about in an interval, and how
 * intervals become one. A value that a backend begins to read needs a line here.
 */
import type { Reading } from '../backend.ts';
import { criticalXids } from '../catalogue.ts';
import type { HardwareWindow } from './window.ts';

/** What counters rose by in one interval. */
export interface Increases {
  /** Of a counter, by its name and the value of its one attribute; `undefined` where it is not told. */
  of(name: Reading['name'], attribute: string): number | undefined;
}

const separator = ' ';
const keyOf = ({ name, attributes = {} }: Reading) => [name, ...Object.values(attributes)].join(separator);

/** Follows the counters of one device from interval to interval. Each counts from zero, from its first reading on. */
export class CounterHistory {
  readonly #last = new Map<string, number>();
  #skips = false;

  /** What was counted until now, and is not told yet, belongs to no interval. */
  skip(): void {
    this.#skips = true;
  }

  take(readings: readonly Reading[]): Increases {
    const increases = new Map<string, number>();
    for (const reading of readings) {
      if (!counters.has(reading.name)) continue;
      const key = keyOf(reading);
      const rise = reading.value - (this.#last.get(key) ?? 0);
      increases.set(key, this.#skips ? 0 : Math.max(0, rise));
      this.#last.set(key, reading.value);
    }
    this.#skips = false;
    return { of: (name, attribute) => increases.get([name, attribute].join(separator)) };
  }
}

const counters: ReadonlySet<Reading['name']> = new Set(['hw.errors', 'accelmeter.device.throttle.time'] as const);

/** Of one interval. */
export function hardwareValues(readings: readonly Reading[], increases: Increases, seconds: number): HardwareWindow {
  const find = (name: Reading['name'], attribute?: string) =>
    readings.find(
      (reading) =>
        reading.name === name && (attribute === undefined || Object.values(reading.attributes ?? {})[0] === attribute),
    )?.value;
  const throttled = (...reasons: string[]) =>
    greatest(
      reasons.map((reason) => {
        const time = increases.of('accelmeter.device.throttle.time', reason);
        if (time !== undefined && seconds > 0) return Math.min(1, time / seconds);
        return find('accelmeter.device.throttled', reason);
      }),
    );
  const pending = find('accelmeter.device.memory.remapping.pending');
  return defined({
    utilization: find('hw.gpu.utilization', 'general') ?? find('hw.gpu.utilization'),
    temperature: find('hw.temperature', 'core'),
    temperatureLimit: find('hw.temperature.limit', 'throttled'),
    thermalThrottle: throttled('sw_thermal', 'hw_thermal'),
    powerThrottle: throttled('power'),
    clockRatio: find('accelmeter.device.clock.ratio'),
    thermalState: find('accelmeter.device.thermal.state'),
    link: linkOf(find),
    uncorrectedErrors: increases.of('hw.errors', 'uncorrected'),
    criticalXids: sum(criticalXids.map((code) => increases.of('hw.errors', `xid_${code}`))),
    rowRemapPending: pending === undefined ? undefined : pending > 0,
  });
}

/** Intervals in their order as one. Of the link the best: a device that is idle for a moment lets it sleep. */
export function hardwareOver(intervals: readonly HardwareWindow[]): HardwareWindow {
  const last = intervals.at(-1) ?? {};
  const all = (field: keyof HardwareWindow) =>
    intervals.map((each) => each[field]).filter((each) => typeof each === 'number');
  const average = (field: keyof HardwareWindow) => {
    const seen = all(field);
    return seen.length === 0 ? undefined : seen.reduce((a, b) => a + b, 0) / seen.length;
  };
  const links = intervals.flatMap(({ link }) => link ?? []).sort((a, b) => b.bandwidth - a.bandwidth);
  return defined({
    utilization: average('utilization'),
    temperature: greatest(all('temperature')),
    temperatureLimit: last.temperatureLimit,
    thermalThrottle: average('thermalThrottle'),
    powerThrottle: average('powerThrottle'),
    clockRatio: average('clockRatio'),
    thermalState: last.thermalState,
    link: links[0],
    uncorrectedErrors: sum(all('uncorrectedErrors')),
    criticalXids: sum(all('criticalXids')),
    rowRemapPending: last.rowRemapPending,
  });
}

/** Bytes a second of one lane in one direction, by generation from 1 on, encoding taken off. */
const laneBandwidths = [0.25e9, 0.5e9, 0.985e9, 1.969e9, 3.938e9, 7.563e9] as const;

function linkOf(find: (name: Reading['name']) => number | undefined): HardwareWindow['link'] {
  const generation = find('accelmeter.device.pcie.link.generation');
  const maxGeneration = find('accelmeter.device.pcie.link.generation.max');
  const width = find('accelmeter.device.pcie.link.width');
  const maxWidth = find('accelmeter.device.pcie.link.width.max');
  const lane = laneBandwidths[(generation ?? 0) - 1];
  if (generation === undefined || maxGeneration === undefined || width === undefined || maxWidth === undefined)
    return undefined;
  return lane === undefined ? undefined : { generation, maxGeneration, width, maxWidth, bandwidth: lane * width };
}

function greatest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

function sum(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : known.reduce((a, b) => a + b, 0);
}

/** What is not known is not there. */
function defined<T extends object>(values: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}
