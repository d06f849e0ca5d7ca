/**
 * The loop: opens the backends, drains and samples them, closes an interval every tick, and hands the picture to
 * whoever asks. Once created it never throws into its host and never keeps it alive.
 */
import { hostname } from 'node:os';
import type { MetricProducer } from '@opentelemetry/sdk-metrics';
import type { Backend, BackendName, Host } from './backend.ts';
import { allBackends } from './backends/all.ts';
import type { ProcessPoint } from './catalogue.ts';
import { type Device, presentDevice } from './device.ts';
import { DeviceProfile } from './device-profile.ts';
import { ProbeError } from './errors.ts';
import { type ProfilerOptions, type ResolvedOptions, resolveOptions } from './options.ts';
import { createMetricProducer, type MetricProducerOptions } from './otel/metric-producer.ts';
import { SelfTime } from './self-time.ts';
import { type Status, statusView } from './status.ts';
import { type SupervisedSession, supervise } from './supervisor.ts';

/** How often buffers of records are emptied. A full ring of 65 536 records then lasts for 650 000 a second. */
const drainEverySeconds = 0.1;
/** The longest that one drain may hold the event loop; what is left waits for the next turn. */
const drainBudgetSeconds = 0.004;
/** A collection samples again what is older than this, so that scrapes are fresh and cannot be made to cost. */
const freshForSeconds = 1;

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
  /** A producer for the `metricProducers` of any reader of the OpenTelemetry SDK, 2.x or 3.x. */
  metricProducer(options?: MetricProducerOptions): MetricProducer;
  /** The whole picture for people; its rates are since the call before. */
  status(): Status;
  /** Delivers what waits in buffers and samples what is old, so that what is read next is up to date. Never rejects. */
  refresh(): Promise<void>;
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
  readonly options: ResolvedOptions;
  readonly selfTime: SelfTime;
  readonly startedAt: number;
  now(): number;
  refresh(): Promise<void>;
}

/** Beyond the public options: what `register` and the commands need. */
export interface OpenOptions {
  /** Wait with drivers until the program itself has used them. */
  readonly lazy?: boolean;
  readonly service?: string | undefined;
  readonly backends?: readonly Backend[];
}

/**
 * Opens every backend that is asked for and present, and begins to measure. Throws a TypeError or RangeError for bad
 * options; a backend that is not there is listed in `absent`.
 */
export function createProfiler(options: ProfilerOptions = {}): Promise<Profiler> {
  const warn = (problem: string) => process.emitWarning(problem, { type: 'AccelmeterWarning' });
  return openProfiler(resolveOptions(options, process.env, warn)).then(({ profiler }) => profiler);
}

/** As `createProfiler`, for callers inside the package: also gives the state that is measured into. */
export async function openProfiler(
  options: ResolvedOptions,
  { lazy = false, service, backends = allBackends }: OpenOptions = {},
): Promise<{ profiler: Profiler; state: ProfilerState }> {
  const now = () => performance.now() / 1000;
  const profiles = new Map<string, DeviceProfile>();
  const devices = new Map<string, Device>();
  const sessions: SupervisedSession[] = [];
  const absent: AbsentBackend[] = [];
  const selfTime = new SelfTime(now);
  let processPoints: readonly ProcessPoint[] = [];
  let sampledAt = Number.NEGATIVE_INFINITY;
  let refreshing: Promise<void> | undefined;

  const host: Host = {
    hostId: hostname(), // in a container the machine-id is often the image's, the host name is the pod's
    options: { lazy, ...(options.openclLibrary !== undefined && { openclLibrary: options.openclLibrary }) },
    addDevice(identity) {
      let profile = profiles.get(identity.id);
      if (!profile) {
        profile = new DeviceProfile(identity, { ...options, now });
        profiles.set(identity.id, profile);
        devices.set(identity.id, presentDevice(profile, now, refresh));
      }
      return profile;
    },
    removeDevice(id) {
      profiles.delete(id);
      devices.delete(id);
    },
  };

  function sample() {
    sampledAt = now();
    for (const session of sessions) {
      const sampled = session.sample();
      if (!sampled) continue;
      for (const { device, readings, utilization } of sampled.devices) {
        const profile = profiles.get(device);
        profile?.setReadings(readings);
        if (utilization !== undefined) profile?.setUtilization(utilization);
      }
      if (sampled.process) processPoints = sampled.process;
    }
  }

  /** True where records are left after the budget. */
  function drain(): boolean {
    return selfTime.measure('drain', () => {
      let more = false;
      for (const session of sessions) more = session.drain(drainBudgetSeconds) || more;
      return more;
    });
  }

  function tick() {
    selfTime.measure('sample', () => {
      sample();
      for (const profile of profiles.values()) profile.closeInterval(now());
    });
  }

  async function drainWholly() {
    while (drain()) await new Promise((resolve) => setImmediate(resolve));
  }

  function refresh(): Promise<void> {
    refreshing ??= (async () => {
      await drainWholly();
      if (now() - sampledAt >= freshForSeconds) selfTime.measure('sample', sample);
    })().finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  for (const backend of backends.filter(({ name }) => options.backends.includes(name))) {
    try {
      sessions.push(supervise(backend.name, await backend.open(host), now));
    } catch (thrown) {
      const error = ProbeError.from(thrown);
      absent.push(Object.freeze({ backend: backend.name, error, remedy: error.remedy }));
    }
  }
  tick();
  const timers = [
    setInterval(() => void drainWholly(), drainEverySeconds * 1000).unref(),
    setInterval(tick, options.tickSeconds * 1000).unref(),
  ];

  const state: ProfilerState = {
    profiles,
    get process() {
      return processPoints;
    },
    sessions,
    absent,
    options,
    selfTime,
    startedAt: now(),
    now,
    refresh,
  };
  const profiler: Profiler = {
    get devices() {
      return [...devices.values()];
    },
    absent,
    metricProducer: (producerOptions) => createMetricProducer(state, producerOptions),
    status: statusView(state, service),
    refresh,
    async close() {
      for (const timer of timers) clearInterval(timer);
      await refresh();
      for (const session of sessions) session.close();
    },
    [Symbol.asyncDispose]: () => profiler.close(),
  };
  return { profiler, state };
}
