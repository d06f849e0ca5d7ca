/** The last page of each kind that was asked for, for the time in which no other can be made. */
import { escapings } from '../escaping.ts';
import { formatNames } from '../negotiate.ts';
import { now, type WholeAnswer } from './messages.ts';

export interface LastPages {
  /** Keeps a page as the last of its kind. */
  keep(kind: string, page: WholeAnswer): void;
  /** The last page of a kind, where there is one that can still be served. */
  find(kind: string): WholeAnswer | undefined;
}

/** All that there are: each format with each escaping, and with none named. */
const kindsKept = formatNames.length * (escapings.length + 1);
const bytesKept = 64 * 1024 * 1024;
/** After this Prometheus forgets a series that it is not told of; so do we. */
const oldestSeconds = 300;

export function createLastPages(): LastPages {
  const pages = new Map<string, WholeAnswer>();

  return {
    keep(kind, page) {
      pages.delete(kind);
      pages.set(kind, page);
      let bytes = [...pages.values()].reduce((sum, { body }) => sum + body.byteLength, 0);
      for (const [oldest, { body }] of pages) {
        if ((pages.size <= kindsKept && bytes <= bytesKept) || oldest === kind) break;
        pages.delete(oldest);
        bytes -= body.byteLength;
      }
    },
    find(kind) {
      const page = pages.get(kind);
      return page !== undefined && now() - page.madeAt <= oldestSeconds ? page : undefined;
    },
  };
}
