/**
 * Starts a program without a copy of this process. Node's `spawn` forks, and a fork copies the page tables: it holds the
 * event loop of a service of 2 GB for nearly two tenths of a second. The C library's `posix_spawn` shares the memory until the
 * program has begun, which takes the same short time for a service of any size.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { type Bound, type CallTable, openLibrary } from '../ffi.ts';

/** A program that was started. Its streams do not keep this process alive unless they are told to. */
export interface Started {
  readonly input: Writable;
  readonly output: Readable;
  readonly errors: Readable;
  /** Resolves with how it ended, as the end of a sentence, once all that it said was read. */
  readonly ended: Promise<string>;
  /** False for one that could not be started; only then is that known for sure when it has ended. */
  readonly hasBegun: boolean;
  /** Ends it by force, without waiting. */
  kill(): void;
  /** Sees whether it has ended: its streams do not tell where a child of its own still has them open. */
  look(): void;
  keepAlive(keep: boolean): void;
}

/** POSIX: each gives 0 or an error number, `waitpid` a process number. */
const calls = {
  socketpair: { symbols: ['socketpair'], takes: ['i32', 'i32', 'i32', 'memory'], gives: 'i32' },
  actionsInit: { symbols: ['posix_spawn_file_actions_init'], takes: ['memory'], gives: 'i32' },
  actionsDup: { symbols: ['posix_spawn_file_actions_adddup2'], takes: ['memory', 'i32', 'i32'], gives: 'i32' },
  actionsDestroy: { symbols: ['posix_spawn_file_actions_destroy'], takes: ['memory'], gives: 'i32' },
  spawn: {
    symbols: ['posix_spawn'],
    takes: ['memory', 'text', 'memory', 'memory', 'texts', 'texts'],
    gives: 'i32',
  },
  waitpid: { symbols: ['waitpid'], takes: ['i32', 'memory', 'i32'], gives: 'i32' },
} as const satisfies CallTable;
type Library = Bound<typeof calls>;

/** `AF_UNIX`, `SOCK_STREAM | SOCK_CLOEXEC`, `WNOHANG` of Linux. */
const unix = 1;
const closedOnExec = 1 | 0o2000000;
const withoutWaiting = 1;

/** Throws nothing: a program that cannot be started has ended. */
export function start(file: string, environment: NodeJS.ProcessEnv): Started {
  const libc = attempt(library);
  try {
    if (libc !== undefined) return startQuickly(libc, file, environment);
    // No such C library, or no koffi here: Node can do it as well, if not so quickly.
    return presented(spawn(file, [], { env: environment, stdio: ['pipe', 'pipe', 'pipe'] }));
  } catch (error) {
    return neverBegun(error instanceof Error ? error.message : String(error));
  }
}

function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

let opened: Library | undefined;

function library(): Library {
  opened ??= openLibrary(calls, { names: ['libc.so.6'] });
  return opened;
}

function startQuickly(libc: Library, file: string, environment: NodeJS.ProcessEnv): Started {
  const ours: number[] = [];
  const ofChild: number[] = [];
  try {
    for (let pairs = 0; pairs < 2; pairs += 1) {
      const [mine, its] = pairOf(libc);
      ours.push(mine);
      ofChild.push(its);
    }
    const [talk, errors] = ofChild as [number, number];
    const pid = spawned(libc, file, environment, [talk, talk, errors]);
    const [input, said] = ours.map((fd) => new Socket({ fd, readable: true, writable: true })) as [Socket, Socket];
    ours.length = 0; // they are the sockets' now
    return running(libc, pid, input, said);
  } finally {
    for (const fd of [...ours, ...ofChild]) closeSync(fd);
  }
}

