/**
 * What distributions took in since a reader last looked: for consumers that want only what is new. Each reader has
 * its own; a distribution that nobody holds any more is forgotten.
 */
import type { Distribution } from './distribution.ts';
import { Sketch } from './sketch.ts';

/** What was recorded between two looks. */
export interface Increment {
  readonly sketch: Sketch;
  readonly count: number;
  /** In seconds. */
  readonly sum: number;
  /** The shortest of it, where that is known: it is then also the shortest since the distribution began. */
  readonly newMin: number | undefined;
  readonly newMax: number | undefined;
}

interface Seen {
  readonly sketch: Sketch;
  readonly sum: number;
  readonly min: number | undefined;
  readonly max: number | undefined;
}

const nothing: Seen = { sketch: new Sketch(), sum: 0, min: undefined, max: undefined };

export class Increments {
  readonly #seen = new WeakMap<Distribution, Seen>();

  /** What came since the last call for this distribution, or since it began; `undefined` where that is nothing. */
  take(distribution: Distribution): Increment | undefined {
    const before = this.#seen.get(distribution) ?? nothing;
    if (distribution.count === before.sketch.count) return undefined;
    const { sum, min, max } = distribution;
    const sketch = new Sketch();
    sketch.merge(distribution.sketch);
    this.#seen.set(distribution, { sketch, sum, min, max });
    const added = sketch.since(before.sketch);
    return {
      sketch: added,
      count: added.count,
      sum: Math.max(0, sum - before.sum),
      newMin: min === before.min ? undefined : min,
      newMax: max === before.max ? undefined : max,
    };
  }

  /** How much of a distribution was taken. */
  taken(distribution: Distribution): number {
    return this.#seen.get(distribution)?.sketch.count ?? 0;
  }
}
