/**
 * The port of the endpoint belongs to the service first: what it opens itself it gets, and we come back when it is
 * free. Node.js tells of every `listen` before it happens.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { isOurListener } from '../src/exporters/prometheus/server/server.ts';
import type { ScrapeTarget } from '../src/scrape-target.ts';

const aboutToListen = 'tracing:net.server.listen:asyncStart';
const retryEveryMillis = 5000;

export interface Serving {
  /** For the line that is said at the start: the URL, or why there is none. */
  readonly where: string;
  stop(): Promise<void>;
}

/** Listens, and again whenever it could not. `say` is told of each change after the start. */
export async function serve(target: ScrapeTarget, port: number, say: (what: string) => void): Promise<Serving> {
  let trying = false;

  /** Gives the port, or nothing where the service took it meanwhile. */
  async function listen(): Promise<number | undefined> {
    trying = true;
    try {
      await target.listen();
      return target.port;
    } finally {
      trying = false;
    }
  }

  function giveWay(message: unknown): void {
    const { server, options } = message as { server?: unknown; options?: { port?: unknown } };
    // Where it is being opened, it is closed before it is ours: a thread that opens it knows nothing of the service.
    const held = target.port ?? (trying && port !== 0 ? port : undefined);
    if (held === undefined || Number(options?.port) !== held || isOurListener(server)) return;
    say(`${leftToService(held)}; ${another}`);
    void target.stopListening();
  }

  const retry = setInterval(() => {
    if (trying || target.port !== undefined) return;
    listen().then(
      (listened) => void (listened !== undefined && say(`${target.url}/metrics`)),
      () => {}, // Still taken: that was said.
    );
  }, retryEveryMillis).unref();
  subscribe(aboutToListen, giveWay);

  return {
    where: await listen().then(
      (listened) => (listened === undefined ? `not served, ${leftToService(port)}` : `${target.url}/metrics`),
      (error: NodeJS.ErrnoException) =>
        error.code === 'EADDRINUSE'
          ? `not served, port ${port} is taken (${another}; it is tried again)`
          : `not served, ${error.message}`,
    ),
    stop() {
      clearInterval(retry);
      unsubscribe(aboutToListen, giveWay);
      return target.stopListening();
    },
  };
}

function leftToService(port: number): string {
  return `port ${port} is left to the service, which listens on it itself`;
}

const another = 'OTEL_EXPORTER_PROMETHEUS_PORT sets another';
