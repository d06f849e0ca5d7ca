/** `accelmeter snapshot`: what the devices of this machine read now, how they are, and what is wrong. */
import { setTimeout as sleep } from 'node:timers/promises';
import { styleText } from 'node:util';
import type { HealthSnapshot, HealthStatus } from '../health.ts';
import { formatQuantity } from '../quantity.ts';
import type { ProfilingSnapshot } from '../snapshot.ts';
import { asJson, deviceHeading, onThisMachine } from './machine.ts';
import { findingLines, printable } from './terminal.ts';

export interface SnapshotOptions {
  /** Print an array of `DeviceSnapshot`. */
  readonly json?: boolean;
  /** Seconds over which it is measured. */
  readonly for: number;
}

/** What the command tells of one device. */
export interface DeviceSnapshot extends ProfilingSnapshot {
  readonly health: HealthSnapshot;
}

/** A finding needs two ticks that show it: there are to be some within the time that is measured. */
const ticks = 4;
const shortestTick = 0.3;
const longestTick = 5;

/**
 * The process that is read is this one: of the machine's devices it tells what their drivers tell, of kernels that
 * nothing ran here.
 */
export function snapshot({ json = false, for: seconds }: SnapshotOptions): Promise<void> {
  const tickSeconds = Math.min(longestTick, Math.max(shortestTick, seconds / ticks));
  return onThisMachine(
    async ({ profiler }) => {
      await sleep(seconds * 1000);
      const snapshots = await Promise.all(
        profiler.devices.map(
          async (device): Promise<DeviceSnapshot> => ({
            ...(await device.getProfilingSnapshot()),
            health: await device.getHealthSnapshot(),
          }),
        ),
      );
      process.stdout.write(json ? asJson(snapshots) : snapshots.map(describe).join(''));
    },
    { tickSeconds },
  );
}

/** How the device is first, then what is wrong and what changes, then what was read of it. */
export function describe(snapshot: DeviceSnapshot): string {
  const { backendType, deviceName, health, findings, identifiedBottlenecks, trends, metrics } = snapshot;
  const others = health.issues.filter((issue) => !identifiedBottlenecks.includes(issue));
  const changes = trends.filter(({ direction }) => direction !== 'stable');
  const width = Math.max(0, ...metrics.map(({ name }) => name.length));
  const read = metrics.map(({ name, value, unit }) => `  ${name.padEnd(width)}  ${formatQuantity(value, unit)}\n`);
  return [
    `${deviceHeading(backendType, deviceName)}  ${healthOf(health)}\n`,
    findingLines(findings),
    ...others.map((issue) => ` ${styleText('yellow', '!')} ${printable(issue)}\n`),
    ...changes.map((trend) => ` ~ ${printable(String(trend))}\n`),
    ...(read.length > 0 ? read : ['  nothing is read of it, and no kernel has run\n']),
  ].join('');
}

const colours: Readonly<Record<HealthStatus, 'green' | 'yellow' | 'red' | 'dim'>> = {
  healthy: 'green',
  warning: 'yellow',
  critical: 'red',
  error: 'red',
  offline: 'red',
  unknown: 'dim',
};

/** "healthy, 0.98". */
function healthOf({ status, healthScore }: HealthSnapshot): string {
  return `${styleText(colours[status], status)}${healthScore === undefined ? '' : `, ${healthScore.toFixed(2)}`}`;
}
