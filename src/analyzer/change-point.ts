/**
 * Where in its last intervals a kernel became slower. A step that lies within the older intervals makes both sides look
 * alike, so a comparison at a fixed place sees it for two or three ticks and never again; at the place of the step it
 * is seen for as long as there are intervals on both sides of it. After Pettitt (1979): of all places, the one at which
 * Mann's and Whitney's statistic is greatest. How probable that is, the caller asks of that place alone.
 */

export interface Sides {
  /** How many intervals there have to be before the change. */
  readonly fewestOlder: number;
  /** How many there have to be since. */
  readonly fewestNewer: number;
}

/**
 * How many intervals ago, the latest counted, times rose the most; `undefined` where they rose nowhere, or there are too
 * few. `means`: of each interval, in order of time, `NaN` where the kernel did not run.
 */
export function lastRise(means: Float64Array, { fewestOlder, fewestNewer }: Sides): number | undefined {
  let greatest = 0;
  let found: number | undefined;
  /** How many pairs of an older and a newer interval rose, less those that fell, with the change before `first`. */
  let balance = 0;
  let ran = 0;
  let before = 0;
  for (const mean of means) if (!Number.isNaN(mean)) ran += 1;
  for (let first = 0; first <= means.length - fewestNewer; first++) {
    const rise = balance / Math.sqrt(before * (ran - before));
    if (first >= fewestOlder && rise > greatest) {
      greatest = rise;
      found = means.length - first;
    }
    const moved = means[first] as number;
    if (Number.isNaN(moved)) continue;
    before += 1;
    balance += rises(means, moved, first + 1, means.length) + rises(means, moved, 0, first);
  }
  return found;
}

/** Of the intervals from `from` to before `to`, how many lie above `mean`, less those that lie below. */
function rises(means: Float64Array, mean: number, from: number, to: number): number {
  let balance = 0;
  for (let i = from; i < to; i++) {
    const other = means[i] as number;
    if (other > mean) balance += 1;
    else if (other < mean) balance -= 1;
  }
  return balance;
}
