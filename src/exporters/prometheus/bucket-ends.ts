/** What ends the labels of a histogram's buckets, as bytes: rendered once for each list of bounds. */

/** The bytes that end the labels of each bucket, `+Inf` last: `le="0.5"} `. */
export type BucketEnds = (boundaries: readonly number[]) => readonly Uint8Array[];

/**
 * The streams of a process have few different lists of bounds, mostly one array each; an equal list in another array
 * is recognised while it is the latest.
 */
export function createBucketEnds(textOf: (bound: number) => string): BucketEnds {
  let latest: { boundaries: readonly number[]; ends: readonly Uint8Array[] } | undefined;
  const known = new WeakMap<readonly number[], readonly Uint8Array[]>();
  const infinite = end('+Inf');

  function end(text: string): Uint8Array {
    return Buffer.from(`le="${text}"} `);
  }

  return (boundaries) => {
    if (latest?.boundaries === boundaries) return latest.ends;
    const cached = known.get(boundaries);
    if (cached !== undefined) {
      latest = { boundaries, ends: cached };
      return cached;
    }
    let ends = latest !== undefined && equal(latest.boundaries, boundaries) ? latest.ends : undefined;
    if (ends === undefined) {
      const finite = boundaries.filter((bound) => bound !== Number.POSITIVE_INFINITY);
      ends = [...finite.map((bound) => end(bound === Number.NEGATIVE_INFINITY ? '-Inf' : textOf(bound))), infinite];
    }
    latest = { boundaries, ends };
    known.set(boundaries, ends);
    return ends;
  };
}

function equal(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
