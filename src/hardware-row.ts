/** The few values of a device's hardware that people look at first, whoever uses it. */
import type { Reading } from './backend.ts';
import { formatBytes, formatQuantity, formatShare } from './quantity.ts';

/** A value that its driver does not tell is not there. */
export interface HardwareRow {
  /** 0 to 1, by all processes. */
  readonly utilization?: number;
  /** In bytes, by all processes. */
  readonly memoryUsage?: number;
  readonly memoryLimit?: number;
  /** In °C. */
  readonly temperature?: number;
  /** In watts. */
  readonly power?: number;
}

const told: Readonly<Record<keyof HardwareRow, readonly [name: Reading['name'], attribute?: string]>> = {
  utilization: ['hw.gpu.utilization', 'general'],
  memoryUsage: ['hw.gpu.memory.usage'],
  memoryLimit: ['hw.gpu.memory.limit'],
  temperature: ['hw.temperature', 'core'],
  power: ['hw.power'],
};

/** `undefined` where nothing of it is told. */
export function hardwareRow(readings: readonly Reading[]): HardwareRow | undefined {
  const values = Object.entries(told).flatMap(([field, [wanted, attribute]]) => {
    const reading = readings.find(
      ({ name, attributes }) => name === wanted && [undefined, attribute].includes(Object.values(attributes ?? {})[0]),
    );
    return reading === undefined ? [] : [[field, reading.value] as const];
  });
  return values.length === 0 ? undefined : Object.fromEntries(values);
}

/** "85 % busy, 40.0 of 141 GB, 45 °C, 351 W". */
export function describeHardware(row: HardwareRow): string {
  const { utilization, memoryUsage, memoryLimit, temperature, power } = row;
  const parts = [
    utilization === undefined ? '' : `${formatShare(utilization)} busy`,
    memoryLimit === undefined
      ? ''
      : `${memoryUsage === undefined ? '' : `${formatBytes(memoryUsage)} of `}${formatBytes(memoryLimit)}`,
    temperature === undefined ? '' : formatQuantity(temperature, 'Cel'),
    power === undefined ? '' : formatQuantity(power, 'W'),
  ];
  return parts.filter((part) => part !== '').join(', ');
}
