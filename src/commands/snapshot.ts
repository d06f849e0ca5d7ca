/** `accelmeter snapshot`: what the devices of this machine read now, and once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { formatQuantity } from '../quantity.ts';
import type { ProfilingSnapshot } from '../snapshot.ts';
import { asJson, deviceHeading, onThisMachine } from './machine.ts';
import { printable } from './terminal.ts';

export interface SnapshotOptions {
  /** Print an array of `ProfilingSnapshot`. */
  readonly json?: boolean;
  /** Seconds over which rates and shares are taken. */
  readonly for: number;
}

/**
 * The process that is read is this one: of the machine's devices it tells what their drivers tell, of kernels that
 * nothing ran here.
 */
export function snapshot({ json = false, for: seconds }: SnapshotOptions): Promise<void> {
  return onThisMachine(async ({ profiler }) => {
    await sleep(seconds * 1000);
    const snapshots = await Promise.all(profiler.devices.map((device) => device.getProfilingSnapshot()));
    process.stdout.write(json ? asJson(snapshots) : snapshots.map(describe).join(''));
  });
}

/** What is to be said of the device first, and then what was read of it. */
function describe({ backendType, deviceName, statusMessage, metrics }: ProfilingSnapshot): string {
  const width = Math.max(0, ...metrics.map(({ name }) => name.length));
  const lines = metrics.map(({ name, value, unit }) => `  ${name.padEnd(width)}  ${formatQuantity(value, unit)}\n`);
  const heading = `${deviceHeading(backendType, deviceName)}\n ${printable(statusMessage)}\n`;
  return `${heading}${lines.join('') || '  nothing is read of it\n'}`;
}
