/**
 * The clock of a GPU. Timestamps are in ticks of it, whose length Metal does not tell: it is found by looking at both
 * clocks twice (Apple, "Converting GPU timestamps into CPU time"). The CPU's timestamp of the same call is not used, since
 * its unit depends on the system ("MTLTimestamp"); our own clock, read just before and after, is the clock of command
 * buffers' times.
 */

/** Both clocks at one moment: seconds that the machine has been awake, and ticks. */
export interface ClockPair {
  readonly uptime: number;
  readonly ticks: bigint;
}

/** From this far apart, two looks tell the length of a tick to a thousandth: one is off by some microseconds. */
const apart = 0.01;
/** Looks that are further apart than this tell nothing better, and the machine may have slept between them. */
const longest = 60;

export class GpuClock {
  #before: ClockPair | undefined;
  #last: ClockPair | undefined;

  /** A look at both clocks. */
  add(pair: ClockPair): void {
    const first = this.#before;
    if (first === undefined || pair.uptime - first.uptime > longest) {
      // The newest of the old looks: the length of a tick stays known meanwhile.
      this.#before = this.#last ?? pair;
    }
    // The GPU began anew: also where it has by now counted beyond the first look.
    if (this.#last && pair.ticks < this.#last.ticks) this.#before = pair;
    this.#last = pair;
  }

  /** `undefined` until two looks far enough apart have been taken. */
  get secondsPerTick(): number | undefined {
    const [from, to] = [this.#before, this.#last];
    if (from === undefined || to === undefined || to.uptime - from.uptime < apart || to.ticks <= from.ticks) {
      return undefined;
    }
    return (to.uptime - from.uptime) / Number(to.ticks - from.ticks);
  }

  /** The moment of a timestamp, in seconds that the machine has been awake. */
  uptimeOf(ticks: bigint): number | undefined {
    const [last, length] = [this.#last, this.secondsPerTick];
    return last === undefined || length === undefined ? undefined : last.uptime + Number(ticks - last.ticks) * length;
  }
}
