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
  points.push(...heapPoints(now), ...poolPoints(now.pool));
  const { memoryLimit } = now;
  if (memoryLimit) {
    points.push({ name: 'accelmeter.container.memory.limit', value: memoryLimit.limitBytes });
    const { usageBytes } = memoryLimit;
    if (usageBytes !== undefined) points.push({ name: 'accelmeter.container.memory.usage', value: usageBytes });
  }
  if (now.delay) {
    points.push(
      { name: 'nodejs.eventloop.delay.p50', value: now.delay.p50Nanoseconds / 1e9 },
      { name: 'nodejs.eventloop.delay.p99', value: now.delay.p99Nanoseconds / 1e9 },
      { name: 'nodejs.eventloop.delay.max', value: now.delay.maxNanoseconds / 1e9 },
    );
  }
  const waiting = shareWaiting(now, before);
  if (waiting !== undefined) points.push({ name: 'accelmeter.process.cpu.waiting', value: waiting });
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

/** The second number is the time on a run queue in nanoseconds, see sched-stats.rst of Linux' documentation. */
function shareWaiting(now: RawProcess, before: RawProcess): number | undefined {
  const [since, until] = [before, now].map(({ procSchedstat }) => /^\d+ (\d+) /.exec(procSchedstat ?? '')?.[1]);
  const milliseconds = now.atMilliseconds - before.atMilliseconds;
  if (since === undefined || until === undefined || milliseconds <= 0) return undefined;
  return Math.min(1, Math.max(0, (Number(until) - Number(since)) / 1e6 / milliseconds));
}

function heapPoints({ heapUsedBytes, heapLimitBytes, heapSpaces, collections }: RawProcess): ProcessPoint[] {
  const points: ProcessPoint[] = [
    { name: 'accelmeter.process.heap.usage', value: heapUsedBytes },
    { name: 'accelmeter.process.heap.limit', value: heapLimitBytes },
  ];
  for (const { space_name, space_size, space_used_size } of heapSpaces) {
    const attributes = { 'v8js.heap.space.name': space_name };
    points.push({ name: 'v8js.memory.heap.used', value: space_used_size, attributes });
    points.push({ name: 'v8js.memory.heap.space.size', value: space_size, attributes });
  }
  const { since, durations } = collections;
  for (const [type, distribution] of durations) {
    points.push({ name: 'v8js.gc.duration', attributes: ofType[type], distribution, since });
  }
  return points;
}

/** The same frozen object at every reading: who exports a series knows it again by it. */
const ofType = {
  minor: Object.freeze({ 'v8js.gc.type': 'minor' }),
  incremental: Object.freeze({ 'v8js.gc.type': 'incremental' }),
  major: Object.freeze({ 'v8js.gc.type': 'major' }),
  weakcb: Object.freeze({ 'v8js.gc.type': 'weakcb' }),
} as const;

function poolPoints({ threads, busy, waitMilliseconds }: RawProcess['pool']): ProcessPoint[] {
  const points: ProcessPoint[] = [{ name: 'accelmeter.threadpool.size', value: threads }];
  if (busy !== undefined) points.push({ name: 'accelmeter.threadpool.utilization', value: busy });
  if (waitMilliseconds !== undefined) {
    points.push({ name: 'accelmeter.threadpool.queue.duration', value: waitMilliseconds / 1000 });
  }
  return points;
}

/** The number of a line `Key:  123 kB` of /proc/self/status, see proc_pid_status(5). */
function procNumber(status: string | undefined, key: string): number | undefined {
  const digits = status && new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1];
  return digits ? Number(digits) : undefined;
}
