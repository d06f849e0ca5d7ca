/**
 * The Worker as the service's thread sees it: started, asked to listen, answered, and started again where it ends by
 * itself. It keeps no process alive, and none of the preloads and options of the process run in it.
 */
import type { IncomingMessage } from 'node:http';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Handler } from '../server/routes.ts';
import { type Address, guard, type ServerOptions, tryPort, type WebServer } from '../server/server.ts';
import type { Assignment, Command, Question, Report } from './messages.ts';
import { recordAnswer } from './recorded-response.ts';

export interface WorkerListenerOptions {
  readonly assignment: Assignment;
  readonly metrics: Handler;
  readonly landing: Handler;
  readonly fault: ServerOptions['fault'];
  /** A process that has nothing else to do is not kept until the Worker has started, or has ended. */
  readonly detached: boolean;
  /** Told what an operator should know. */
  readonly say: (what: string) => void;
  /**
   * Called once where the Worker has ended too often, and nothing listens on the port any more. Absent where nobody else
   * can listen: then a Worker is started for ever, after pauses that grow.
   */
  readonly lost: ((error: Error, port: number) => void) | undefined;
}

/** No Worker can be had here, or it does not start. */
export class NoWorker extends Error {
  override readonly name = 'NoWorker';
}

const startMillis = 10_000;
/** A first page of which collecting takes longer comes later. */
const preparedMillis = 500;
/** For a Worker in the midst of something; it is otherwise prompt. */
const stopMillis = 1000;
/** Before it is started again; each further time twice as long, to a minute. */
const restartMillis = { first: 250, longest: 60_000 };
/** Ends that nobody asked for, after which others listen where they can. */
const endsAtMost = 3;
/** An end after so long a time has nothing to do with those before it. */
const healthyMillis = 180_000;
/** Without a page in it: what HTTP and TLS need for 256 connections. */
const memory = { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 8 };

/** Returns a listener that does not listen yet. */
export function createWorkerListener(options: WorkerListenerOptions): Omit<WebServer, 'changed'> {
  const { assignment, fault, say } = options;
  let worker: Worker | undefined;
  let bound: Address | undefined;
  let closed = false;
  /** That came soon one after the other. */
  let ends = 0;
  let boundAt = 0;
  /** What the Worker has been asked to do last. */
  let asked = Promise.withResolvers<Report>();
  /** Whether that is to listen: then the port may be taken already. */
  let binding = false;

  async function start(port: number): Promise<void> {
    asked = Promise.withResolvers();
    const late = () => asked.reject(new NoWorker('the Worker did not start in time'));
    const timer = setTimeout(late, startMillis).unref();
    try {
      worker = createWorker({ ...assignment, port });
      await asked.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  function createWorker(workerData: Assignment): Worker {
    const created = newWorker(workerData);
    let error = new Error('it ended');
    created.on('message', (report: Report) => heard(report, created));
    created.on('error', (reason: Error) => {
      error = reason;
    });
    created.on('exit', () => ended(created, error));
    if (options.detached) created.unref(); // After the listeners, which hold it.
    return created;
  }

  function heard(report: Report, from: Worker): void {
    if (report.kind === 'asked') void reply(report.id, report.question, from);
    else if (report.kind === 'said') say(report.what);
    else if (report.kind === 'fault') fault(report.problem, report.error);
    else if (report.kind === 'changed') bound = bound && report.address;
    else if (report.kind === 'failed') asked.reject(Object.assign(new Error(report.error.message), report.error));
    else asked.resolve(report);
  }

  async function reply(id: number, { what, headers }: Question, to: Worker): Promise<void> {
    to.postMessage({ kind: 'begun', id } satisfies Command);
    const request = { method: 'GET', url: '/', headers, socket: { localPort: bound?.port } };
    try {
      const answer = await recordAnswer((response) => {
        // Of a request it has what our handlers look at.
        guard(options[what], request as unknown as IncomingMessage, response, fault);
      });
      to.postMessage({ kind: 'answered', id, answer } satisfies Command, [answer.body]);
    } catch (error) {
      fault('an answer to the Worker failed', error); // Who waits for it there is served the last page.
    }
  }

  /** Ends with `bound` set, unless it is closed meanwhile. */
  async function bind(port: number): Promise<void> {
    try {
      await start(port);
      if (closed) return;
      asked = Promise.withResolvers();
      binding = true;
      worker?.postMessage({ kind: 'listen' } satisfies Command);
      const report = await asked.promise;
      if (report.kind !== 'listening' || closed) return;
      bound = report.address;
      boundAt = performance.now();
      binding = false;
      await prepared();
      if (!closed) worker?.unref();
    } catch (error) {
      dismiss();
      if (!closed) throw error;
    } finally {
      binding = false;
    }
  }

  async function prepared(): Promise<void> {
    asked = Promise.withResolvers();
    const timer = setTimeout(() => asked.resolve({ kind: 'prepared' }), preparedMillis);
    if (options.detached) timer.unref();
    await asked.promise.catch(() => {}); // An end is told elsewhere.
    clearTimeout(timer);
  }

  /** Ends the Worker where it does nothing that is worth waiting for. */
  function dismiss(): void {
    const dismissed = worker;
    worker = undefined;
    void dismissed?.terminate();
  }

  function ended(which: Worker, error: Error): void {
    asked.reject(new NoWorker(error.message));
    asked.promise.catch(() => {}); // Perhaps nobody waits.
    if (which !== worker || closed) return;
    worker = undefined;
    if (bound === undefined) return; // Whoever started it is told.
    const { port } = bound;
    bound = undefined;
    if (performance.now() - boundAt > healthyMillis) ends = 0;
    fault('the Worker that listens has ended', error);
    startAgain(port, error);
  }

  function startAgain(port: number, after: Error): void {
    ends += 1;
    if (options.lost === undefined || ends < endsAtMost) {
      const millis = Math.min(restartMillis.longest, restartMillis.first * 2 ** (ends - 1));
      setTimeout(() => void (closed || bind(port).catch(notStarted)), millis).unref();
    } else {
      options.lost(after, port);
    }

    function notStarted(error: Error): void {
      fault('the Worker that listens was not started again', error);
      if (options.lost === undefined) startAgain(port, error);
      else options.lost(error, port);
    }
  }

  return {
    async listen() {
      // A port that is taken costs no Worker.
      if (assignment.port !== 0) await tryPort(assignment);
      if (!closed) await bind(assignment.port);
      return bound;
    },
    async close() {
      closed = true;
      const closing = worker;
      if (closing === undefined) return;
      if (bound === undefined && !binding) return dismiss();
      bound = undefined;
      const exit = new Promise<void>((resolve) => closing.once('exit', () => resolve()));
      if (!options.detached) closing.ref();
      const free = new Int32Array(new SharedArrayBuffer(4));
      closing.postMessage({ kind: 'stop', closed: free } satisfies Command);
      // Whoever is about to listen on the port does so in this very turn.
      Atomics.wait(free, 0, 0, stopMillis);
      const timer = setTimeout(() => void closing.terminate(), 2 * stopMillis).unref();
      await exit;
      clearTimeout(timer);
    },
    address: () => bound,
  };
}

function newWorker(workerData: Assignment): Worker {
  const file = new URL(`./thread${extname(import.meta.url)}`, import.meta.url);
  try {
    // Empty, both: what the process preloads is not meant for this thread.
    return new Worker(file, { workerData, env: {}, execArgv: [], resourceLimits: memory, name: 'accelmeter' });
  } catch (error) {
    throw new NoWorker((error as Error).message);
  }
}
