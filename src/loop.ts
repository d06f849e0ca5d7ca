/**
 * What happens again and again: buffers are drained ten times a second, readings are sampled and intervals closed
 * every tick, and both at once before somebody looks. Its timers never keep the process alive.
 */
import type { ProcessPoint } from './catalogue.ts';
import type { DeviceProfile } from './profile/device-profile.ts';
import type { SelfTime } from './self-time.ts';
import type { SupervisedSession } from './supervisor.ts';

/** How often buffers of records are emptied. A full ring of 65 536 records then lasts for 650 000 a second. */
const drainEverySeconds = 0.1;
/** The longest that one drain may hold the event loop; what is left waits for the next turn. */
const drainBudgetSeconds = 0.004;
/** Shares over less than this are noise: a tick that follows a collection this closely samples nothing new. */
const shortestSampleSeconds = 0.25;
/** Who looks samples again what is older than this: scrapes are fresh, and cannot be made to cost. */
const freshForSeconds = 1;

export interface LoopOptions {
  readonly sessions: readonly SupervisedSession[];
  readonly profiles: ReadonlyMap<string, DeviceProfile>;
  readonly selfTime: SelfTime;
  readonly tickSeconds: number;
  now(): number;
}

export class Loop {
  /** What was last sampled about the process. */
  process: readonly ProcessPoint[] = [];
  readonly #options: LoopOptions;
  #sampledAt = Number.NEGATIVE_INFINITY;
  #refreshing: Promise<void> | undefined;
  /** While a drain goes on: what its slice in the next turn will say. */
  #nextSlice: Promise<boolean> | undefined;
  #timers: readonly NodeJS.Timeout[] = [];

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#tick();
    this.#timers = [
      setInterval(() => void this.#drainWholly(), drainEverySeconds * 1000).unref(),
      // What ran in the interval belongs to it: after the loop was held both timers are due, and much waits.
      setInterval(() => void this.#drainWholly().then(() => this.#tick()), this.#options.tickSeconds * 1000).unref(),
    ];
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** Delivers what waits and samples what is old. Never rejects; calls at the same time share one. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** As `refresh`, at once and with the patience of `seconds` for what devices are still finishing. Blocks. */
  settle(seconds: number): void {
    for (const session of this.#options.sessions) session.settle(seconds);
    this.#tick();
  }

  async #refresh(): Promise<void> {
    const { now, profiles, selfTime } = this.#options;
    await this.#drainWholly();
    for (const profile of profiles.values()) profile.settle(now());
    selfTime.measure('sample', () => this.#sample(freshForSeconds));
  }

  #tick(): void {
    const { now, profiles, selfTime } = this.#options;
    selfTime.measure('sample', () => {
      this.#sample(shortestSampleSeconds);
      for (const profile of profiles.values()) profile.closeInterval(now());
    });
  }

  /** Samples, unless that was done less than `notWithin` seconds ago. */
  #sample(notWithin: number): void {
    const { now, profiles, sessions } = this.#options;
    if (now() - this.#sampledAt < notWithin) return;
    this.#sampledAt = now();
    for (const session of sessions) {
      const sample = session.sample();
      if (!sample) continue;
      for (const { device, readings, utilization } of sample.devices) {
        const profile = profiles.get(device);
        profile?.setReadings(readings);
        if (utilization !== undefined) profile?.setUtilization(utilization);
      }
      if (sample.process) this.process = sample.process;
    }
  }

  async #drainWholly(): Promise<void> {
    let more = this.#nextSlice ? await this.#nextSlice : this.#drain();
    while (more) more = await this.#drainNextTurn();
  }

  /** All who wait for a whole drain share its slices, so that a turn of the event loop holds one. */
  #drainNextTurn(): Promise<boolean> {
    this.#nextSlice ??= new Promise((resolve) => setImmediate(resolve)).then(() => {
      this.#nextSlice = undefined;
      return this.#drain();
    });
    return this.#nextSlice;
  }

  /** True where records are left after the budget. */
  #drain(): boolean {
    const { selfTime, sessions } = this.#options;
    return selfTime.measure('drain', () => {
      let more = false;
      for (const session of sessions) more = session.drain(drainBudgetSeconds) || more;
      return more;
    });
  }
}
