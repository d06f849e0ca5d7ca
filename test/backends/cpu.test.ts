import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it, onTestFinished } from 'vitest';
import { openCpuDriver, type RawProcess } from '../../src/backends/cpu/driver.ts';
import { cpu } from '../../src/backends/cpu/index.ts';
import { measurePoolWait } from '../../src/backends/cpu/pool-wait.ts';
import { interpretProcess } from '../../src/backends/cpu/readings.ts';
import type { MetricName } from '../../src/catalogue.ts';
import { Distribution } from '../../src/distribution/distribution.ts';
import { conforms, recordingHost } from '../conformance.ts';

conforms(cpu);

/** A process at two moments, one second apart. */
const before: RawProcess = {
  atMilliseconds: 1000,
  cpuUserMicroseconds: 2_000_000,
  cpuSystemMicroseconds: 500_000,
  residentBytes: 50 * 2 ** 20,
  peakResidentKibibytes: 60 * 1024,
  uptimeSeconds: 10,
  eventLoop: { idle: 500, active: 500, utilization: 0.5 },
  delay: undefined,
  procStatus: undefined,
  procSchedstat: undefined,
  heapUsedBytes: 30 * 2 ** 20,
  heapLimitBytes: 4 * 2 ** 30,
  heapSpaces: [],
  collections: { since: 0, durations: new Map() },
  memoryLimit: undefined,
  pool: { threads: 4, busy: undefined, waitMilliseconds: undefined },
};
const after: RawProcess = {
  ...before,
  atMilliseconds: 2000,
  cpuUserMicroseconds: 3_000_000,
  cpuSystemMicroseconds: 1_000_000,
  eventLoop: { idle: 750, active: 1250, utilization: 0.625 },
  delay: { p50Nanoseconds: 1e6, p99Nanoseconds: 5e6, maxNanoseconds: 9e6 },
  procStatus: 'Name:\tnode\nVmSize:\t  123456 kB\nThreads:\t11\n',
};

const valueIn = (reading: ReturnType<typeof interpretProcess>, name: MetricName, mode?: string) =>
  reading.points
    .filter((point) => 'value' in point)
    .find(
      (point) => point.name === name && (mode === undefined || Object.values(point.attributes ?? {}).includes(mode)),
    )?.value;

it('one core busy of two for a second is half of the CPU, user time twice the system time', () => {
  const reading = interpretProcess(after, before, 2);
  expect(reading.utilization).toBeCloseTo(0.75);
  expect(valueIn(reading, 'process.cpu.utilization', 'user')).toBeCloseTo(0.5);
  expect(valueIn(reading, 'process.cpu.utilization', 'system')).toBeCloseTo(0.25);
  expect(valueIn(reading, 'process.cpu.time', 'user')).toBe(3);
});

it('a loop that was active for 750 of the last 1000 ms is at 75 %', () => {
  expect(valueIn(interpretProcess(after, before, 2), 'nodejs.eventloop.utilization')).toBeCloseTo(0.75);
});

it('what /proc says in kB is in bytes, and what it does not say is absent', () => {
  const reading = interpretProcess(after, before, 2);
  expect(valueIn(reading, 'process.memory.virtual')).toBe(123456 * 1024);
  expect(valueIn(reading, 'process.thread.count')).toBe(11);
  const without = interpretProcess({ ...after, procStatus: 'Name:\tnode\n' }, before, 2);
  expect(valueIn(without, 'process.memory.virtual')).toBeUndefined();
  expect(valueIn(without, 'process.thread.count')).toBeUndefined();
});

it('a main thread that was on a run queue for 400 of the last 1000 ms waited for 40 %; who is not told says nothing', () => {
  const since = { ...before, procSchedstat: '5000000 100000000 7\n' };
  const until = { ...after, procSchedstat: '605000000 500000000 90\n' };
  expect(valueIn(interpretProcess(until, since, 2), 'accelmeter.process.cpu.waiting')).toBeCloseTo(0.4);
  expect(valueIn(interpretProcess(after, since, 2), 'accelmeter.process.cpu.waiting')).toBeUndefined();
  expect(valueIn(interpretProcess(since, since, 2), 'accelmeter.process.cpu.waiting')).toBeUndefined();
});

it('at the first reading there are totals and no shares', () => {
  const reading = interpretProcess(before, before, 2);
  expect(reading.utilization).toBeUndefined();
  expect(valueIn(reading, 'process.cpu.utilization')).toBeUndefined();
  expect(valueIn(reading, 'process.cpu.time', 'user')).toBe(2);
});

it('a clock that went backwards gives no shares rather than wrong ones', () => {
  expect(interpretProcess(before, after, 2).utilization).toBeUndefined();
});

