/**
 * The port of the endpoint belongs to the service first: what it opens itself it gets, and we come back when it is
 * free. Node.js tells of every `listen` before it happens.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
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
  /** True while a `listen` that is told of is our own. */
  let ours = false;
  let trying = false;

  async function listen(): Promise<void> {
    trying = true;
    try {
      ours = true;
      const listening = target.listen();
      ours = false;
      await listening;
    } finally {
      ours = false;
      trying = false;
    }
  }

  function giveWay(message: unknown): void {
    const asked = (message as { options?: { port?: unknown } }).options?.port;
    if (ours || target.port === undefined || Number(asked) !== target.port) return;
    say(`port ${target.port} is left to the service, which listens on it itself; ${another}`);
    void target.stopListening();
  }

  const retry = setInterval(() => {
    if (trying || target.port !== undefined) return;
    listen().then(
      () => say(`${target.url}/metrics`),
      () => {}, // Still taken: that was said.
    );
  }, retryEveryMillis).unref();
  subscribe(aboutToListen, giveWay);

  return {
    where: await listen().then(
      () => `${target.url}/metrics`,
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

const another = 'OTEL_EXPORTER_PROMETHEUS_PORT sets another';
