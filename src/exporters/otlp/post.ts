/**
 * One request to an OTLP receiver, with the attempts that the specification asks for. Nothing of it keeps a process
 * alive, but for what libuv does not let go: a connection that is being made, for at most a second, and the system's
 * look-up of a name.
 */

import { request as requestHttps } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { version } from '../../version.ts';
import type { ReceiverSettings } from './settings.ts';

/** Not imported: an import reads each export, and that of a WebSocket loads undici: 50 ms in one turn of the service. */
const { request: requestHttp } = process.getBuiltinModule('node:http');

export interface PostOptions {
  /** When the last attempt has to be over, on the clock of `performance.now()`. */
  readonly deadline: number;
  /** True where the process may be kept alive for it: the flush at its end. */
  readonly keepAlive: boolean;
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
  /** What the receiver asks to be left alone for, in milliseconds. */
  readonly retryAfter: number | undefined;
}

/** Answers that the specification calls temporary. */
const temporary = new Set([429, 502, 503, 504]);
const firstPause = 1000;
const longestPause = 5000;
const pauseGrowth = 1.5;
const connectMilliseconds = 1000;
/** More of an answer is not read. */
const longestAnswer = 64 * 1024;

const compress = promisify(gzip);

/**
 * Delivers a request and gives the body of the answer. Rejects with an Error whose message says what is wrong, without
 * credentials, when the receiver refuses it (then it is a Refused) or the deadline is over.
 */
export async function post(settings: ReceiverSettings, message: Buffer, options: PostOptions): Promise<Buffer> {
  const body = settings.gzip ? await compress(message) : message;
  for (let pause = firstPause; ; pause = Math.min(pause * pauseGrowth, longestPause)) {
    let problem: string;
    let wait = pause * (0.8 + 0.4 * Math.random());
    try {
      const { status, body: answer, retryAfter } = await attempt(settings, body, options);
      if (status >= 200 && status < 300) return answer;
      problem = `HTTP ${status}`;
      if (!temporary.has(status)) throw new Refused(problem);
      wait = retryAfter ?? wait;
    } catch (error) {
      if (error instanceof Refused) throw error;
      problem = reasonOf(error);
    }
    if (performance.now() + wait >= options.deadline) throw new Error(problem);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, wait);
      if (!options.keepAlive) timer.unref();
    });
  }
}

/** What the receiver will not take, however often it is asked. */
export class Refused extends Error {}

function attempt(settings: ReceiverSettings, body: Buffer, { deadline, keepAlive }: PostOptions): Promise<Answer> {
  const { url, headers, gzip: zipped, tls } = settings;
  const secure = url.protocol === 'https:';
  return new Promise((resolve, reject) => {
    const request = (secure ? requestHttps : requestHttp)(url, {
      method: 'POST',
      agent: false,
      ...(secure && tls),
      headers: {
        'user-agent': `accelmeter/${version} OTel-OTLP-Exporter-JavaScript`,
        ...headers,
        'content-type': 'application/x-protobuf',
        'content-length': body.length,
        ...(zipped && { 'content-encoding': 'gzip' }),
      },
    });
    const timer = setTimeout(() => request.destroy(new Error('no answer in time')), deadline - performance.now());
    if (!keepAlive) {
      timer.unref();
      request.on('socket', (socket) => letGo(socket, url.hostname));
    }
    request.on('error', reject);
    request.on('close', () => clearTimeout(timer));
    request.on('response', (response) => {
      const parts: Buffer[] = [];
      let size = 0;
      response.on('data', (part: Buffer) => {
        size += part.length;
        if (size <= longestAnswer) parts.push(part);
        else request.destroy(new Error('an answer that does not end'));
      });
      response.on('error', reject);
      response.on('end', () => {
        const seconds = Number(response.headers['retry-after']);
        const retryAfter = seconds >= 0 ? seconds * 1000 : undefined;
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts), retryAfter });
      });
    });
    request.end(body);
  });
}

/** A connection that is being made holds the event loop also when its socket does not: it gets little time. */
function letGo(socket: Socket, hostname: string): void {
  socket.unref();
  let timer: NodeJS.Timeout | undefined;
  const connecting = () => {
    timer ??= setTimeout(() => socket.destroy(new Error('no connection in time')), connectMilliseconds).unref();
  };
  if (isIP(hostname.replace(/^\[|\]$/g, '')) > 0) connecting();
  else socket.on('lookup', connecting);
  for (const over of ['connect', 'close']) socket.on(over, () => clearTimeout(timer));
}

/** Of several addresses that all failed Node tells an AggregateError without a message. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
