/**
 * The HTTP server: binds, routes, answers, and never lets a request reach the host. It holds the process open
 * neither with its socket nor with a connection, and bounds how many there are and how long they idle.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { diag } from '@opentelemetry/api';

/** Not imported: an import reads each export, and that of a WebSocket loads undici: 50 ms in one turn of the service. */
const { createServer } = process.getBuiltinModule('node:http');

export interface EndpointOptions {
  /** `localhost` binds 127.0.0.1. */
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Path of the metrics, with its slash. */
  readonly path: string;
  readonly metrics: Handler;
  readonly landing: Handler;
}

/** Answers a GET or HEAD request. May reject: the endpoint then answers 500 where nothing was sent yet. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export interface Endpoint {
  /** Resolves when it listens; rejects with the system's error, such as EADDRINUSE. A failed start can be repeated. */
  start(): Promise<void>;
  /**
   * Resolves when it no longer listens and no connection is left; requests under way get a second to end. Where it
   * listened, the port is free as soon as this returns.
   */
  stop(): Promise<void>;
  /** The address that it listens on; `undefined` while it does not. */
  address(): { readonly host: string; readonly port: number } | undefined;
}

const connections = 64;
/** Prometheus asks every 10 to 60 seconds; a reader that takes nothing for this long is gone. */
const idleMillis = 30_000;
const stopMillis = 1000;

/** Returns an endpoint that does not listen yet. */
export function createEndpoint(options: EndpointOptions): Endpoint {
  let server: Server | undefined;
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  let underWay = 0;

  const route = createRoutes(options);

  function listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      const created = createServer((request, response) => {
        underWay++;
        response.once('close', () => underWay--);
        guard(route, request, response);
      });
      setBounds(created);
      created.once('error', reject);
      created.listen({ port: options.port, host: hostToBind(options.host) }, () => {
        created.off('error', reject);
        created.on('error', (error) => diag.error('Prometheus: the server failed.', error));
        server = created;
        resolve();
      });
      created.unref();
    });
  }

  async function close(started: Promise<void>): Promise<void> {
    if (server === undefined) await started.catch(() => {});
    const closing = server;
    server = undefined;
    if (closing === undefined) return;
    // A connection that has asked nothing yet does not count as idle to Node, and would be waited for.
    const timer = setTimeout(() => closing.closeAllConnections(), underWay === 0 ? 0 : stopMillis).unref();
    await new Promise((resolve) => closing.close(resolve));
    clearTimeout(timer);
  }

  return {
    start() {
      if (starting !== undefined) return starting;
      const begun = stopping === undefined ? listen() : stopping.then(listen);
      starting = begun;
      begun.catch(() => {
        if (starting === begun) starting = undefined;
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
    address() {
      const bound = server?.address() as AddressInfo | null | undefined; // Never a pipe's name: we bind to a port.
      return bound ? { host: bound.address, port: bound.port } : undefined;
    },
  };
}

/** Answers through a handler; its failure is a 500 and never the host's. */
export function guard(handler: Handler, request: IncomingMessage, response: ServerResponse): void {
  response.on('error', () => {}); // A reader that left; without a listener it would be the host's uncaught exception.
  handler(request, response).catch((error: unknown) => {
    diag.error('Prometheus: a request failed.', error);
    if (response.headersSent) response.destroy();
    else answer(response, 500, 'The request failed. The log of the service says more.');
  });
}

/** A short plain answer. */
export function answer(
  response: ServerResponse,
  status: number,
  sentence: string,
  headers?: Record<string, string>,
): void {
  const body = `${sentence}\n`;
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  response.end(body); // Node leaves the body out where the request was HEAD.
}

function createRoutes({ path, metrics, landing }: EndpointOptions): Handler {
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

function pathOf(url: string | undefined): string | undefined {
  return URL.parse(url ?? '', 'http://localhost')?.pathname;
}

/**
 * What the system makes of `localhost` differs: on a machine that prefers IPv6 the server would listen on ::1 alone,
 * and a scrape of http://127.0.0.1:9464, which every guide shows, would be refused.
 */
function hostToBind(host: string): string {
  return host === 'localhost' ? '127.0.0.1' : host;
}

function setBounds(server: Server): void {
  server.maxConnections = connections;
  server.headersTimeout = 10_000;
  server.requestTimeout = 10_000;
  server.keepAliveTimeout = 75_000; // Longer than a scrape interval, so that a connection serves many scrapes.
  server.timeout = idleMillis;
  server.on('connection', (socket) => socket.unref());
  server.on('clientError', (_, socket) => refuse(socket as Socket));
}

/** What came was not HTTP. */
function refuse(socket: Socket): void {
  if (socket.writable && socket.bytesWritten === 0) {
    socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  } else {
    socket.destroy();
  }
}
