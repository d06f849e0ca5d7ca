/** A response that keeps what is written to it: so a handler answers a Worker as it answers a client. */
import type { ServerResponse } from 'node:http';
import { Writable } from 'node:stream';
import { now, type WholeAnswer } from './messages.ts';

type Headers = Readonly<Record<string, string | number>>;

/** More than any page: a handler that heeds back pressure has nothing to wait for. */
const neverFull = Number.MAX_SAFE_INTEGER;

class RecordedResponse extends Writable {
  headersSent = false;
  statusCode = 200;
  #headers: Headers = {};
  #bytes = new Uint8Array(0);
  #length = 0;

  writeHead(status: number, headers: Headers = {}): this {
    this.headersSent = true;
    this.statusCode = status;
    this.#headers = headers;
    const length = Number(Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-length')?.[1]);
    if (length > 0) this.#bytes = new Uint8Array(length);
    return this;
  }

  override _write(chunk: Uint8Array, _: BufferEncoding, done: () => void): void {
    const needed = this.#length + chunk.length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(chunk, this.#length);
    this.#length = needed;
    done();
  }

  answer(): WholeAnswer {
    const bytes = this.#length === this.#bytes.length ? this.#bytes : this.#bytes.slice(0, this.#length);
    return { status: this.statusCode, headers: this.#headers, body: bytes.buffer as ArrayBuffer, madeAt: now() };
  }
}

/** What `respond` answers. Rejects where it gives up in the midst of it. */
export function recordAnswer(respond: (response: ServerResponse) => void): Promise<WholeAnswer> {
  return new Promise((resolve, reject) => {
    const response = new RecordedResponse({ highWaterMark: neverFull });
    response.on('close', () => {
      if (response.writableFinished) resolve(response.answer());
      else reject(new Error('the answer was given up'));
    });
    // Of a ServerResponse it has what our handlers use of one.
    respond(response as unknown as ServerResponse);
  });
}
