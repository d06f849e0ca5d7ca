/**
 * How many of libuv's worker threads have a task. A worker that is blocked in a read or a DNS lookup uses no CPU and is
 * busy all the same, so CPU time says nothing; what the kernel says that each thread waits for does.
 *
 * /proc/self/task/<thread>/syscall has the call that a thread is blocked in, with its arguments, or "running"
 * (proc_pid_syscall(5)). It needs no privilege for threads of the own process. An idle worker waits on the one condition
 * variable of libuv's queue, a futex in the static data of the program or of libuv; everything else is work. Only
 * where that cannot be told apart, nothing is told.
 */
import type { KernelFiles } from './kernel-files.ts';

/** Threads looked at in one look, in turn: the cost of a look does not grow with the pool. */
const mostThreadsALook = 8;
/** Threads whose names are read at one reading, at most: 2 ms. A pool of 1024 is known after some 17 readings. */
const mostNamesAtOnce = 64;
/** libuv names its workers from this version on. */
const namesSince = [1, 50] as const;
/** The number of the system call `futex`, by `process.arch`. */
const futexCalls: Readonly<Record<string, number>> = { x64: 202, arm64: 98, riscv64: 98, ppc64: 221, s390x: 238 };

export interface ThreadPoolReading {
  /** Worker threads there are; `undefined` before the first task has started them. */
  readonly threads: number | undefined;
  /** The share of looks, 0 to 1, that found a worker at work since the reading before; `undefined` if none could tell. */
  readonly busy: number | undefined;
}

export interface ThreadPoolWatch {
  /** Looks at what some of the workers do at this moment. */
  look(): void;
  read(): ThreadPoolReading;
}

export interface Machine {
  readonly platform: string;
  readonly arch: string;
  /** As in `process.versions.uv`. */
  readonly libuv: string;
  /** The program's own file, as in `process.execPath`. */
  readonly program: string;
  readonly files: KernelFiles;
}

/** `undefined` where the workers cannot be seen: not on Linux, an older Node.js, musl, a sandbox. */
export function watchThreadPool({ platform, arch, libuv, program, files }: Machine): ThreadPoolWatch | undefined {
  const futex = futexCalls[arch];
  if (platform !== 'linux' || futex === undefined || !isAtLeast(libuv, namesSince)) return undefined;
  const memory = files.read('/proc/self/maps');
  // musl's condition variables wait on the stack of the thread, so that an idle wait is like any other.
  if (memory === undefined || /\/(ld-musl-|libc\.musl-)/.test(memory)) return undefined;
  const isStatic = staticDataOf(memory, program);
  const findWorkers = workerFinder(files);

  let workers: readonly string[] = [];
  let next = 0;
  let seen = { looks: 0, busy: 0, unclear: 0 };
  /** Proof that the idle wait is known here: without it, a wait elsewhere could be the idle one. */
  let sawIdle = false;

  function look() {
    for (let i = 0; i < Math.min(workers.length, mostThreadsALook); i++) {
      const worker = workers[next++ % workers.length];
      const call = files.read(`/proc/self/task/${worker}/syscall`);
      seen.looks += 1;
      if (call === undefined) {
        seen.unclear += 1;
        continue;
      }
      const [number, address] = call.split(' ', 2);
      if (Number(number) !== futex) seen.busy += 1;
      else if (isStatic(Number(address))) sawIdle = true;
      else if (sawIdle) seen.busy += 1;
      else seen.unclear += 1;
    }
  }

  return {
    look,
    read() {
      workers = findWorkers();
      if (seen.looks === 0) look();
      const { looks, busy, unclear } = seen;
      seen = { looks: 0, busy: 0, unclear: 0 };
      return {
        threads: workers.length > 0 ? workers.length : undefined,
        busy: looks > 0 && unclear === 0 ? busy / looks : undefined,
      };
    },
  };
}

/**
 * Finds the workers by their name, and reads no name more often than it must. libuv starts all of them with the first
 * task and keeps them; once two searches have found the same, that is the pool.
 */
function workerFinder(files: KernelFiles): () => readonly string[] {
  const workers = new Set<string>();
  let others = new Set<string>();
  let found: readonly string[] = [];
  let settled = false;
  return () => {
    if (settled) return found;
    const threads = files.list('/proc/self/task');
    others = new Set(threads.filter((thread) => others.has(thread)));
    const unread = threads.filter((thread) => !others.has(thread) && !workers.has(thread));
    const before = workers.size;
    for (const thread of unread.slice(0, mostNamesAtOnce)) {
      const name = files.read(`/proc/self/task/${thread}/comm`)?.trimEnd();
      (name === 'libuv-worker' ? workers : others).add(thread);
    }
    const complete = unread.length <= mostNamesAtOnce;
    settled = complete && before > 0 && workers.size === before;
    if (before === 0 && workers.size > 0) others.clear(); // they may have been starting: all once more
    if (complete) found = [...workers];
    return found;
  };
}

/**
 * Whether an address is in the static data of the program or of a shared libuv: in a writable mapping of its file, or
 * in the nameless one that follows it (what is zero at the start is in no file). proc_pid_maps(5).
 */
function staticDataOf(memory: string, program: string): (address: number) => boolean {
  const ranges: { from: number; to: number }[] = [];
  let inData = false;
  for (const line of memory.split('\n')) {
    const [, from = '', to = '', mode = '', path = ''] =
      /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)$/.exec(line) ?? [];
    const last = ranges.at(-1);
    const start = Number.parseInt(from, 16);
    const end = Number.parseInt(to, 16);
    if (path !== '') {
      inData = mode.startsWith('rw') && (path === program || /\/lib(uv|node)\.so[^/]*$/.test(path));
      if (inData) ranges.push({ from: start, to: end });
    } else if (inData && last?.to === start) last.to = end;
    else inData = false;
  }
  return (address) => ranges.some(({ from, to }) => address >= from && address < to);
}

function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [ours = 0, minorOfOurs = 0] = version.split('.').map(Number);
  return ours > major || (ours === major && minorOfOurs >= minor);
}

/**
 * The worker threads that libuv starts with the first task, by UV_THREADPOOL_SIZE: 4 without it, 1 for 0 or what is no
 * number, 1024 at most and for negative ones. https://docs.libuv.org/en/v1.x/threadpool.html
 */
export function configuredThreads(variable: string | undefined): number {
  if (variable === undefined) return 4;
  const asked = Number.parseInt(variable, 10) || 0;
  if (asked < 0) return 1024;
  return Math.min(Math.max(asked, 1), 1024);
}
