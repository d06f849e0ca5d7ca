/** Starts a program with a fault in it, watches it to its end, and says what it was and what was done to it. */
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';

const root = join(import.meta.dirname, '../..');
const programs = join(import.meta.dirname, 'programs');
const patienceMilliseconds = 50_000;

/** A turn of the program's event loop that was held; see programs/watch.mjs. In milliseconds, `at` since the epoch. */
interface Turn {
  readonly at: number;
  readonly cpu: number;
  readonly wall: number;
}

export interface Watched {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The turns in which the loop was held before and after the program had said `ready`. */
  readonly held: { readonly loading: readonly Turn[]; readonly after: readonly Turn[] };
  /** Whether a process that it started outlived it. */
  readonly leftover: boolean;
}

export interface Running {
  /** Resolves with the first match on stdout or stderr; rejects where the program ends before. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
  kill(signal: NodeJS.Signals): void;
}

export interface WatchOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Whether it runs under `register`. */
  readonly register?: boolean;
  /** Preloads after `register`. */
  readonly preload?: readonly string[];
  /** What it says when what is loaded once has been loaded; what holds the loop from then on is held against us. */
  readonly ready?: RegExp;
  /** What is done to it while it runs. */
  readonly meanwhile?: (program: Running) => Promise<unknown>;
  /** The user and group that it runs as. */
  readonly uid?: number;
  /** Its working directory. */
  readonly folder?: string;
  /** A command that runs the one that follows it, as `unshare` does. */
  readonly through?: readonly string[];
}

/** The line of `register`. */
const line = /^accelmeter \d.*$/m;
/** The same, where it is served; the address is the first group. */
export const served = /^accelmeter \d\S* {2}(http:\/\/127\.0\.0\.1:\d+)\/metrics.*$/m;

/** A program of test/faults/programs, or a path. */
export const program = (name: string) => (name.includes('/') ? name : join(programs, name));

/** Runs `node ...args`: the first is a program, or `-e`. */
export async function watch([first = '', ...args]: readonly string[], options: WatchOptions = {}): Promise<Watched> {
  const { environment = {}, register = true, preload = [], ready = line, uid, folder = root, through = [] } = options;
  const clean = Object.entries(process.env).filter(
    ([name]) => !/^(ACCELMETER|OTEL|OPENCL|OCL_ICD|NODE_OPTIONS|FAULT|VITEST)/.test(name),
  );
  const registered = register ? [join(root, 'dist/instrumentation/register.js')] : [];
  const imports = [program('watch.mjs'), ...registered, ...preload].flatMap((file) => ['--import', file]);
  const [command = '', ...rest] = [
    ...[...through, process.execPath, ...imports],
    ...[first.startsWith('-') ? first : program(first), ...args],
  ];
  const child = spawn(command, rest, {
    cwd: folder,
    env: { ...Object.fromEntries(clean), OTEL_EXPORTER_PROMETHEUS_PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true, // a group of its own, so that what it leaves behind can be found
    ...(uid !== undefined && { uid, gid: uid }),
  });
  const output = { stdout: '', stderr: '', turns: '' };
  let readyAt = Number.POSITIVE_INFINITY;
  const changed = new EventEmitter();
  for (const [index, name] of (['stdout', 'stderr', 'turns'] as const).entries()) {
    (child.stdio[index + 1] as Readable).setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
      if (name !== 'turns' && ready.test(output[name])) readyAt = Math.min(readyAt, now());
      changed.emit('said');
    });
  }
  const said = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(output.stdout) ?? pattern.exec(output.stderr);
        if (match) resolve(match);
      };
      changed.on('said', look);
      changed.once('ended', () => reject(new Error(`it ended without ${pattern}: ${output.stderr}`)));
      look();
    });
  const timer = setTimeout(() => endGroup(child.pid), patienceMilliseconds);
  const done = options.meanwhile?.({ said, kill: (signal) => void child.kill(signal) });
  done?.catch(() => {}); // seen where it is awaited: until the program has ended it is nobody's
  const [code, signal] = await once(child, 'exit');
  // What it started may take a moment to see that it is gone.
  for (const end = now() + 2000; isAlive(child.pid) && now() < end; ) await sleep(50);
  await sleep(50);
  const leftover = endGroup(child.pid);
  clearTimeout(timer);
  changed.emit('ended');
  await done;
  const turns = output.turns
    .split('\n')
    .filter(Boolean)
    .map((text): Turn => JSON.parse(text));
  const held = { loading: turns.filter(({ at }) => at <= readyAt), after: turns.filter(({ at }) => at > readyAt) };
  return { code, signal, stdout: output.stdout, stderr: output.stderr, held, leftover };
}

/** As the program tells the time of its turns. */
const now = () => performance.timeOrigin + performance.now();

/** Sends a signal to the group of a process, 0 being none; true where there was anybody to get it. */
function signalGroup(pid: number | undefined, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-(pid ?? 0), signal);
  } catch {
    return false;
  }
}

const isAlive = (pid: number | undefined) => signalGroup(pid, 0);
const endGroup = (pid: number | undefined) => signalGroup(pid, 'SIGKILL');

/**
 * The longest, in milliseconds, that we may compute in one turn of the host's event loop, and that the turn may take
 * with all waiting; `first`: what runs for the first time, and has to be compiled.
 */
const most = { cpu: 5, first: 15, wall: 150 };

/** How the program ends by its own code, and what it says. By default it says `done` and ends well. */
interface Own {
  readonly stdout?: string | RegExp;
  readonly code?: number;
  readonly signal?: NodeJS.Signals;
  /** How many things of ours ran for the first time after it was ready: a scrape, the account of a device. */
  readonly firsts?: number;
}

/**
 * What holds whatever the fault: the program ended as its own code says, nothing is left of it, and once what is loaded
 * once has been loaded the event loop is not held. Waiting is judged less sharply than computing: neighbours on the
 * machine lengthen it.
 */
export function expectUnharmed(watched: Watched, own: Own = {}) {
  const { code = own.signal === undefined ? 0 : null, signal = null, stdout = 'done\n' } = own;
  expect({ code: watched.code, signal: watched.signal }, watched.stderr).toEqual({ code, signal });
  if (typeof stdout === 'string') expect(watched.stdout).toBe(stdout);
  else expect(watched.stdout).toMatch(stdout);
  expect(watched.leftover).toBe(false);
  const held = watched.held.after.filter(({ cpu, wall }) => cpu > most.cpu || wall > most.wall);
  expect(held.filter(({ cpu, wall }) => cpu > most.first || wall > most.wall)).toEqual([]);
  expect(held.slice(own.firsts ?? 0)).toEqual([]);
}
