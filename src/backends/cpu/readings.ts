/** Raw values of the process as points of the catalogue, in its units. Pure. */
import { performance } from 'node:perf_hooks';
import type { ProcessPoint } from '../../catalogue.ts';
import type { RawProcess } from './driver.ts';

/** What one reading says; shares and utilizations are over the time since `before`. */
export interface ProcessReading {
  readonly points: readonly ProcessPoint[];
  /** CPU time over wall time and cores, 0 to 1; absent where no time has passed. */
  readonly utilization: number | undefined;
}

export function interpretProcess(now: RawProcess, before: RawProcess, threads: number): ProcessReading {
  const points: ProcessPoint[] = [
    { name: 'process.cpu.time', value: now.cpuUserMicroseconds / 1e6, attributes: { 'cpu.mode': 'user' } },
    { name: 'process.cpu.time', value: now.cpuSystemMicroseconds / 1e6, attributes: { 'cpu.mode': 'system' } },
    { name: 'process.memory.usage', value: now.residentBytes },
    { name: 'accelmeter.process.memory.peak', value: Math.max(now.peakResidentKibibytes * 1024, now.residentBytes) },
    { name: 'process.uptime', value: now.uptimeSeconds },
  ];
  const virtualKibibytes = procNumber(now.procStatus, 'VmSize');
  if (virtualKibibytes !== undefined) points.push({ name: 'process.memory.virtual', value: virtualKibibytes * 1024 });
  const threadCount = procNumber(now.procStatus, 'Threads');
  if (threadCount !== undefined) points.push({ name: 'process.thread.count', value: threadCount });
  if (now.delay) {
    points.push(
      { name: 'nodejs.eventloop.delay.p50', value: now.delay.p50Nanoseconds / 1e9 },
      { name: 'nodejs.eventloop.delay.p99', value: now.delay.p99Nanoseconds / 1e9 },
      { name: 'nodejs.eventloop.delay.max', value: now.delay.maxNanoseconds / 1e9 },
    );
  }
  const coreMicroseconds = (now.atMilliseconds - before.atMilliseconds) * 1000 * threads;
  if (coreMicroseconds <= 0) return { points, utilization: undefined };
  const share = (microseconds: number) => Math.min(1, Math.max(0, microseconds / coreMicroseconds));
  const user = share(now.cpuUserMicroseconds - before.cpuUserMicroseconds);
  const system = share(now.cpuSystemMicroseconds - before.cpuSystemMicroseconds);
  points.push(
    { name: 'process.cpu.utilization', value: user, attributes: { 'cpu.mode': 'user' } },
    { name: 'process.cpu.utilization', value: system, attributes: { 'cpu.mode': 'system' } },
    {
      name: 'nodejs.eventloop.utilization',
      value: performance.eventLoopUtilization(now.eventLoop, before.eventLoop).utilization,
    },
  );
  return { points, utilization: Math.min(1, user + system) };
}

/** The number of a line `Key:  123 kB` of /proc/self/status, see proc_pid_status(5). */
function procNumber(status: string | undefined, key: string): number | undefined {
  const digits = status && new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1];
  return digits ? Number(digits) : undefined;
}
