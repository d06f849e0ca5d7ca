/** What histograms count, looked at before it is written: a producer of the service's own can give anything. */

/** Throws a TypeError for what is no whole number from 0 on: no reader takes it, and some refuse the page for it. */
export function checkCount(count: unknown): void {
  if (!(Number.isSafeInteger(count) && (count as number) >= 0)) {
    throw new TypeError(`a histogram that counted ${String(count)}`);
  }
}

/** The same of several. */
export function checkCounts(counts: readonly unknown[]): void {
  for (let i = 0; i < counts.length; i++) checkCount(counts[i]);
}
