/**
 * How many executions of one kernel took longer than its objectives. Exact, unlike a quantile out of buckets, and adds
 * up over processes and hosts: by nearest rank P95 is over its objective exactly when more than 5 % of all executions
 * were.
 */
import type { Matcher } from '../glob.ts';
import type { SeriesAttributes } from './failure-counts.ts';

/** The quantiles that have objectives, and the share of executions that may take longer. */
export const quantileShares = { p95: 0.05, p99: 0.01 } as const;
export type ObjectiveQuantile = keyof typeof quantileShares;
const quantiles: readonly ObjectiveQuantile[] = ['p95', 'p99'];

/** What is set for the kernels of which a name matches, in seconds; a quantile that is not there is not judged. */
export interface KernelObjective {
  readonly pattern: Matcher;
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
  /** The same of the last closed interval. */
  readonly intervalExceeded: number;
}

export class ObjectiveCounts {
  readonly #base: SeriesAttributes;
  readonly #objective: KernelObjective;
  readonly #counts: Record<ObjectiveQuantile, number> = { p95: 0, p99: 0 };
  /** The counts when the last interval ended, and what came in it. */
  readonly #closed: Record<ObjectiveQuantile, number> = { p95: 0, p99: 0 };
  readonly #interval: Record<ObjectiveQuantile, number> = { p95: 0, p99: 0 };
  /** Made when they are first asked for: a kernel that waits for a place is never exported. */
  #attributes: Partial<Record<ObjectiveQuantile, SeriesAttributes>> | undefined;

  /** `base`: the attributes that the series have beside `accelmeter.quantile`. */
  constructor(base: SeriesAttributes, objective: KernelObjective) {
    this.#base = base;
    this.#objective = objective;
  }

  /** As they are now; none where the objective names no quantile. */
  series(): readonly ObjectiveSeries[] {
    return quantiles.flatMap((quantile) => {
      const objective = this.#objective[quantile];
      if (objective === undefined) return [];
      const exceeded = this.#counts[quantile];
      const intervalExceeded = this.#interval[quantile];
      return [{ quantile, attributes: this.#attributesOf(quantile), objective, exceeded, intervalExceeded }];
    });
  }

  /** Takes an execution, in seconds; counts it where it took longer. */
  count(seconds: number): void {
    const { p95, p99 } = this.#objective;
    if (p95 !== undefined && seconds > p95) this.#counts.p95 += 1;
    if (p99 !== undefined && seconds > p99) this.#counts.p99 += 1;
  }

  /** Takes what another counted against the same objectives. */
  merge(other: ObjectiveCounts): void {
    for (const quantile of quantiles) {
      this.#counts[quantile] += other.#counts[quantile];
      this.#closed[quantile] += other.#closed[quantile];
    }
  }

  /** Ends an interval, which `intervalExceeded` then tells. */
  closeInterval(): void {
    for (const quantile of quantiles) {
      this.#interval[quantile] = this.#counts[quantile] - this.#closed[quantile];
      this.#closed[quantile] = this.#counts[quantile];
    }
  }

  #attributesOf(quantile: ObjectiveQuantile): SeriesAttributes {
    this.#attributes ??= {};
    this.#attributes[quantile] ??= Object.freeze({ ...this.#base, 'accelmeter.quantile': quantile });
    return this.#attributes[quantile];
  }
}
