/**
 * Opens the backends, keeps a profile of each device, and presents them. Once created a profiler never throws into its
 * host and never keeps it alive.
 */
import { hostname } from 'node:os';
import type { MetricProducer } from '@opentelemetry/sdk-metrics';
import { Analysis } from './analysis.ts';
import type { Finding } from './analyzer/finding.ts';
import { observe } from './analyzer/observe.ts';
import type { FindingListener } from './announcements.ts';
import type { Backend, BackendName, Host } from './backend.ts';
import { allBackends } from './backends/all.ts';
import type { ProcessPoint } from './catalogue.ts';
import { type Device, presentDevice } from './device.ts';
import { type DeviceChange, DeviceChanges } from './device-changes.ts';
import { ProbeError } from './errors.ts';
import { Governor, type SelfStatus } from './governor.ts';
import { presenceOf, takeHealth } from './health.ts';
import { Loop, type LoopPhase } from './loop.ts';
import { type ProfilerOptions, type ResolvedOptions, resolveOptions } from './options.ts';
import { createMetricProducer, type MetricProducerOptions } from './otel/metric-producer.ts';
import { DeviceProfile } from './profile/device-profile.ts';
import { DeviceHistory } from './profile/history.ts';
import { SelfTime } from './self-time.ts';
import { type Status, statusView } from './status.ts';
import { type SupervisedSession, sourcesOf, supervise } from './supervisor.ts';
import { warn } from './warning.ts';

/** A backend that could not be opened: not a fault where it is just not on this machine. */
export interface AbsentBackend {
  readonly backend: BackendName;
  readonly error: ProbeError;
  readonly remedy: string | undefined;
}