/** Gives its number. Throws the error's name. */
function spawned(libc: Library, file: string, environment: NodeJS.ProcessEnv, files: readonly number[]): number {
  const pid = new Int32Array(1);
  const actions = new Uint8Array(512); // 80 bytes and less
  libc.actionsInit(actions);
  for (const [to, from] of files.entries()) libc.actionsDup(actions, from, to);
  const variables = Object.entries(environment).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}=${value}`,
  );
  const code = libc.spawn(pid, file, actions, null, ended([file]), ended(variables));
  libc.actionsDestroy(actions);
  if (code === 0) return pid[0] as number;
  throw new Error(Object.entries(constants.errno).find(([, number]) => number === code)?.[0] ?? `error ${code}`);
}

/** What stands for a program that could not be started. */
function neverBegun(why: string): Started {
  const nothing = () => new PassThrough().on('error', () => {}).destroy() as PassThrough;
  return {
    ...{ input: nothing(), output: nothing(), errors: nothing() },
    ended: Promise.resolve(couldNotStart(why)),
    hasBegun: false,
    ...{ kill() {}, look() {}, keepAlive() {} },
  };
}

/** Lists of C end with nothing. */
const ended = (texts: readonly string[]) => [...texts, null] as unknown as readonly string[];

function pairOf(libc: Library): readonly [number, number] {
  const pair = new Int32Array(2);
  if (libc.socketpair(unix, closedOnExec, 0, pair) !== 0)
    throw new Error('no sockets for it, as where a process has all the files open that it may');
  return [pair[0] as number, pair[1] as number];
}

function running(libc: Library, pid: number, talk: Socket, errors: Socket): Started {
  const sockets = [talk, errors];
  const status = new Int32Array(1);
  let how: string | undefined;
  let open = sockets.length;
  let looks = 0;
  let timer: NodeJS.Timeout | undefined;
  const { promise: over, resolve } = Promise.withResolvers<string>();

  function hasEnded(): boolean {
    if (how !== undefined) return true;
    const reaped = libc.waitpid(pid, status, withoutWaiting);
    if (reaped !== 0) how = reaped === pid ? described(status[0] as number) : 'ended';
    return how !== undefined;
  }
  /** A process has closed its sockets a moment before its end can be asked; one that is killed may take for ever. */
  function watch(): void {
    const isOver = hasEnded();
    if (isOver) for (const socket of sockets) socket.destroy();
    if (open === 0 && (isOver || looks >= mostLooks)) resolve(how ?? 'ended');
    clearTimeout(timer);
    if (!isOver) timer = setTimeout(watch, Math.min(longestWait, 2 ** looks)).unref();
    looks += 1;
  }

  for (const socket of sockets) {
    socket.on('error', () => {}); // it has ended, which is told by the close
    socket.on('close', () => {
      open -= 1;
      if (open > 0) return;
      looks = 0;
      watch();
    });
  }
  return {
    ...{ input: talk, output: talk, errors, ended: over },
    hasBegun: true,
    kill() {
      if (hasEnded()) return watch(); // the number may be another's by now
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended just now.
      }
      watch();
    },
    look() {
      if (hasEnded()) watch();
    },
    keepAlive(keep) {
      for (const socket of sockets) socket[keep ? 'ref' : 'unref']();
    },
  };
}

/** So many looks after its sockets have closed its end is told, if not how; it is looked for further, for no zombie to stay. */
const mostLooks = 12;
/** Milliseconds between two looks, at most. */
const longestWait = 60_000;

function described(status: number): string {
  const signal = status & 0x7f;
  return signal === 0 ? endedWith(status >> 8) : crashedBy(signalName(signal));
}

const couldNotStart = (why: string) => `could not be started: ${why}`;
const endedWith = (code: number | null) => `ended with code ${code}`;
const crashedBy = (signal: string) => `crashed (${signal})`;
const signalName = (number: number) =>
  Object.entries(constants.signals).find(([, each]) => each === number)?.[0] ?? `signal ${number}`;

/** Where there are no more files to be had, a child of Node's has no streams, and tells of it by an event. */
function presented(child: ChildProcess): Started {
  let hasBegun = true;
  let hasExited = false;
  const over = new Promise<string>((resolve) => {
    child.on('error', (error) => {
      if (child.pid !== undefined) return; // it could not be killed, say
      hasBegun = false;
      resolve(couldNotStart(error.message));
    });
    child.on('exit', () => {
      hasExited = true;
    });
    child.on('close', (code, signal) => resolve(signal === null ? endedWith(code) : crashedBy(signal)));
  });
  const none = neverBegun('');
  const streams = {
    input: child.stdin ?? none.input,
    output: child.stdout ?? none.output,
    errors: child.stderr ?? none.errors,
  };
  const all = Object.values(streams) as Socket[];
  for (const stream of all) stream.on('error', () => {});
  return {
    ...streams,
    ended: over,
    get hasBegun() {
      return hasBegun;
    },
    kill: () => void child.kill('SIGKILL'),
    look() {
      if (hasExited) for (const stream of all) stream.destroy();
    },
    keepAlive(keep) {
      const method = keep ? 'ref' : 'unref';
      child[method]();
      for (const stream of all) stream[method]?.();
    },
  };
}
