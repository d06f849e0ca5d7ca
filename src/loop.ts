/**
 * What happens again and again: buffers are drained a few times a second; readings are sampled, intervals closed and
 * analysed every tick; drained and sampled is also before somebody looks. Its timers never keep the process alive.
 */
import type { Analysis } from './analysis.ts';
import type { ProcessPoint } from './catalogue.ts';
import type { Governor } from './governor.ts';
import type { DeviceProfile } from './profile/device-profile.ts';
import type { SelfTime } from './self-time.ts';
import { type SupervisedSession, sourcesOf } from './supervisor.ts';
import { isWorkSeen } from './work-seen.ts';

/**
 * How often buffers of records are emptied: ten times a second where many come in, else four times, since each time
 * wakes an idle process. A ring of 65 536 records then lasts for 260 000 a second that come out of nothing, and for
 * 650 000 that go on.
 */
const drainEverySeconds = { few: 0.25, many: 0.1 } as const;
/** Half a ring a second. */
const manyRecordsPerSecond = 32_768;
/** The longest that one drain may hold the event loop; what is left waits for the next turn. */
const drainBudgetSeconds = 0.004;
/** Shares over less than this are noise: a tick that follows a collection this closely samples nothing new. */
const shortestSampleSeconds = 0.25;
/** Who looks samples again what is older than this: scrapes are fresh, and cannot be made to cost. */
const freshForSeconds = 1;
/** Who looks waits at most so long for what is sampled in another process. */
const preparePatienceSeconds = 0.1;

export interface LoopOptions {
  readonly sessions: readonly SupervisedSession[];
  readonly profiles: ReadonlyMap<string, DeviceProfile>;
  readonly selfTime: SelfTime;
  readonly governor: Governor;
  readonly analysis: Pick<Analysis, 'tick' | 'pause' | 'resume'>;
  readonly tickSeconds: number;
  now(): number;
}

/** Whether it measures now, does so again after `resume`, or never again. */
export type LoopPhase = 'running' | 'paused' | 'closed';

