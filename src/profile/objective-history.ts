/**
 * Which kernels were over their objectives within the last intervals. Every kernel that has objectives is followed,
 * also one that takes little of the device's time: whoever set them wants to know. Nothing is kept where none are set.
 */

import type { Kernel } from './kernel-table.ts';
import { type ObjectiveSeries, quantileShares } from './objective-counts.ts';
import { historyLength } from './recent-buckets.ts';
import type { OverObjective } from './window.ts';

/** The last intervals of one kernel, at the place of each interval's number: executions, and what exceeded each objective. */
interface Rows {
  readonly kernel: Kernel;
  readonly executions: Uint32Array;
  readonly exceeded: readonly Uint32Array[];
}

export class ObjectiveHistory {
  readonly #followed = new Map<string, Rows>();

  /** Takes the interval `number`, which the kernels have closed. All of them, at every interval. */
  close(number: number, kernels: readonly Kernel[]): void {
    const place = number % historyLength;
    for (const kernel of kernels) {
      if (kernel.objectives.length === 0) continue;
      const rows = this.#rowsOf(kernel);
      rows.executions[place] = kernel.distribution.interval.count;
      kernel.objectives.forEach(({ intervalExceeded }, i) => {
        const row = rows.exceeded[i];
        if (row) row[place] = intervalExceeded;
      });
    }
  }

  /** Of the intervals from number `from` to `to`, the farthest over its objective first. */
  over(from: number, to: number): OverObjective[] {
    const sum = (row: Uint32Array | undefined) => {
      let total = 0;
      for (let number = from; number <= to; number++) total += row?.[number % historyLength] ?? 0;
      return total;
    };
    return Array.from(this.#followed.values())
      .flatMap(({ kernel, executions, exceeded }) => {
        const count = sum(executions);
        return kernel.objectives.flatMap((series, i) => overObjective(kernel, series, sum(exceeded[i]) / count));
      })
      .sort(farthestFirst);
  }

  forget(): void {
    this.#followed.clear();
  }

  #rowsOf(kernel: Kernel): Rows {
    const known = this.#followed.get(kernel.name);
    if (known !== undefined) return known;
    const rows = {
      kernel,
      executions: new Uint32Array(historyLength),
      exceeded: kernel.objectives.map(() => new Uint32Array(historyLength)),
    };
    this.#followed.set(kernel.name, rows);
    return rows;
  }
}

/** The same of all that the kernels executed since they are known. */
export function overObjectiveEver(kernels: readonly Kernel[]): OverObjective[] {
  return kernels
    .flatMap((kernel) =>
      kernel.objectives.flatMap((series) => overObjective(kernel, series, series.exceeded / kernel.distribution.count)),
    )
    .sort(farthestFirst);
}

/** Nothing where it is kept, and where nothing was executed. */
function overObjective({ name }: Kernel, { quantile, objective }: ObjectiveSeries, exceeded: number): OverObjective[] {
  return exceeded > quantileShares[quantile] ? [{ kernel: name, quantile, objective, exceeded }] : [];
}

const farthestFirst = (a: OverObjective, b: OverObjective) =>
  b.exceeded / quantileShares[b.quantile] - a.exceeded / quantileShares[a.quantile];
