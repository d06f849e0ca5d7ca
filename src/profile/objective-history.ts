/**
 * Which kernels were over their objectives within the last intervals. Every kernel that has objectives is followed,
 * also one that takes little of the device's time: whoever set them wants to know. Nothing is kept where none are set.
 */

import type { Kernel } from './kernel-table.ts';
import { type ObjectiveSeries, quantileShares } from './objective-counts.ts';
import { historyLength } from './recent-buckets.ts';
import type { OverObjective } from './window.ts';

/** What is kept of a kernel: for each interval, at the place of its number, one count in each of these columns. */
const columns = { executions: 0, p95: 1, p99: 2 } as const;
const width = Object.keys(columns).length * historyLength;
/** Room is made for so many kernels at a time. */
const rowsAtOnce = 8;

export class ObjectiveHistory {
  /** In the order of their rows. */
  readonly #followed = new Map<Kernel, number>();
  #rows = new Uint32Array(0);

  /** Takes the interval `number`, which the kernels have closed. All of them, at every interval. */
  close(number: number, kernels: readonly Kernel[]): void {
    for (const kernel of kernels) {
      const { objectives } = kernel;
      if (objectives.length === 0) continue;
      const at = this.#rowOf(kernel) + (number % historyLength);
      this.#rows[at] = kernel.distribution.interval.count;
      for (const { quantile, intervalExceeded } of objectives) {
        this.#rows[at + columns[quantile] * historyLength] = intervalExceeded;
      }
    }
  }

  /** Of the intervals from number `from` to `to`, the farthest over its objective first. */
  over(from: number, to: number): OverObjective[] {
    const over: OverObjective[] = [];
    for (const [kernel, row] of this.#followed) {
      const executions = this.#sum(row + columns.executions * historyLength, from, to);
      for (const series of executions > 0 ? kernel.objectives : []) {
        const exceeded = this.#sum(row + columns[series.quantile] * historyLength, from, to);
        over.push(...overObjective(kernel, series, { exceeded, executions }));
      }
    }
    return over.sort(farthestFirst);
  }

  forget(): void {
    this.#followed.clear();
    this.#rows = new Uint32Array(0);
  }

  #sum(start: number, from: number, to: number): number {
    let sum = 0;
    for (let number = from; number <= to; number++) sum += this.#rows[start + (number % historyLength)] as number;
    return sum;
  }

  #rowOf(kernel: Kernel): number {
    const known = this.#followed.get(kernel);
    if (known !== undefined) return known;
    const row = this.#followed.size * width;
    this.#followed.set(kernel, row);
    if (row + width > this.#rows.length) {
      const more = new Uint32Array(row + rowsAtOnce * width);
      more.set(this.#rows);
      this.#rows = more;
    }
    return row;
  }
}

/** The same of all that the kernels executed since they are known. */
export function overObjectiveEver(kernels: readonly Kernel[]): OverObjective[] {
  return kernels
    .flatMap((kernel) =>
      kernel.objectives.flatMap((series) =>
        overObjective(kernel, series, { exceeded: series.exceeded, executions: kernel.distribution.count }),
      ),
    )
    .sort(farthestFirst);
}

/**
 * Nothing where it is kept, and where there were too few executions to tell: the P95 of less than 20 is their maximum,
 * and one slow execution is no missed objective.
 */
function overObjective(
  { name }: Kernel,
  { quantile, objective }: ObjectiveSeries,
  { exceeded, executions }: { readonly exceeded: number; readonly executions: number },
): OverObjective[] {
  const allowed = quantileShares[quantile];
  const isOver = executions * allowed >= 1 && exceeded > allowed * executions;
  return isOver ? [{ kernel: name, quantile, objective, exceeded: exceeded / executions }] : [];
}

const farthestFirst = (a: OverObjective, b: OverObjective) =>
  b.exceeded / quantileShares[b.quantile] - a.exceeded / quantileShares[a.quantile];