export class Loop {
  /** What was last sampled about the process. */
  process: readonly ProcessPoint[] = [];
  readonly #options: LoopOptions;
  #state: 'new' | 'running' | 'paused' | 'stopped' = 'new';
  #sampledAt = Number.NEGATIVE_INFINITY;
  #ticksUntilLook = 0;
  #refreshing: Promise<void> | undefined;
  /** While a drain goes on: what its slice in the next turn will say. */
  #nextSlice: Promise<boolean> | undefined;
  #ticking: NodeJS.Timeout | undefined;
  #draining: NodeJS.Timeout | undefined;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  get paused(): boolean {
    return this.#state === 'paused';
  }

  get phase(): LoopPhase {
    if (this.#state === 'stopped') return 'closed';
    return this.paused ? 'paused' : 'running';
  }

  start(): void {
    this.#state = 'running';
    this.#tick();
    this.#schedule();
  }

  stop(): void {
    this.#state = 'stopped';
    clearInterval(this.#ticking);
    clearTimeout(this.#draining);
  }

  /** Leaves the program alone: no timer, no sample. What ran until now is delivered; later refreshes do nothing. */
  pause(): void {
    if (this.#state !== 'running') return;
    this.stop();
    this.#state = 'paused';
    const { analysis, governor, now, profiles, sessions } = this.#options;
    for (const session of sessions) session.pause();
    void this.#drainWholly();
    for (const profile of profiles.values()) profile.pause(now());
    analysis.pause();
    this.process = [];
    governor.restart();
  }

  /** Goes on. Readings and shares come with the next tick: they are of the time since now. */
  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    const { analysis, governor, now, profiles, sessions } = this.#options;
    for (const session of sessions) session.resume();
    for (const profile of profiles.values()) profile.resume(now());
    analysis.resume();
    this.#sampledAt = now();
    governor.restart();
    this.#schedule();
  }

  /** Delivers what waits and samples what is old. Never rejects; calls at the same time share one. */
  refresh(): Promise<void> {
    if (this.paused) return Promise.resolve();
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** As `refresh`, at once and with the patience of `seconds` for what devices are still finishing. Blocks. */
  settle(seconds: number): void {
    for (const session of this.#options.sessions) session.settle(seconds);
    if (!this.paused) this.#tick();
  }

  #schedule(): void {
    this.#ticking = setInterval(async () => {
      // What ran in the interval belongs to it: after the loop was held both timers are due, and much waits.
      await this.#prepare(this.#notWithin(), false);
      await this.#drainWholly();
      if (this.#state === 'running') this.#tick();
    }, this.#options.tickSeconds * 1000).unref();
    if (this.#options.sessions.some(({ drains }) => drains)) this.#drainAfter(drainEverySeconds.few);
  }

  #drainAfter(seconds: number): void {
    const timer = setTimeout(async () => {
      const before = this.#delivered();
      await this.#drainWholly();
      if (this.#state !== 'running' || this.#draining !== timer) return; // paused meanwhile, and perhaps resumed
      const many = this.#delivered() - before > manyRecordsPerSecond * seconds;
      this.#drainAfter(many ? drainEverySeconds.many : drainEverySeconds.few);
    }, seconds * 1000).unref();
    this.#draining = timer;
  }

  #delivered(): number {
    let delivered = 0;
    for (const profile of this.#options.profiles.values()) delivered += profile.delivered;
    return delivered;
  }

  async #refresh(): Promise<void> {
    const { governor, now, profiles, selfTime } = this.#options;
    const notWithin = governor.level === 0 ? freshForSeconds : this.#notWithin();
    await this.#prepare(notWithin, true);
    await this.#drainWholly();
    if (this.paused) return;
    selfTime.measure('sample', () => {
      for (const profile of profiles.values()) profile.settle(now());
      this.#sample(notWithin);
    });
  }

  #tick(): void {
    const { governor, now, profiles, selfTime } = this.#options;
    selfTime.measure('sample', () => {
      this.#sample(this.#notWithin());
      for (const profile of profiles.values()) profile.closeInterval(now());
    });
    this.#analyse();
    governor.tick();
  }

  /** At full speed the rules look at every tick; slowed down, as often as readings are sampled. */
  #analyse(): void {
    const { analysis, governor, selfTime } = this.#options;
    this.#ticksUntilLook -= 1;
    const look = this.#ticksUntilLook <= 0;
    if (look) this.#ticksUntilLook = governor.ticksBetweenSamples;
    selfTime.measure('analyse', () => analysis.tick(this.process, look));
  }

  /** At full speed every tick samples; slowed down, one in so many. */
  #notWithin(): number {
    const { governor, tickSeconds } = this.#options;
    return (governor.ticksBetweenSamples - 1) * tickSeconds + shortestSampleSeconds;
  }

  /** Lets sessions make ready what a sample that is due will read. Who looks is kept until it is. */
  async #prepare(notWithin: number, keepAlive: boolean): Promise<void> {
    const { now, sessions } = this.#options;
    if (now() - this.#sampledAt < notWithin) return;
    const preparing = sessions.map((session) => session.prepare()).filter((each) => each !== undefined);
    if (preparing.length === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, preparePatienceSeconds * 1000);
      if (!keepAlive) timer.unref();
    });
    await Promise.race([Promise.all(preparing), late]);
    clearTimeout(timer);
  }

  /** Samples, unless that was done less than `notWithin` seconds ago. */
  #sample(notWithin: number): void {
    const { now, profiles, selfTime, sessions } = this.#options;
    if (now() - this.#sampledAt < notWithin) return;
    this.#sampledAt = now();
    this.#seeWork();
    for (const session of sessions) {
      const sample = session.sample();
      if (!sample) continue;
      for (const { device, readings, utilization } of sample.devices) {
        const profile = profiles.get(device);
        profile?.setReadings(readings);
        if (utilization !== undefined) profile?.setUtilization(utilization);
      }
      if (sample.process) this.process = sample.process;
      if (sample.asideSeconds !== undefined) selfTime.add('sample', sample.asideSeconds);
    }
  }

  #seeWork(): void {
    const { profiles, sessions } = this.#options;
    for (const profile of profiles.values()) {
      const { backend } = profile.identity;
      profile.workSeen = isWorkSeen(backend, profile.executions, sourcesOf(sessions, backend));
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
