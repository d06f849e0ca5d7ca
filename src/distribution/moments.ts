/**
 * Count, sum and spread of values, kept so that parts can be joined without losing digits: the spread is about the
 * part's own mean. The difference of two sums of squares since the beginning says nothing after a day: what came last
 * is smaller than their rounding.
 */
export interface Moments {
  readonly count: number;
  readonly sum: number;
  /** Sum of the squared differences from the mean. */
  readonly squares: number;
}

export const noMoments: Moments = Object.freeze({ count: 0, sum: 0, squares: 0 });

/** Both together (Chan, Golub and LeVeque 1983). */
export function joinMoments(a: Moments, b: Moments): Moments {
  if (a.count === 0) return b;
  if (b.count === 0) return a;
  const count = a.count + b.count;
  const apart = b.sum / b.count - a.sum / a.count;
  return {
    count,
    sum: a.sum + b.sum,
    squares: a.squares + b.squares + apart * apart * (a.count / count) * b.count,
  };
}

/** Standard deviation of the sample (n − 1); `undefined` for fewer than two. */
export function deviationOf({ count, squares }: Moments): number | undefined {
  return count < 2 ? undefined : Math.sqrt(squares / (count - 1));
}
