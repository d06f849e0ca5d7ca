/** Which request is answered by what. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { answer } from './answer.ts';

/** Answers a GET or HEAD request. May reject: it is then answered with 500, where nothing was sent yet. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export interface RouteOptions {
  /** Path of the metrics, with its slash. */
  readonly path: string;
  readonly metrics: Handler;
  readonly landing: Handler;
}

export function createRoutes({ path, metrics, landing }: RouteOptions): Handler {
  return async (request, response) => {
    const requested = pathOf(request.url);
    if (requested === undefined) return answer(response, 400, 'Bad request: the URL is malformed.');
    const handler = routeTo(requested);
    if (handler === undefined) return answer(response, 404, `Not found. Metrics are at ${path}`);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return answer(response, 405, 'Only GET and HEAD.', { Allow: 'GET, HEAD' });
    }
    await handler(request, response);
  };

  function routeTo(requested: string): Handler | undefined {
    if (requested === path) return metrics;
    if (requested === '/healthz') return async (_, response) => answer(response, 200, 'ok');
    return requested === '/' ? landing : undefined;
  }
}

function pathOf(url = ''): string | undefined {
  // What begins with a slash is a path, also where two of them would make it the name of a host.
  return URL.parse(url.startsWith('/') ? `http://localhost${url}` : url, 'http://localhost')?.pathname;
}
