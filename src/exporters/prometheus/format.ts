/** What a format of a page is. Which one a reader gets is negotiated; all are written from one collection. */
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { Family } from './families.ts';
import type { PageBuffer } from './page-buffer.ts';

/** How many series a family has on a page. */
export interface FamilyCount {
  readonly name: string;
  readonly type: Family['type'];
  readonly series: number;
}

/** A format of a page. */
export interface Format {
  readonly contentType: string;
  /**
   * Writes a collection, a stretch at each step of the iteration, so that the caller can let the event loop run in
   * between. Returns the families written.
   */
  write(collected: ResourceMetrics, page: PageBuffer): Generator<void, FamilyCount[]>;
}
