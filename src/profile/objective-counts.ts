/**
 * How many executions of one kernel took longer than its objectives. Exact, unlike a quantile out of buckets, and adds
 * up over processes and hosts: by nearest rank P95 is over its objective exactly when more than 5 % of all executions
 * were.
 */
import type { SeriesAttributes } from './failure-counts.ts';

/** The quantiles that have objectives, and the share of executions that may take longer. */
export const quantileShares = { p95: 0.05, p99: 0.01 } as const;
export type ObjectiveQuantile = keyof typeof quantileShares;
const quantiles: readonly ObjectiveQuantile[] = ['p95', 'p99'];

/** What is set for the kernels of which a name matches, in seconds; a quantile that is not there is not judged. */
export interface KernelObjective {
  readonly pattern: RegExp;
  readonly p95?: number;
  readonly p99?: number;
}

/** One objective and what exceeded it. */
export interface ObjectiveSeries {
  readonly quantile: ObjectiveQuantile;
  /** Frozen, and the same object for as long as the kernel lives. */
  readonly attributes: SeriesAttributes;
  /** In seconds. */
  readonly objective: number;
  /** Successful executions that took longer, since the kernel is known. */
  readonly exceeded: number;
}

export class ObjectiveCounts {
  /** In seconds: what takes no longer is over none of them. Infinite where there is none. */
  readonly least: number;
  /** None where the objective names no quantile. */
  readonly series: readonly ObjectiveSeries[];
  readonly #counts: { readonly objective: number; exceeded: number }[];

  /** `base`: the attributes that the series have beside `accelmeter.quantile`. */
  constructor(base: SeriesAttributes, objective: Partial<Record<ObjectiveQuantile, number>> = {}) {
    const counts = quantiles.flatMap((quantile) => {
      const seconds = objective[quantile];
      if (seconds === undefined) return [];
      const attributes = Object.freeze({ ...base, 'accelmeter.quantile': quantile });
      return [{ quantile, attributes, objective: seconds, exceeded: 0 }];
    });
    this.#counts = counts;
    this.series = counts;
    this.least = counts.reduce((least, { objective: seconds }) => Math.min(least, seconds), Number.POSITIVE_INFINITY);
  }

  /** An execution that took longer than `least`. */
  count(seconds: number): void {
    for (const each of this.#counts) if (seconds > each.objective) each.exceeded += 1;
  }

  /** Takes what another counted against the same objectives. */
  merge(other: ObjectiveCounts): void {
    this.#counts.forEach((each, index) => {
      each.exceeded += other.#counts[index]?.exceeded ?? 0;
    });
  }
}
