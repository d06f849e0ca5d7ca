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
  for (let first = fewestOlder; first <= means.length - fewestNewer; first++) {
    const rise = riseAt(means, first);
    if (!(rise > greatest)) continue;
    greatest = rise;
    found = means.length - first;
  }
  return found;
}

/** How far the means from `first` on lie above those before it, in standard deviations of chance. */
function riseAt(means: Float64Array, first: number): number {
  let balance = 0;
  let before = 0;
  let after = 0;
  for (let n = first; n < means.length; n++) if (!Number.isNaN(means[n])) after += 1;
  for (let o = 0; o < first; o++) {
    const value = means[o] as number;
    if (Number.isNaN(value)) continue;
    before += 1;
    for (let n = first; n < means.length; n++) {
      const other = means[n] as number;
      if (other > value) balance += 1;
      else if (other < value) balance -= 1;
    }
  }
  const pairs = before * after;
  return pairs === 0 ? 0 : balance / 2 / Math.sqrt((pairs * (before + after + 1)) / 12);
}