export interface Profiler {
  /** The devices there are now. Devices can appear and leave. */
  readonly devices: readonly Device[];
  /** The backends that could not be opened, and why. */
  readonly absent: readonly AbsentBackend[];
  /** The bottlenecks and regressions that are active now, the gravest first. */
  readonly findings: readonly Finding[];
  /**
   * Calls `listener` when a finding is raised, and again when it is cleared: its device is better, has left, or measuring
   * was paused or has ended. Gives the function that ends it. What a listener throws is warned of once and does no harm.
   * The same findings are on the `diagnostics_channel` "accelmeter:finding". Throws a TypeError for another event.
   */
  on(event: 'finding', listener: (finding: Finding) => void): () => void;
  /** The same for a device that goes away (`lost`), and one that went away and is back (`recovered`). */
  on(event: 'device', listener: (change: DeviceChange) => void): () => void;
  /** A producer for the `metricProducers` of any reader of the OpenTelemetry SDK, 2.x or 3.x. */
  metricProducer(options?: MetricProducerOptions): MetricProducer;
  /** The whole picture for people; its rates are since the call before. */
  status(): Status;
  /** Delivers what waits in buffers and samples what is old, so that what is read next is up to date. Never rejects. */
  refresh(): Promise<void>;
  /**
   * Leaves the program as if accelmeter were not there, until `resume`: no timer, no sample, and what the program begins
   * on its devices is not followed. Counts stand still, what is sampled is absent, sources say "paused". What the program
   * records itself through a handle still counts. Without effect where it is paused or closed.
   */
  pause(): void;
  /** Measures again. The time of the pause is in no rate and no share. Without effect where it is not paused. */
  resume(): void;
  readonly paused: boolean;
  /** Stops measuring and gives everything back. The devices' handles stay safe to call. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What the metric points are taken from. */
export interface ProfilerState {
  readonly profiles: ReadonlyMap<string, DeviceProfile>;
  readonly process: readonly ProcessPoint[];
  readonly sessions: readonly SupervisedSession[];
  readonly absent: readonly AbsentBackend[];
  readonly analysis: Analysis;
  readonly phase: LoopPhase;
  readonly options: ResolvedOptions;
  readonly selfTime: SelfTime;
  /** What accelmeter itself takes, and how far it has slowed down. */
  self(): SelfStatus;
  readonly startedAt: number;
  /** Events that were lost on their way; absent where none are pushed. */
  eventsLost?: number;
  /** The service's name, where the environment gives none. */
  readonly service: string | undefined;
  now(): number;
  refresh(): Promise<void>;
  /**
   * Delivers all that ran, also what devices are still finishing, for at most `seconds`. Blocks: for the end of a
   * process whose whole account is wanted.
   */
  settle(seconds: number): void;
  /** What is called once when the profiler closes, before it gives its sources back. */
  readonly atClose: Set<() => void>;
}

const states = new WeakMap<Profiler, ProfilerState>();

/** What a profiler measures into. Throws a TypeError for what is no profiler of this copy of accelmeter. */
export function stateOf(profiler: Profiler): ProfilerState {
  const state = states.get(profiler);
  if (state !== undefined) return state;
  throw new TypeError('not a profiler, or one of another copy of accelmeter');
}

/** Beyond the public options: what `register` and the commands need. */
export interface OpenOptions {
  /** Wait with drivers until the program itself has used them. */
  readonly lazy?: boolean;
  readonly service?: string | undefined;
  readonly backends?: readonly Backend[];
  /** Told once, in a sentence, when accelmeter's own work first exceeds its budget. */
  readonly onBudgetExceeded?: (sentence: string) => void;
}

/**
 * Opens every backend that is asked for and present, and begins to measure. Throws a TypeError or RangeError for bad
 * options; a backend that is not there is listed in `absent`.
 */
export function createProfiler(options: ProfilerOptions = {}): Promise<Profiler> {
  return openProfiler(resolveOptions(options, process.env, warn)).then(({ profiler }) => profiler);
}

/** A profiler and what it measures into. */
export interface OpenedProfiler {
  readonly profiler: Profiler;
  readonly state: ProfilerState;
}

/** As `createProfiler`, for callers inside the package: also gives the state that is measured into. */
export async function openProfiler(
  options: ResolvedOptions,
  { lazy = false, service, backends = allBackends, onBudgetExceeded: onExceeded }: OpenOptions = {},
): Promise<OpenedProfiler> {
  const now = () => performance.now() / 1000;
  const profiles = new Map<string, DeviceProfile>();
  const devices = new Map<string, Device>();
  const sessions: SupervisedSession[] = [];
  const absent: AbsentBackend[] = [];
  const selfTime = new SelfTime(now);
  const { budget, tickSeconds } = options;
  const governor = new Governor({ budget, tickSeconds, selfTime, now, onExceeded });
  const unseen = (backend: BackendName) => sourcesDown(sessions, backend);
  const { rules, thresholds, suppress } = options;
  const analysis = new Analysis({
    now,
    unseen,
    historyOf: (profile) => new DeviceHistory(profile),
    observe: (window) => observe(window, { profile: rules, thresholds, suppress }),
  });
  const loop = new Loop({ sessions, profiles, selfTime, governor, analysis, tickSeconds, now });
  const deviceChanges = new DeviceChanges();
  const refresh = () => loop.refresh();
  const { deviceMetrics, openclLibrary, nvmlLibrary, cudaLibrary, cuptiLibrary, metalLibrary } = options;
  const host: Host = {
    hostId: hostname(), // in a container the machine-id is often the image's, the host name is the pod's
    options: { lazy, deviceMetrics, openclLibrary, nvmlLibrary, cudaLibrary, cuptiLibrary, metalLibrary },
    addDevice(identity, abilities) {
      const known = profiles.get(identity.id);
      if (known) return known;
      deviceChanges.appeared(identity);
      const profile = new DeviceProfile(identity, { ...options, now });
      profiles.set(identity.id, profile);
      analysis.add(profile);
      const context = {
        ...{ now, refresh, processPoints: () => loop.process },
        analysed: () => analysis.of(identity.id),
        findings: () => analysis.findingsOf(identity.id),
        health: () => takeHealth(profile, state),
        presence: () => presenceOf(profile, state),
        sources: () => sourcesOf(sessions, identity.backend),
      };
      devices.set(identity.id, presentDevice(profile, context, abilities));
      return profile;
    },
    removeDevice(id) {
      const identity = profiles.get(id)?.identity;
      if (identity) deviceChanges.left(identity);
      analysis.remove(id);
      profiles.delete(id);
      devices.delete(id);
    },
  };
  for (const backend of backends.filter(({ name }) => options.backends.includes(name))) {
    try {
      sessions.push(supervise(backend.name, await backend.open(host), now));
    } catch (thrown) {
      const error = ProbeError.from(thrown);
      absent.push(Object.freeze({ backend: backend.name, error, remedy: error.remedy }));
    }
  }
  loop.start();

  const state: ProfilerState = {
    ...{ profiles, sessions, absent, analysis, options, selfTime, now, refresh, service, startedAt: now() },
    self: () => governor.status(),
    settle: (seconds) => loop.settle(seconds),
    atClose: new Set(),
    get process() {
      return loop.process;
    },
    get phase() {
      return loop.phase;
    },
  };
  const view = statusView(state);
  const profiler: Profiler = {
    get devices() {
      return [...devices.values()];
    },
    absent,
    get findings() {
      return analysis.findings;
    },
    on(event: 'finding' | 'device', listener: FindingListener & ((change: DeviceChange) => void)) {
      const ons = { finding: analysis, device: deviceChanges };
      if (!Object.hasOwn(ons, event)) throw new TypeError(`no event is called "${event}"; there are finding, device`);
      if (typeof listener !== 'function') throw new TypeError(`a listener must be a function, not ${String(listener)}`);
      return ons[event].on(listener);
    },
    metricProducer: (producerOptions) => createMetricProducer(state, producerOptions),
    status: () => selfTime.measure('collect', view),
    refresh,
    pause: () => loop.pause(),
    resume: () => loop.resume(),
    get paused() {
      return loop.paused;
    },
    async close() {
      loop.stop();
      await refresh();
      analysis.pause();
      for (const each of state.atClose) each();
      state.atClose.clear();
      for (const session of sessions) session.close();
    },
    [Symbol.asyncDispose]: () => profiler.close(),
  };
  states.set(profiler, state);
  return { profiler, state };
}

/** What a device of a backend is told by: its own sources, and those of the process. */
function sourcesDown(sessions: readonly SupervisedSession[], backend: BackendName): string[] {
  return sessions
    .filter((session) => session.backend === backend || session.backend === 'cpu')
    .flatMap((session) => session.sources())
    .filter(({ up }) => !up)
    .map(({ name }) => name);
}