it('milliseconds of waiting are seconds, and what the pool does not show is absent', () => {
  const pool = { threads: 16, busy: 0.25, waitMilliseconds: 12 };
  const reading = interpretProcess({ ...after, pool }, before, 2);
  expect(valueIn(reading, 'accelmeter.threadpool.size')).toBe(16);
  expect(valueIn(reading, 'accelmeter.threadpool.utilization')).toBe(0.25);
  expect(valueIn(reading, 'accelmeter.threadpool.queue.duration')).toBeCloseTo(0.012);
  const without = interpretProcess(after, before, 2);
  expect(valueIn(without, 'accelmeter.threadpool.utilization')).toBeUndefined();
  expect(valueIn(without, 'accelmeter.threadpool.queue.duration')).toBeUndefined();
});

it('a container without a limit has no usage of it either', () => {
  const memoryLimit = { limitBytes: 512, usageBytes: 256 };
  const limited = interpretProcess({ ...after, memoryLimit }, before, 2);
  expect(valueIn(limited, 'accelmeter.container.memory.limit')).toBe(512);
  expect(valueIn(limited, 'accelmeter.container.memory.usage')).toBe(256);
  const names = interpretProcess(after, before, 2).points.map(({ name }) => name);
  expect(names.filter((name) => name.startsWith('accelmeter.container.'))).toEqual([]);
});

it('each space of the heap has its own size', () => {
  const heapSpaces = [
    { space_name: 'new_space', space_size: 16, space_used_size: 8 },
    { space_name: 'old_space', space_size: 64, space_used_size: 60 },
  ];
  const reading = interpretProcess({ ...after, heapSpaces }, before, 2);
  expect(valueIn(reading, 'v8js.memory.heap.used', 'old_space')).toBe(60);
  expect(valueIn(reading, 'v8js.memory.heap.space.size', 'new_space')).toBe(16);
});

it('collections have a distribution for each type, under the same attributes at every reading', () => {
  const durations = new Map([['minor', new Distribution()]] as const);
  const collections = { since: 3, durations };
  const read = () =>
    interpretProcess({ ...after, collections }, before, 2).points.filter((point) => 'distribution' in point);
  expect(read()).toMatchObject([{ name: 'v8js.gc.duration', since: 3, distribution: durations.get('minor') }]);
  expect(read()[0]?.attributes).toEqual({ 'v8js.gc.type': 'minor' });
  expect(read()[0]?.attributes).toBe(read()[0]?.attributes);
});

it('the readings of this very process are what the operating system says', async () => {
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const session = await cpu.open(recordingHost());
  while (performance.now() < start + 400);
  const sample = session.sample?.();
  const coreMilliseconds = (performance.now() - start) * availableParallelism();
  const userMilliseconds = process.cpuUsage(cpuBefore).user / 1000;
  session.close();
  const numbers = sample?.process?.filter((point) => 'value' in point);
  const value = (name: MetricName) => numbers?.find((point) => point.name === name)?.value;
  expect(value('process.memory.usage')).toBeGreaterThan(20 * 2 ** 20);
  expect(value('accelmeter.process.memory.peak')).toBeGreaterThanOrEqual(value('process.memory.usage') ?? Infinity);
  // What it got of the cores, and not what it wanted: beside other work that is less.
  expect(value('process.cpu.utilization')).toBeGreaterThan(0);
  expect(value('process.cpu.utilization')).toBeCloseTo(userMilliseconds / coreMilliseconds, 1);
  if (process.platform === 'linux') expect(value('process.thread.count')).toBeGreaterThan(4);
});

it('while it is paused collections are not watched, and the counts of before stay', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const driver = openCpuDriver();
  onTestFinished(() => driver.close());
  const major = async () => {
    await sleep(20);
    return driver.read().collections.durations.get('major')?.count ?? 0;
  };
  const atFirst = await major();
  collect();
  expect(await major()).toBeGreaterThan(atFirst);
  const before = await major();
  driver.pause();
  collect();
  await sleep(20);
  driver.resume();
  expect(await major()).toBe(before);
  collect();
  expect(await major()).toBeGreaterThan(before);
});

it('a wait from before a pause is not told after it', async () => {
  const wait = measurePoolWait();
  expect(wait.milliseconds()).toBeUndefined();
  wait.send();
  await sleep(50);
  expect(wait.milliseconds()).toBeGreaterThanOrEqual(0);
  wait.send();
  wait.forget();
  expect(wait.milliseconds()).toBeUndefined();
  await sleep(50);
  expect(wait.milliseconds()).toBeUndefined();
  wait.send();
  await sleep(50);
  expect(wait.milliseconds()).toBeGreaterThanOrEqual(0);
});
