/** What a format of a page is. Which one a reader gets is negotiated; all are written from one collection. */
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { Names } from './escaping.ts';
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
  /**
   * Writes a collection, a stretch at each step of the iteration, so that the caller can let the event loop run in
   * between. Returns the families written.
   */
  write(collected: ResourceMetrics, page: PageBuffer): Generator<void, FamilyCount[]>;
}

/** What every format is told. */
export interface FormatOptions {
  readonly names: Names;
  /** Whether every sample carries the time of its collection. */
  readonly appendTimestamp: boolean;
  /** Whether `otel_scope_*` labels are left out. */
  readonly withoutScopeInfo: boolean;
  /** Whether `target_info` is left out. */
  readonly withoutTargetInfo: boolean;
  /** Which resource attributes are labels of every series; `undefined` for none. */
  readonly withResourceConstantLabels: RegExp | undefined;
}
