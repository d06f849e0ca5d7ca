/** When something that failed is tried again: after a while, twice as long each time, and never not. */
const firstSeconds = 5;
const longestSeconds = 300;

export interface Backoff {
  isDue(now: number): boolean;
  /** It failed: the next time is later. */
  later(now: number): void;
  /** It went well, or somebody wants it now. */
  reset(): void;
}

export function createBackoff(): Backoff {
  let at = Number.NEGATIVE_INFINITY;
  let seconds = firstSeconds;
  return {
    isDue: (now) => now >= at,
    later(now) {
      at = now + seconds;
      seconds = Math.min(longestSeconds, seconds * 2);
    },
    reset() {
      at = Number.NEGATIVE_INFINITY;
      seconds = firstSeconds;
    },
  };
}
