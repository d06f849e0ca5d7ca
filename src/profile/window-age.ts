/** How old the oldest sample of a ring is. The hot path reads no clock: only ticks are remembered, and what came between. */
import type { Ring } from '../distribution/ring.ts';

export class WindowAge {
  readonly #ring: Ring;
  /** When ticks were, and how many samples had come by then; of ticks between which none came, the last. */
  readonly #times: number[];
  readonly #pushed: number[];

  /** `now`: when the ring began. All times are process seconds. */
  constructor(ring: Ring, now: number) {
    this.#ring = ring;
    this.#times = [now];
    this.#pushed = [ring.pushed];
  }

  /** What comes from here on is no older than `now`. */
  tick(now: number): void {
    const last = this.#times.length - 1;
    const at = this.#ring.pushed === this.#pushed[last] ? last : last + 1;
    this.#times[at] = Math.max(now, this.#times[last] as number);
    this.#pushed[at] = this.#ring.pushed;
    const overwritten = this.#ofOldest();
    this.#times.splice(0, overwritten);
    this.#pushed.splice(0, overwritten);
  }

  /** In seconds, at most one tick too high; `undefined` where there is no sample. */
  at(now: number): number | undefined {
    return this.#ring.length === 0 ? undefined : Math.max(0, now - (this.#times[this.#ofOldest()] as number));
  }

  /** Index of the last tick before the oldest sample. */
  #ofOldest(): number {
    const oldest = this.#ring.pushed - this.#ring.length;
    const after = this.#pushed.findIndex((pushed) => pushed > oldest);
    return (after < 0 ? this.#pushed.length : after) - 1;
  }
}
