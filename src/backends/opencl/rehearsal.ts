/**
 * Drivers are tried in a process of their own before they are let into this one. Opening a loader runs code of every
 * driver that is registered: one that hangs there would hold the event loop for good, one that aborts would end the
 * service. A thread would not help: a library that hangs while it is loaded holds the lock that every further load, and
 * the process's own exit, must take.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { ProbeError } from '../../errors.ts';

/** A GPU that nobody keeps awake takes seconds to start; what takes longer than this is taken for stuck. */
const patienceSeconds = 10;
/** Of what the driver said before it was lost: as much as stands in a line. */
const mostWords = 200;

export interface RehearsalOptions {
  /** The loader's library; by default the system's. */
  readonly library: string | undefined;
  /** Whether a process that has nothing else to do waits for the answer. */
  readonly keepAlive: boolean;
}

/**
 * Resolves when the drivers may be opened here: they have answered there, or there is no way to try them. Rejects with
 * a ProbeError: `stuck` where they did not answer, `broken` where they ended the process that they were tried in.
 */
export async function rehearse({ library, keepAlive }: RehearsalOptions): Promise<void> {
  const { said, words, end } = await tryDrivers(library, keepAlive);
  if (said.endsWith('answered') || !said.startsWith('trying')) return;
  const subject = library ?? 'the driver';
  const remedy =
    library === undefined
      ? 'mend or remove the driver; ACCELMETER_BACKENDS=cpu leaves it alone'
      : 'name another file in ACCELMETER_OPENCL_LIBRARY, or none for the loader of the system';
  if (end === 'late')
    throw new ProbeError('stuck', `${subject} did not answer within ${patienceSeconds} s`, { remedy });
  const first = words.trim().split('\n', 1)[0] ?? '';
  throw new ProbeError('broken', `${subject} ${end}${first === '' ? '' : `: ${first}`}`, { remedy });
}

interface Outcome {
  /** What the helper said of itself. */
  readonly said: string;
  /** What the driver said on stderr before it was lost. */
  readonly words: string;
  /** How the helper ended, as the end of a sentence; `late` where it did not in time. */
  readonly end: string;
}

function tryDrivers(library: string | undefined, keepAlive: boolean): Promise<Outcome> {
  return new Promise((resolve) => {
    let said = '';
    let words = '';
    const child = start(library);
    const timer = setTimeout(() => settle('late'), patienceSeconds * 1000);
    const settle = (end: string) => {
      clearTimeout(timer);
      child.kill('SIGKILL'); // not waited for: a driver that hangs in the kernel cannot be ended
      letGo(child);
      resolve({ said, words, end });
    };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.endsWith('answered')) settle('');
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(0, mostWords);
    });
    child.on('error', () => settle(''));
    child.on('close', (code, signal) => {
      settle(signal === null ? `ended the process with code ${code}` : `crashed (${signal})`);
    });
    if (keepAlive) return;
    timer.unref();
    letGo(child);
  });
}

type Helper = ChildProcessByStdio<Writable, Readable, Readable>;

/** Without the preloads and layers of this process, which are not for the helper. */
function start(library: string | undefined): Helper {
  const { NODE_OPTIONS, OPENCL_LAYERS, ...env } = process.env;
  const program = fileURLToPath(new URL(`./rehearsal-program${import.meta.url.slice(-3)}`, import.meta.url));
  const args = library === undefined ? [program] : [program, library];
  const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => {}); // it has ended: the exit is told as well
  return child;
}

function letGo(child: Helper): void {
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as unknown as Socket).unref();
}
