/**
 * Where the metrics are served: by a server in this thread, or in a Worker that answers also while this thread's event
 * loop does not turn. Starts and stops it, in whatever order that is asked for.
 */
import cluster from 'node:cluster';
import { diag } from '@opentelemetry/api';
import { createRoutes, type RouteOptions } from './server/routes.ts';
import { type Address, createServer, type WebServer } from './server/server.ts';
import { createWorkerListener, NoWorker } from './worker/listener.ts';
import type { Assignment } from './worker/messages.ts';

export interface EndpointOptions extends RouteOptions {
  /** `localhost` binds 127.0.0.1. */
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Who listens: a Worker, where one can be had, or this thread. */
  readonly worker: boolean;
  /** Needs the Worker: passwords and handshakes are no work for the service's thread. */
  readonly webConfigFile: string | undefined;
  /** A process that has nothing else to do is not kept until the Worker has started or ended. */
  readonly detached: boolean;
  /** The metric by which a Worker tells the age of a page. */
  readonly age: Assignment['age'];
  /** Told what an operator should know. */
  readonly say: (what: string) => void;
}

export interface Endpoint {
  /**
   * Resolves when it listens, or was stopped meanwhile; rejects with the system's error, such as EADDRINUSE, or with
   * what is wrong with the web configuration. A failed start can be repeated.
   */
  start(): Promise<void>;
  /**
   * Resolves when it no longer listens and no connection is left; requests under way get a second to end. Where it
   * listened, the port is free as soon as this returns.
   */
  stop(): Promise<void>;
  /** The address that it listens on; `undefined` while it does not. */
  address(): Address | undefined;
}

/** What listens, once. */
type Listening = Pick<WebServer, 'listen' | 'close' | 'address'>;

/** Returns an endpoint that does not listen yet. */
export function createEndpoint(options: EndpointOptions): Endpoint {
  const { host, port, path, metrics, landing, webConfigFile, detached, age, say } = options;
  let listening: Listening | undefined;
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;

  async function listen(): Promise<void> {
    if (!options.worker && webConfigFile === undefined) return use(here());
    if (cluster.isWorker) {
      // The processes of a cluster share a port by their primary, and a thread of theirs has no part in that.
      if (webConfigFile !== undefined) throw new Error('a worker of a cluster cannot follow a web configuration');
      return use(here());
    }
    const worker = createWorkerListener({
      assignment: { host, port, path, webConfigFile, age },
      metrics,
      landing,
      fault,
      detached,
      say,
      lost: webConfigFile === undefined ? lost : undefined,
    });
    function lost(error: Error, lostPort: number): void {
      if (listening !== worker) return;
      goOnHere(error, lostPort).catch((failure) => {
        fault('nothing listens any more', failure);
        listening = starting = undefined; // It can be started again.
      });
    }
    try {
      await use(worker);
    } catch (error) {
      if (!(error instanceof NoWorker)) throw error;
      await goOnHere(error);
    }
  }

  const here = (onPort = port) => createServer({ host, port: onPort, handler: createRoutes(options), fault });

  async function use(next: Listening): Promise<void> {
    listening = next;
    const address = await next.listen();
    if (address !== undefined && webConfigFile === undefined && !isLoopback(address.host)) {
      say(
        `whoever reaches ${address.host}:${address.port} can read the metrics; a web configuration file changes that`,
      );
    }
  }

  /** Without a Worker: then nothing is served while the event loop is blocked, and nothing that must be behind TLS. */
  async function goOnHere(error: Error, onPort?: number): Promise<void> {
    if (webConfigFile !== undefined) {
      say(`not served: the web configuration needs a Worker, and ${error.message}`);
      throw error;
    }
    fault('no Worker listens, so the service itself does', error);
    await use(here(onPort));
  }

  async function close(started: Promise<void>): Promise<void> {
    if (listening === undefined) await started.catch(() => {});
    const closing = listening;
    listening = undefined;
    await closing?.close();
  }

  return {
    start() {
      if (starting !== undefined) return starting;
      const begun = stopping === undefined ? listen() : stopping.then(listen);
      starting = begun;
      begun.catch(() => {
        if (starting !== begun) return;
        starting = undefined;
        listening = undefined;
      });
      return begun;
    },
    stop() {
      if (starting === undefined) return stopping ?? Promise.resolve();
      const stopped = close(starting).finally(() => {
        if (stopping === stopped) stopping = undefined;
      });
      starting = undefined;
      stopping = stopped;
      return stopped;
    },
    address: () => listening?.address(),
  };
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./.test(address);
}

/** For the log of whoever has set OpenTelemetry's diagnostics. */
export function fault(problem: string, error: unknown): void {
  diag.error(`Prometheus: ${problem}.`, error);
}
