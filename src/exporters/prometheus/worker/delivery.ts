/**
 * Sends pages to readers as fast as they take them. Readers share the bytes of their page; a page that slow ones keep
 * from being forgotten is taken away from them when there are too many.
 */
import type { ServerResponse } from 'node:http';

export interface Delivery {
  /** Resolves when the reader has it all, or is gone. `page` is what the parts are of. */
  send(response: ServerResponse, page: object, parts: readonly Uint8Array[]): Promise<void>;
}

/** What the socket is given at once. */
const chunkBytes = 64 * 1024;
/** Pages that are kept for readers; a further one takes the oldest away from its own. */
const pagesAtOnce = 4;

export function createDelivery(): Delivery {
  const readers = new Map<object, Set<ServerResponse>>();

  function enter(page: object, response: ServerResponse): void {
    const those = readers.get(page) ?? new Set();
    readers.set(page, those.add(response));
    const [oldest] = readers;
    if (readers.size <= pagesAtOnce || oldest === undefined) return;
    readers.delete(oldest[0]);
    for (const each of oldest[1]) each.destroy();
  }

  function leave(page: object, response: ServerResponse): void {
    const those = readers.get(page);
    those?.delete(response);
    if (those?.size === 0) readers.delete(page);
  }

  return {
    async send(response, page, parts) {
      if (response.destroyed) return;
      enter(page, response);
      const closed = new Promise<void>((resolve) => response.once('close', resolve));
      for (const part of parts) {
        for (let at = 0; at < part.length && !response.destroyed; at += chunkBytes) {
          // No chunk before the reader has taken the one before it.
          const taken = response.write(part.subarray(at, at + chunkBytes));
          if (!taken) await Promise.race([new Promise((resolve) => response.once('drain', resolve)), closed]);
        }
      }
      response.end();
      await closed;
      leave(page, response);
    },
  };
}
