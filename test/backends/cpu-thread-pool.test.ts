import { expect, it } from 'vitest';
import type { KernelFiles } from '../../src/backends/cpu/kernel-files.ts';
import { configuredThreads, type Machine, watchThreadPool } from '../../src/backends/cpu/thread-pool.ts';
import { recorded } from '../captures/recording.ts';

const machine = (files: KernelFiles, changes: Partial<Machine> = {}) =>
  watchThreadPool({
    platform: 'linux',
    arch: 'x64',
    libuv: '1.51.0',
    program: '/usr/local/bin/node',
    files,
    ...changes,
  });

const idle = recorded('thread-pool-idle');
const workers = idle
  .list('/proc/self/task')
  .filter((thread) => idle.read(`/proc/self/task/${thread}/comm`) === 'libuv-worker\n');

/** The idle pool, with what its workers are blocked in instead, from the first on. */
const doing = (...calls: readonly (string | undefined)[]) =>
  recorded(
    'thread-pool-idle',
    Object.fromEntries(calls.map((call, i) => [`/proc/self/task/${workers[i]}/syscall`, call])),
  );

const waitElsewhere = '202 0x7f1be0001a10 0x189 0x0 0x0 0x0 0xffffffff 0x7f1bd9feebf0 0x7f1c18fc3f16\n';

it('a pool with nothing to do is at 0 %', () => {
  expect(machine(idle)?.read()).toEqual({ threads: 4, busy: 0 });
});

it('a worker that opens a FIFO is as busy as one that computes', () => {
  expect(machine(recorded('thread-pool-busy'))?.read()).toEqual({ threads: 4, busy: 0.5 });
});

it("a worker that waits for an addon's lock is busy, although it is a futex like the idle wait", () => {
  const pool = machine(doing(undefined, undefined, undefined, waitElsewhere));
  expect(pool).toBeDefined();
  const seen = machine(recorded('thread-pool-idle', { [`/proc/self/task/${workers[3]}/syscall`]: waitElsewhere }));
  expect(seen?.read()).toEqual({ threads: 4, busy: 0.25 });
});

it('where no worker was ever seen idle, a wait for some lock could be either: nothing is told', () => {
  expect(machine(doing(...Array(4).fill(waitElsewhere)))?.read()).toEqual({ threads: 4, busy: undefined });
});

it('four workers that all run are busy, even if the idle wait was never seen', () => {
  expect(machine(doing(...Array(4).fill('running\n')))?.read()).toEqual({ threads: 4, busy: 1 });
});

it('a kernel that does not tell what threads wait for has their number, not their work', () => {
  expect(machine(doing(undefined, undefined, undefined, undefined))?.read()).toEqual({ threads: 4, busy: undefined });
});

it('the share is of all looks since the reading before', () => {
  let busy = false;
  const pool = machine({
    ...idle,
    read: (path) => (busy && path.endsWith('/syscall') ? 'running\n' : idle.read(path)),
  });
  pool?.read();
  pool?.look();
  busy = true;
  pool?.look();
  pool?.look();
  pool?.look();
  expect(pool?.read().busy).toBe(0.75);
  expect(pool?.read().busy).toBe(1);
});

it('before the first task there is no pool; once there is one, its threads are looked for no more', () => {
  let started = false;
  let names = 0;
  const pool = machine({
    list: (path) => idle.list(path).filter((thread) => started || !workers.includes(thread)),
    read(path) {
      if (path.endsWith('/comm')) names += 1;
      return idle.read(path);
    },
  });
  expect(pool?.read()).toEqual({ threads: undefined, busy: undefined });
  started = true;
  expect(pool?.read().threads).toBe(4);
  pool?.read(); // all names once more: they may have been starting
  const before = names;
  for (let i = 0; i < 10; i++) expect(pool?.read().threads).toBe(4);
  expect(names).toBe(before);
});

it('names of threads that stay are read once, and of a thousand no more than 64 at a reading', () => {
  let names = 0;
  const thousand: KernelFiles = {
    list: () => Array.from({ length: 1030 }, (_, i) => String(i)),
    read(path) {
      const thread = Number(path.split('/')[4]);
      if (path.endsWith('/comm')) {
        names += 1;
        return thread < 6 ? 'MainThread\n' : 'libuv-worker\n';
      }
      return path.endsWith('/syscall') ? 'running\n' : idle.read(path);
    },
  };
  const pool = machine(thousand);
  const seen = Array.from({ length: 20 }, () => {
    const before = names;
    return { threads: pool?.read().threads, names: names - before };
  });
  expect(Math.max(...seen.map((reading) => reading.names))).toBe(64);
  expect(seen[0]?.threads).toBeUndefined();
  expect(seen.at(-1)).toEqual({ threads: 1024, names: 0 });
});

it('of a large pool eight are looked at, in turn', () => {
  const looked: string[] = [];
  const pool = machine({
    list: () => Array.from({ length: 20 }, (_, i) => String(i)),
    read(path) {
      if (path.endsWith('/comm')) return 'libuv-worker\n';
      if (path.endsWith('/syscall')) looked.push(path.split('/')[4] as string);
      return path.endsWith('/syscall') ? 'running\n' : idle.read(path);
    },
  });
  pool?.read();
  expect(looked).toHaveLength(8);
  pool?.look();
  pool?.look();
  expect(new Set(looked).size).toBe(20);
});

it('where it cannot be seen there is no such watch: other systems, older Node.js, musl, no /proc', () => {
  expect(machine(idle, { platform: 'darwin' })).toBeUndefined();
  expect(machine(idle, { arch: 'mips' })).toBeUndefined();
  expect(machine(idle, { libuv: '1.49.2' })).toBeUndefined();
  expect(machine(recorded('thread-pool-idle', { '/proc/self/maps': undefined }))).toBeUndefined();
  const musl = '7f0000000000-7f0000001000 r-xp 00000000 fe:00 1    /lib/ld-musl-x86_64.so.1\n';
  expect(machine(recorded('thread-pool-idle', { '/proc/self/maps': musl }))).toBeUndefined();
  expect(machine(idle, { libuv: '2.0.0' })).toBeDefined();
});

it("a Node.js that uses the system's libuv waits in the static data of that", () => {
  const shared = recorded('thread-pool-idle', {
    '/proc/self/maps':
      '00400000-06b51000 r-xp 00000000 fe:00 1 /usr/local/bin/node\n' +
      '06b93000-06b94000 rw-p 00000000 fe:00 2 /usr/lib/x86_64-linux-gnu/libuv.so.1.0.0\n' +
      '06b94000-06b96000 rw-p 00000000 00:00 0 \n',
  });
  expect(machine(shared)?.read().busy).toBe(0);
  expect(machine(idle, { program: '/usr/bin/other' })?.read().busy).toBeUndefined();
});

it.each([
  [undefined, 4],
  ['16', 16],
  ['0', 1],
  ['', 1],
  ['many', 1],
  ['-1', 1024],
  ['5000', 1024],
])('UV_THREADPOOL_SIZE=%s is a pool of %i', (variable, threads) => {
  expect(configuredThreads(variable)).toBe(threads);
});
