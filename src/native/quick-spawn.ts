/**
 * Starts a program without a copy of this process. Node's `spawn` forks, and a fork copies the page tables: it holds the
 * event loop of a service of 2 GB for nearly two tenths of a second. The C library's `posix_spawn` shares the memory until the
 * program has begun, which takes the same short time for a service of any size.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { type Bound, type CallTable, openLibrary } from '../ffi.ts';

/** A program that was started. Its streams do not keep this process alive unless they are told to. */
export interface Started {
  readonly input: Writable;
  readonly output: Readable;
  readonly errors: Readable;
  /** Resolves with how it ended, as the end of a sentence, once all that it said was read. */
  readonly ended: Promise<string>;
  /** Ends it by force, without waiting. */
  kill(): void;
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
  try {
    return startQuickly(library(), file, environment);
  } catch {
    // No such C library, or no koffi here: Node can do it as well, if not so quickly.
    return presented(spawn(file, [], { env: environment, stdio: ['pipe', 'pipe', 'pipe'] }));
  }
}

let opened: Library | undefined;

function library(): Library {
  opened ??= openLibrary(calls, { names: ['libc.so.6'] });
  return opened;
}

function startQuickly(libc: Library, file: string, environment: NodeJS.ProcessEnv): Started {
  const [talk, talkOfChild] = pairOf(libc);
  const [errors, errorsOfChild] = pairOf(libc);
  const pid = new Int32Array(1);
  let code: number;
  try {
    const actions = new Uint8Array(512); // 80 bytes and less
    libc.actionsInit(actions);
    for (const [from, to] of [
      [talkOfChild, 0],
      [talkOfChild, 1],
      [errorsOfChild, 2],
    ] as const) {
      libc.actionsDup(actions, from, to);
    }
    const variables = Object.entries(environment).flatMap(([name, value]) =>
      value === undefined ? [] : `${name}=${value}`,
    );
    code = libc.spawn(pid, file, actions, null, ended([file]), ended(variables));
    libc.actionsDestroy(actions);
  } finally {
    closeSync(talkOfChild);
    closeSync(errorsOfChild);
  }
  const input = new Socket({ fd: talk, readable: true, writable: true });
  const output = new Socket({ fd: errors, readable: true, writable: false });
  if (code !== 0) {
    for (const socket of [input, output]) socket.destroy();
    const why = Object.entries(constants.errno).find(([, number]) => number === code)?.[0] ?? `error ${code}`;
    return {
      ...{ input, output: input, errors: output },
      ended: Promise.resolve(`could not be started: ${why}`),
      kill() {},
      keepAlive() {},
    };
  }
  return running(libc, pid[0] as number, input, output);
}

/** Lists of C end with nothing. */
const ended = (texts: readonly string[]) => [...texts, null] as unknown as readonly string[];

function pairOf(libc: Library): readonly [number, number] {
  const pair = new Int32Array(2);
  if (libc.socketpair(unix, closedOnExec, 0, pair) !== 0) throw new Error('no socket pair');
  return [pair[0] as number, pair[1] as number];
}

function running(libc: Library, pid: number, talk: Socket, errors: Socket): Started {
  let isOver = false;
  const over = new Promise<string>((resolve) => {
    let open = 2;
    for (const socket of [talk, errors]) {
      socket.on('error', () => {}); // it has ended, which is told by the close
      socket.on('close', () => {
        open -= 1;
        if (open === 0) reap(libc, pid, 0, resolve);
      });
    }
  });
  void over.then(() => {
    isOver = true;
  });
  return {
    ...{ input: talk, output: talk, errors, ended: over },
    kill() {
      if (isOver) return; // the number may be another's by now
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended just now.
      }
    },
    keepAlive(keep) {
      for (const socket of [talk, errors]) socket[keep ? 'ref' : 'unref']();
    },
  };
}

const mostLooks = 20;

/** A process has closed its sockets a moment before its end can be asked. */
function reap(libc: Library, pid: number, looks: number, resolve: (how: string) => void): void {
  const status = new Int32Array(1);
  const reaped = libc.waitpid(pid, status, withoutWaiting);
  if (reaped === 0 && looks < mostLooks) {
    setTimeout(() => reap(libc, pid, looks + 1, resolve), 2 ** Math.min(looks, 8)).unref();
    return;
  }
  resolve(reaped === pid ? described(status[0] as number) : 'ended');
}

function described(status: number): string {
  const signal = status & 0x7f;
  return signal === 0 ? endedWith(status >> 8) : crashedBy(signalName(signal));
}

const endedWith = (code: number | null) => `ended with code ${code}`;
const crashedBy = (signal: string) => `crashed (${signal})`;
const signalName = (number: number) =>
  Object.entries(constants.signals).find(([, each]) => each === number)?.[0] ?? `signal ${number}`;

function presented(child: ChildProcess): Started {
  const [input, output, errors] = [child.stdin, child.stdout, child.stderr] as [Writable, Readable, Readable];
  input.on('error', () => {});
  return {
    ...{ input, output, errors },
    ended: new Promise((resolve) => {
      child.on('error', (error) => resolve(`could not be started: ${error.message}`));
      child.on('close', (code, signal) => resolve(signal === null ? endedWith(code) : crashedBy(signal)));
    }),
    kill: () => void child.kill('SIGKILL'),
    keepAlive(keep) {
      const method = keep ? 'ref' : 'unref';
      child[method]();
      for (const stream of [input, output, errors]) (stream as unknown as Socket)[method]();
    },
  };
}
