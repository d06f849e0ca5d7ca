/**
 * The analyzer at work: for each device the history of its intervals, and what is raised about it. At a tick the
 * interval that ended goes into the history, and the rules look at the window that it gives.
 */
import { Analyzer } from './analyzer/analyzer.ts';
import { byGravity, type Finding } from './analyzer/finding.ts';
import type { Observed } from './analyzer/observe.ts';
import type { Trend } from './analyzer/trend.ts';
import { trendsIn } from './analyzer/trends.ts';
import { Announcements, type FindingListener } from './announcements.ts';
import type { BackendName } from './backend.ts';
import type { ProcessPoint } from './catalogue.ts';
import type { DeviceProfile } from './profile/device-profile.ts';
import type { Window } from './profile/window.ts';

/** The intervals of one device, as windows. */
export interface History {
  /**
   * Takes the interval of the profile that ended at `now`; false where none has ended since the last call. `unseen`: the
   * sources that are down.
   */
  close(now: number, process: readonly ProcessPoint[], unseen: readonly string[]): boolean;
  /** Measuring stops or begins: nothing spans what lies between. */
  reset(): void;
  /** The last intervals together; `undefined` before the first has ended. */
  window(): Window | undefined;
}

export interface AnalysisOptions {
  /** The clock, in process seconds. */
  now(): number;
  historyOf(profile: DeviceProfile): History;
  /** The sources of a backend that are down, by name. */
  unseen(backend: BackendName): readonly string[];
  /** What the rules say of a window; by default all of them, as they come. */
  observe?(window: Window): Observed;
}

/** What is known of one device. */
export interface DeviceAnalysis {
  readonly analyzer: Analyzer;
  /** That of the last tick, to be read before the next; `undefined` before the first, and while paused. */
  readonly window: Window | undefined;
  /** The gravest first. */
  readonly findings: readonly Finding[];
  readonly trends: readonly Trend[];
}

interface Watched {
  readonly profile: DeviceProfile;
  readonly history: History;
  readonly analyzer: Analyzer;
  /** Made when somebody wants it, and only until the next interval ends. */
  window: Window | undefined;
  /** Those of the window, likewise. */
  trends: readonly Trend[] | undefined;
}

const nothing: readonly Finding[] = Object.freeze([]);

export class Analysis {
  readonly #options: AnalysisOptions;
  readonly #announcements = new Announcements();
  readonly #watched = new Map<string, Watched>();
  #faults = 0;

  constructor(options: AnalysisOptions) {
    this.#options = options;
  }

  /** A device appeared. */
  add(profile: DeviceProfile): void {
    const { now, historyOf, observe } = this.#options;
    const announce = (finding: Finding) => this.#announcements.announce(finding);
    const analyzer = new Analyzer({ device: profile.identity, now, announce, ...(observe && { observe }) });
    const history = historyOf(profile);
    this.#watched.set(profile.identity.id, { profile, history, analyzer, window: undefined, trends: undefined });
  }

  /** A device went away, and with it what was found. */
  remove(id: string): void {
    const watched = this.#watched.get(id);
    this.#watched.delete(id);
    watched?.analyzer.clear();
    this.#faults += watched?.analyzer.faults ?? 0;
  }

  /**
   * To be called at every tick, when the intervals of the profiles have ended. Without `look` they are only kept. Never
   * throws.
   */
  tick(process: readonly ProcessPoint[], look = true): void {
    const now = this.#options.now();
    for (const watched of this.#watched.values()) {
      this.#unlessFaulty(() => {
        const unseen = this.#options.unseen(watched.profile.identity.backend);
        if (!watched.history.close(now, process, unseen)) return;
        watched.window = undefined;
        watched.trends = undefined;
        if (look) watched.window = watched.history.window();
        if (watched.window) watched.analyzer.analyze(watched.window);
      }, undefined);
    }
  }

  /** Nothing is looked at for a while, or any more: what was found is over. Told at once. */
  pause(): void {
    for (const watched of this.#watched.values()) {
      watched.analyzer.clear();
      watched.history.reset();
      watched.window = undefined;
      watched.trends = undefined;
    }
    this.#announcements.deliver();
  }

  /** Goes on with windows that begin now. */
  resume(): void {
    for (const { history } of this.#watched.values()) history.reset();
  }

  on(listener: FindingListener): () => void {
    return this.#announcements.on(listener);
  }

  /** What is known of a device; `undefined` for one that is not there. */
  of(id: string): DeviceAnalysis | undefined {
    const watched = this.#watched.get(id);
    if (watched === undefined) return undefined;
    const { analyzer } = watched;
    const windowOf = () => this.#windowOf(watched);
    const trendsOf = () => this.#trendsOf(watched);
    return {
      analyzer,
      findings: analyzer.findings,
      get window() {
        return windowOf();
      },
      get trends() {
        return trendsOf();
      },
    };
  }

  /** What is raised about a device, the gravest first: cheap enough to be asked at every kernel. */
  findingsOf(id: string): readonly Finding[] {
    return this.#watched.get(id)?.analyzer.findings ?? nothing;
  }

  /** How often a rule, or the making of a window, threw: that one was left out. */
  get faults(): number {
    return Array.from(this.#watched.values()).reduce((sum, { analyzer }) => sum + analyzer.faults, this.#faults);
  }

  /** What is raised now, whatever the device, the gravest first. */
  get findings(): readonly Finding[] {
    return Object.freeze(
      Array.from(this.#watched.values(), ({ analyzer }) => analyzer.findings)
        .flat()
        .sort(byGravity),
    );
  }

  #windowOf(watched: Watched): Window | undefined {
    watched.window ??= this.#unlessFaulty(() => watched.history.window(), undefined);
    return watched.window;
  }

  /** Tests of ranks: they are made once a tick, and only where somebody asks. */
  #trendsOf(watched: Watched): readonly Trend[] {
    const window = this.#windowOf(watched);
    watched.trends ??= this.#unlessFaulty(() => Object.freeze(window === undefined ? [] : trendsIn(window)), []);
    return watched.trends;
  }

  /** Who asks for a snapshot gets one, whatever is wrong with the analysis. */
  #unlessFaulty<T>(make: () => T, otherwise: T): T {
    try {
      return make();
    } catch {
      this.#faults += 1;
      return otherwise;
    }
  }
}
