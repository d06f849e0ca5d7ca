/**
 * Holds what accelmeter does of itself to a budget. Where its own work takes more, readings are sampled and analysed
 * less often, one step at a time, each half as often as the one before; where it has taken much less for a while, it
 * goes back.
 *
 * Draining is not slowed: what a record costs does not depend on when it is drained, and a ring that is drained too late
 * loses records. Scrapes are not either: how often to look is the operator's to decide. Both are counted and shown.
 */
import type { SelfTime } from './self-time.ts';

/** The last level: readings are then sampled, and intervals analysed, at every 16th tick. */
export const slowest = 4;
/** What counts is the last minute, or two samplings where these are further apart. */
const windowSeconds = 60;
/** Below this part of the budget it goes back: half as much again would still be within. */
const calmBelow = 0.4;
/** What slowing saves is what sampling costs: below this part of the budget it is not worth older readings. */
const worthSlowing = 0.1;
/** How much longer it waits, at most, before it goes back again after having had to slow down again. */
const mostPatience = 16;

export interface GovernorOptions {
  /** The share of one core that accelmeter's own work may take. */
  readonly budget: number;
  readonly tickSeconds: number;
  readonly selfTime: SelfTime;
  now(): number;
  /** Called once, when the budget is first exceeded, with a sentence for the operator. */
  readonly onExceeded?: ((sentence: string) => void) | undefined;
}

/** What accelmeter itself takes, for people. */
export interface SelfStatus {
  /** Of one core, over the last minute or since the last step, scrapes aside; absent before the first tick, and while paused. */
  readonly share: number | undefined;
  readonly budget: number;
  /** 0 at full speed. */
  readonly level: number;
}

/** What had been used by then, in seconds since the start. */
interface Mark {
  readonly at: number;
  readonly used: number;
  /** Of it, what slowing down saves. */
  readonly sampling: number;
}

export class Governor {
  readonly #options: GovernorOptions;
  #level = 0;
  /** In order; none is older than the window but the first, which is where the window begins. */
  #marks: Mark[] = [];
  #changedAt: number;
  #lowered = false;
  #patience = 1;
  #said = false;

  constructor(options: GovernorOptions) {
    this.#options = options;
    this.#changedAt = options.now();
    this.restart();
  }

  /** 0 at full speed, up to `slowest`. */
  get level(): number {
    return this.#level;
  }

  /** Readings are sampled once in so many ticks. */
  get ticksBetweenSamples(): number {
    return 2 ** this.#level;
  }

  status(): SelfStatus {
    const { used, elapsed } = this.#measured();
    // Of less than a tick it would be the cost of whatever happened to fall into it.
    const share = elapsed >= this.#options.tickSeconds / 2 ? used / elapsed : undefined;
    return { share, budget: this.#options.budget, level: this.#level };
  }

  /** To be called at every tick, when its work is done. */
  tick(): void {
    this.#mark();
    const allowed = this.#options.budget * this.#window();
    const { used, sampling, elapsed } = this.#measured();
    const exceeded = used > allowed;
    const worthIt = sampling > worthSlowing * allowed;
    if (exceeded) this.#sayOnce(worthIt);
    if (exceeded && worthIt) {
      if (this.#level < slowest) this.#raise();
    } else if (this.#level > 0 && elapsed >= this.#window()) {
      const calm = used < calmBelow * allowed || 2 * sampling < worthSlowing * allowed;
      if (calm && this.#options.now() - this.#changedAt >= this.#window() * this.#patience) this.#lower();
    }
  }

  /** Forgets what was used until now: at a pause, and after it, since its time is nobody's. */
  restart(): void {
    this.#marks = [];
    this.#mark();
  }

  #raise(): void {
    if (this.#lowered) {
      const soon = this.#options.now() - this.#changedAt < 2 * this.#window() * this.#patience;
      this.#patience = soon ? Math.min(mostPatience, 2 * this.#patience) : 1;
    }
    this.#step(1);
  }

  #lower(): void {
    this.#step(-1);
  }

  #step(by: 1 | -1): void {
    this.#level += by;
    this.#lowered = by < 0;
    this.#changedAt = this.#options.now();
    this.restart(); // what was used at another pace says nothing about this one
  }

  #window(): number {
    return Math.max(windowSeconds, 2 * this.ticksBetweenSamples * this.#options.tickSeconds);
  }

  #mark(): void {
    const { now, selfTime } = this.#options;
    let sampling = 0;
    let used = 0;
    for (const [stage, seconds] of selfTime.entries()) {
      if (stage === 'sample' || stage === 'analyse') sampling += seconds;
      if (stage === 'sample' || stage === 'analyse' || stage === 'drain') used += seconds;
    }
    const at = now();
    this.#marks.push({ at, used, sampling });
    const begins = at - this.#window();
    while ((this.#marks[1]?.at ?? at) <= begins) this.#marks.shift();
  }

  #measured(): { used: number; sampling: number; elapsed: number } {
    const from = this.#marks[0] as Mark;
    const to = this.#marks.at(-1) as Mark;
    return { used: to.used - from.used, sampling: to.sampling - from.sampling, elapsed: to.at - from.at };
  }

  #sayOnce(slowed: boolean): void {
    if (this.#said) return;
    this.#said = true;
    const what = slowed ? 'readings are sampled less often' : 'it is the delivery of records, which is not slowed down';
    this.#options.onExceeded?.(
      `its own work exceeds ${Number((this.#options.budget * 100).toPrecision(3))} % of a core: ${what}`,
    );
  }
}
