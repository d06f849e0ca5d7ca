/**
 * bcrypt in a thread of its own: a hash takes as long as its cost says, and the thread that listens must meanwhile serve
 * pages and leave its port when the service wants it. The thread is there while hashes are wanted, and a while after.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';

/** Sent to the thread. */
export interface ToCompute {
  readonly password: string;
  /** Version, cost and salt, as a hash begins. */
  readonly salt: string;
}

/** Its answer. */
export interface Computed {
  readonly hash: string;
}

export interface Hashing {
  /** One at a time. Rejects where the thread ends meanwhile. */
  compute(what: ToCompute): Promise<string>;
  /** Ends the thread, in the midst of a hash as well. */
  close(): void;
}

const idleMillis = 30_000;
/** bcrypt takes some kilobytes, however long it runs. */
const memory = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 };

/** Returns a hashing without a thread: that comes with the first hash. */
export function createHashing(): Hashing {
  let thread: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;

  function close(): void {
    clearTimeout(idle);
    void thread?.terminate();
    thread = undefined;
  }

  return {
    async compute(what) {
      clearTimeout(idle);
      thread ??= startThread();
      const used = thread;
      try {
        return await answerOf(used, what);
      } catch (error) {
        if (thread === used) close(); // The next hash has a new one.
        throw error;
      } finally {
        if (thread === used) idle = setTimeout(close, idleMillis).unref();
      }
    },
    close,
  };
}

function startThread(): Worker {
  const file = new URL(`./hashing-thread${extname(import.meta.url)}`, import.meta.url);
  const thread = new Worker(file, { env: {}, execArgv: [], resourceLimits: memory, name: 'accelmeter passwords' });
  thread.on('error', () => {}); // Told to whoever waits; else it would be thrown here.
  thread.unref();
  return thread;
}

function answerOf(thread: Worker, what: ToCompute): Promise<string> {
  return new Promise((resolve, reject) => {
    const over = () => {
      thread.off('message', answered);
      thread.off('error', reject);
      thread.off('exit', ended);
    };
    const answered = ({ hash }: Computed) => {
      over();
      resolve(hash);
    };
    const ended = () => {
      over();
      reject(new Error('the thread that hashes passwords has ended'));
    };
    thread.on('message', answered).on('error', reject).on('exit', ended);
    thread.postMessage(what);
  });
}
