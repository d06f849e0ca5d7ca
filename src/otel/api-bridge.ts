/**
 * The points through the instruments of OpenTelemetry's API, on whatever MeterProvider there is: for a service whose
 * readers cannot be given our MetricProducer. Values are observed when a reader collects; times are replayed into
 * histograms then, and once a second in between so that a collection finds little left to do.
 */
import {
  type BatchObservableCallback,
  createNoopMeter,
  type Histogram,
  type Meter,
  type MeterProvider,
  metrics,
  type Observable,
} from '@opentelemetry/api';
import { catalogue, type Metric, type MetricName } from '../catalogue.ts';
import { classicBoundaries } from '../distribution/sketch.ts';
import { messageOf } from '../errors.ts';
import { collectDistributions, collectPoints } from '../points.ts';
import { type Profiler, type ProfilerState, stateOf } from '../profiler.ts';
import { version } from '../version.ts';
import { warn } from '../warning.ts';
import { bridgeIsObserved } from './both-lanes.ts';
import { Replay } from './replay.ts';

export interface BridgeOptions {
  /** Whose instruments are used. By default the API's global one, as it is when the bridge is attached. */
  readonly meterProvider?: MeterProvider;
}

/** A bridge that is attached. */
export interface Bridge {
  /** Takes the bridge away: no callback and no timer is left. Calling it again does nothing. */
  detach(): void;
}

/** How often times are replayed between collections. */
const replayEverySeconds = 1;
/** What one replay may take in all, and at once before the service's event loop gets its turn. */
const replayBudgetSeconds = 0.05;
const sliceSeconds = 0.002;

const bridged = new WeakSet<ProfilerState>();

/** What a provider was told already counts in it for good: a bridge that is attached again goes on from there. */
const replays = new WeakMap<MeterProvider, WeakMap<ProfilerState, Replay>>();

/**
 * Attaches a profiler to the instruments of a MeterProvider: names, units, attributes, counts and buckets are those of
 * `profiler.metricProducer()`, which is the better way wherever a reader can be given it.
 *
 * - The SDK hashes the attributes of every record, so each kernel costs the service about a microsecond when it is
 *   replayed (at most 5 % of a core; what is not done by then waits, in `accelmeter.bridge.pending`). Recording a
 *   kernel costs nothing more.
 * - Times are replayed from the sketch: within 2.2 % of the recorded ones, with the same sum, minimum and maximum.
 * - The SDK goes on reporting a device that has left, and everything after `detach` (opentelemetry-js#4096): its
 *   instruments cannot take a series back.
 *
 * A reader that is given the producer as well gets everything once: the producer refuses it, with an error in its
 * result, from the second collection on.
 *
 * Throws an Error where the profiler has a bridge already, and a TypeError for what is no profiler. Afterwards nothing
 * is thrown into the host: if the provider throws, the bridge is detached and a warning says so.
 */
export function bridgeToApi(profiler: Profiler, { meterProvider }: BridgeOptions = {}): Bridge {
  const state = stateOf(profiler);
  if (bridged.has(state)) {
    throw new Error('this profiler is bridged already: a second bridge would count everything twice, detach the first');
  }
  const provider = meterProvider ?? metrics.getMeterProvider();
  const meter = provider.getMeter('accelmeter', version);
  const wanted = process.env.OTEL_SDK_DISABLED?.trim().toLowerCase() !== 'true';
  if (wanted && meterProvider === undefined && meter === createNoopMeter()) {
    warn('no MeterProvider is registered: attach the bridge after the SDK has started');
  }
  const { histograms, observables } = createInstruments(meter);
  const replay = replayInto(provider, state);
  let attached = true;
  let replaying: Promise<void> | undefined;

  const observe: BatchObservableCallback = async (result) => {
    bridgeIsObserved(state);
    await guarded(async () => {
      await state.refresh();
      await replaying;
      await replayWholly();
      if (!attached) return;
      state.selfTime.measure('collect', () => {
        for (const point of collectPoints(state)) {
          if (!('value' in point)) continue;
          const instrument = observables.get(point.name);
          if (instrument) result.observe(instrument, point.value, point.attributes);
        }
        result.observe(observables.get('accelmeter.bridge.pending') as Observable, pending());
      });
    });
  };
  const instruments = [...observables.values()];
  meter.addBatchObservableCallback(observe, instruments);
  const timer = setInterval(() => {
    if (!profiler.paused) void guarded(replayWholly);
  }, replayEverySeconds * 1000).unref();
  bridged.add(state);
  state.atClose.add(detach);
  return { detach };

  function detach(): void {
    if (!attached) return;
    attached = false;
    clearInterval(timer);
    bridged.delete(state);
    state.atClose.delete(detach);
    try {
      meter.removeBatchObservableCallback(observe, instruments);
    } catch {
      // A provider that cannot let go keeps a callback that does nothing.
    }
  }

  function pending(): number {
    return collectDistributions(state).reduce((sum, { distribution }) => sum + replay.pending(distribution), 0);
  }

  /** Calls at the same time share one replay. */
  function replayWholly(): Promise<void> {
    replaying ??= replayInSlices().finally(() => {
      replaying = undefined;
    });
    return replaying;
  }

  async function replayInSlices(): Promise<void> {
    let spent = 0;
    for (let more = true; more && attached && spent < replayBudgetSeconds; ) {
      const start = state.now();
      for (const { name, distribution, attributes } of collectDistributions(state)) {
        replay.add(distribution, histograms.get(name) as Histogram, attributes);
      }
      more = replay.work(sliceSeconds);
      const took = state.now() - start;
      state.selfTime.add('replay', took);
      spent += took;
      if (more) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async function guarded(work: () => Promise<void>): Promise<void> {
    try {
      if (attached) await work();
    } catch (error) {
      detach();
      warn(`the bridge is detached, the MeterProvider threw: ${messageOf(error)}`);
    }
  }
}

function replayInto(provider: MeterProvider, state: ProfilerState): Replay {
  const ofProvider = replays.get(provider) ?? new WeakMap<ProfilerState, Replay>();
  replays.set(provider, ofProvider);
  const replay = ofProvider.get(state) ?? new Replay(state.now);
  ofProvider.set(state, replay);
  return replay;
}

interface Instruments {
  readonly histograms: ReadonlyMap<MetricName, Histogram>;
  readonly observables: ReadonlyMap<MetricName, Observable>;
}

/** One instrument for every metric of the catalogue. */
function createInstruments(meter: Meter): Instruments {
  const histograms = new Map<MetricName, Histogram>();
  const observables = new Map<MetricName, Observable>();
  const advice = { explicitBucketBoundaries: [...classicBoundaries()] };
  for (const [name, { instrument, unit, brief: description }] of Object.entries<Metric>(catalogue)) {
    const key = name as MetricName;
    const options = { unit, description };
    if (instrument === 'histogram') histograms.set(key, meter.createHistogram(name, { ...options, advice }));
    else if (instrument === 'gauge') observables.set(key, meter.createObservableGauge(name, options));
    else if (instrument === 'counter') observables.set(key, meter.createObservableCounter(name, options));
    else observables.set(key, meter.createObservableUpDownCounter(name, options));
  }
  return { histograms, observables };
}
