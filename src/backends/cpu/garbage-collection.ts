/** How long V8's garbage collections took, by type, since the watch began. */
import { constants, type PerformanceEntry, PerformanceObserver, performance } from 'node:perf_hooks';
import type { AttributeValues } from '../../catalogue.ts';
import { Distribution } from '../../distribution/distribution.ts';

type CollectionType = AttributeValues['v8js.gc.type'];

export interface Collections {
  /** Since when they are counted, in process seconds. */
  readonly since: number;
  /** How long those of each type took; still written to. */
  readonly durations: ReadonlyMap<CollectionType, Distribution>;
}

export interface CollectionWatch {
  /** The collections there were; those of the last moments may still be on their way. */
  read(): Collections;
  stop(): void;
  /** Watches again after a stop: collections in between are in no distribution. */
  start(): void;
}

/** An entry of type `gc`: https://nodejs.org/api/perf_hooks.html#garbage-collection-gc-details */
type CollectionEntry = PerformanceEntry & { readonly detail: { readonly kind: number } };

/** V8's own number for a collection of the young generation by mark and sweep, which Node.js gives no name to. */
const minorMarkSweep = 2;

const typeOfKind: ReadonlyMap<number, CollectionType> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [minorMarkSweep, 'minor'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);

/** Begins to watch. The observer does not keep the process alive. */
export function watchCollections(): CollectionWatch {
  const durations = new Map<CollectionType, Distribution>();
  for (const type of typeOfKind.values()) durations.set(type, new Distribution());

  function take(entries: readonly PerformanceEntry[]) {
    for (const { detail, duration } of entries as readonly CollectionEntry[]) {
      const type = typeOfKind.get(detail.kind);
      if (type !== undefined) durations.get(type)?.record(duration / 1000);
    }
  }

  const observer = new PerformanceObserver((list) => take(list.getEntries()));
  const start = () => observer.observe({ entryTypes: ['gc'] });
  const since = performance.now() / 1000;
  start();
  return {
    start,
    read() {
      take(observer.takeRecords());
      return { since, durations };
    },
    stop() {
      take(observer.takeRecords());
      observer.disconnect();
    },
  };
}
