/**
 * The server: binds, bounds, and never lets a request reach the host. It is one socket that listens and a server behind
 * it that speaks; with another web configuration another one speaks, and the socket stays.
 *
 * It holds the process open neither with its socket nor with a connection.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createListener, type Server as Listener, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { answer } from './answer.ts';
import { createConnections } from './connections.ts';
import type { Gate } from './gate.ts';
import type { Handler } from './routes.ts';
import { scrapeTimeoutOf } from './scrape-timeout.ts';

export interface ServerOptions {
  /** `localhost` binds 127.0.0.1. */
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly handler: Handler;
  /** Told of what is no request's fault. */
  readonly fault: (problem: string, error: unknown) => void;
  /** What is behind TLS, needs a password, and so on; without it nothing is. */
  readonly gate?: Gate;
}

export interface Address {
  readonly host: string;
  readonly port: number;
  /** Whether it speaks TLS. */
  readonly secure: boolean;
}

export interface WebServer {
  /**
   * Resolves when it listens, with nothing where it was closed meanwhile; rejects with the system's error, such as
   * EADDRINUSE. Once a server.
   */
  listen(): Promise<Address | undefined>;
  /**
   * Resolves when no connection is left; requests under way get a second to end. Where it listened, the port is free
   * when this returns.
   */
  close(): Promise<void>;
  address(): Address | undefined;
  /** The gate speaks otherwise from now on: who is connected comes anew. */
  changed(): void;
}

/** A request with all its headers; Prometheus' own are under a kilobyte. */
const headerBytes = 8 * 1024;
/** A reader that takes nothing for this long is gone. */
const idleMillis = 30_000;
const keepAliveMillis = 75_000;
/** What a reader may take beyond the timeout of its scrape. */
const readingMillis = 30_000;
const longestMillis = 300_000;
const stopMillis = 1000;

/** Listeners of ours, which the service's own are told from. */
const listeners = new WeakSet<object>();

/** Whether a server of Node's is one that listens for us. */
export function isOurListener(server: unknown): boolean {
  return typeof server === 'object' && server !== null && listeners.has(server);
}

/** Returns a server that does not listen yet. */
export function createServer(options: ServerOptions): WebServer {
  const { gate, handler, fault } = options;
  const connections = createConnections();
  let speaker = createSpeaker();
  let bound: Promise<void> | undefined;
  const listener = createOurListener((socket) => {
    socket.unref();
    socket.on('error', () => {}); // A reader that left; without a listener it would be the host's uncaught exception.
    if (connections.admit(socket)) speaker.emit('connection', socket);
  });

  /** Not imported: an import reads each export, and that of a WebSocket loads undici: 50 ms in one turn of the service. */
  function createSpeaker(): Server {
    const tls = gate?.tls();
    const settings = { maxHeaderSize: headerBytes, keepAliveTimeout: keepAliveMillis };
    const created: Server = tls
      ? process.getBuiltinModule('node:https').createServer({ ...tls.options, ...settings })
      : process.getBuiltinModule('node:http').createServer(settings);
    created.timeout = idleMillis;
    const admitted = new WeakSet<object>();
    created.prependListener('secureConnection', (socket: TLSSocket) => {
      if (tls?.admits(socket)) admitted.add(socket);
      else socket.destroy();
    });
    created.on('tlsClientError', (_, socket: TLSSocket) => socket.destroy());
    created.on('clientError', (error, socket) => refuse(statusOf(error), socket as Socket));
    created.on('connect', (_, socket: Socket) => refuse('405 Method Not Allowed', socket, 'Allow: GET, HEAD\r\n'));
    created.on('request', (request, response) => {
      if (tls && !admitted.has(request.socket)) request.socket.destroy();
      else take(request, response, created);
    });
    return created;
  }

  function take(request: IncomingMessage, response: ServerResponse, by: Server): void {
    const { socket } = request;
    const millis = Math.min(longestMillis, scrapeTimeoutOf(request.headers) + readingMillis);
    const first = connections.began(socket, millis);
    // A body is not read, nor is what comes behind it; and who came before a change comes anew.
    if (!first || hasBody(request) || by !== speaker) response.shouldKeepAlive = false;
    response.once('close', () => {
      if (first) connections.ended(socket, response.writableFinished && response.statusCode === 200);
    });
    guard(first ? gated : oneAtATime, request, response, fault);
  }

  const gated: Handler = async (request, response) => {
    if (gate === undefined || (await gate.admits(request, response))) await handler(request, response);
  };

  function address(): Address | undefined {
    const bound = listener.address() as AddressInfo | null; // Never a pipe's name: we bind to a port.
    return bound ? { host: bound.address, port: bound.port, secure: gate?.tls() !== undefined } : undefined;
  }

  return {
    async listen() {
      bound = bind(listener, options);
      await bound;
      listener.on('error', (error) => fault('the server failed', error));
      return address();
    },
    async close() {
      gate?.close();
      if (!listener.listening) await bound?.catch(() => {});
      const closed = new Promise((resolve) => listener.close(resolve));
      connections.dismiss();
      const timer = setTimeout(() => connections.closeAll(), stopMillis).unref();
      await closed;
      clearTimeout(timer);
    },
    address,
    changed() {
      speaker = createSpeaker();
      connections.dismiss();
    },
  };
}

function createOurListener(connected: (socket: Socket) => void): Listener {
  const listener = createListener({ noDelay: true }, connected);
  listeners.add(listener);
  return listener;
}

/** Resolves where the port can be listened on; rejects with the system's error. */
export async function tryPort(options: Pick<ServerOptions, 'host' | 'port'>): Promise<void> {
  const listener = createOurListener((socket) => socket.destroy());
  await bind(listener, options);
  await new Promise((resolve) => listener.close(resolve));
}

function bind(listener: Listener, { host, port }: Pick<ServerOptions, 'host' | 'port'>): Promise<void> {
  return new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen({ port, host: hostToBind(host) }, () => {
      listener.off('error', reject);
      resolve();
    });
    listener.unref();
  });
}

/** Answers through a handler; its failure is a 500 and never the host's. */
export function guard(
  handler: Handler,
  request: IncomingMessage,
  response: ServerResponse,
  fault: ServerOptions['fault'],
): void {
  response.on('error', () => {}); // As with the socket's.
  handler(request, response).catch((error: unknown) => {
    fault('a request failed', error);
    if (response.headersSent) response.destroy();
    else answer(response, 500, 'The request failed. The log of the service says more.');
  });
}

const oneAtATime: Handler = async (_, response) => answer(response, 503, 'One request at a time on a connection.');

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
}

/** What came was not HTTP, or more of it than is read. */
function statusOf({ code }: NodeJS.ErrnoException): string {
  return code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
}

/** The end of a connection on which there is nothing to go on with; where an answer was begun there is no other. */
function refuse(status: string, socket: Socket, headers = ''): void {
  if (socket.writable && socket.bytesWritten === 0) {
    socket.end(`HTTP/1.1 ${status}\r\n${headers}Connection: close\r\nContent-Length: 0\r\n\r\n`);
  } else {
    socket.destroy();
  }
}

/**
 * What the system makes of `localhost` differs: on a machine that prefers IPv6 the server would listen on ::1 alone,
 * and a scrape of http://127.0.0.1:9464, which every guide shows, would be refused.
 */
function hostToBind(host: string): string {
  return host === 'localhost' ? '127.0.0.1' : host;
}
