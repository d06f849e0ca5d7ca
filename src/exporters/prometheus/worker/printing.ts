/** The bytes that readers of a page get: the page with its age, compressed as they ask. */
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import type { Encoding } from '../negotiate.ts';
import { now, type WholeAnswer } from './messages.ts';
import { type AgeMetric, withAge } from './page-age.ts';

export interface Print {
  /** Sent one after the other. */
  readonly parts: readonly Uint8Array[];
  readonly length: number;
  readonly encoding: Encoding;
}

/** How long those who ask get the same: its age is then as much too low, at most. */
const freshSeconds = 0.1;
/** Below this a page costs one packet either way. */
const smallest = 1024;
const level = 1;

/** Returns a printer that remembers what it printed of a page for a moment, so that many readers cost as one. */
export function createPrinter(): (page: WholeAnswer, encoding: Encoding, metric: AgeMetric) => Print {
  const printed = new WeakMap<WholeAnswer, Map<Encoding, { readonly at: number; readonly print: Print }>>();

  return (page, encoding, metric) => {
    const prints = printed.get(page) ?? new Map();
    printed.set(page, prints);
    const at = now();
    const before = prints.get(encoding);
    if (before !== undefined && at - before.at < freshSeconds) return before.print;
    const contentType = String(page.headers['Content-Type']);
    const parts = withAge(new Uint8Array(page.body), contentType, metric, Math.max(0, at - page.madeAt));
    const print = compressed(parts, encoding);
    prints.set(encoding, { at, print });
    return print;
  };
}

/** As it is where so little would be won. */
function compressed(parts: readonly Uint8Array[], encoding: Encoding): Print {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (encoding === 'identity' || length < smallest) return { parts, length, encoding: 'identity' };
  const whole = Buffer.concat(parts, length);
  const bytes =
    encoding === 'gzip'
      ? gzipSync(whole, { level })
      : zstdCompressSync(whole, { params: { [constants.ZSTD_c_compressionLevel]: level } });
  return { parts: [bytes], length: bytes.length, encoding };
}
