/** What was asked of a device, as readings of the catalogue. */
import type { DeviceIdentity, Reading } from '../../backend.ts';

/** Values that a device told; `undefined` for those that it does not. */
export interface Told {
  readonly memoryBytes: number | undefined;
  readonly freeMemoryBytes: number | undefined;
  /** Commands in flight, of devices that the program uses. */
  readonly queueDepth: number | undefined;
}

/** The readings of one device. `hw.gpu.*` only of GPUs; a value that was not told is left out. */
export function readingsOf({ type }: DeviceIdentity, told: Told): Reading[] {
  const { memoryBytes, freeMemoryBytes, queueDepth } = told;
  const readings: Reading[] = [];
  if (queueDepth !== undefined) readings.push({ name: 'accelmeter.device.queue.depth', value: queueDepth });
  if (type !== 'gpu' || memoryBytes === undefined) return readings;
  readings.push({ name: 'hw.gpu.memory.limit', value: memoryBytes });
  // Drivers may count memory as free that is not in the size that they give.
  if (freeMemoryBytes !== undefined && freeMemoryBytes <= memoryBytes) {
    readings.push({ name: 'hw.gpu.memory.usage', value: memoryBytes - freeMemoryBytes });
  }
  return readings;
}
