/**
 * Notices a reader that collects one profiler through both the bridge and the producer, so that everything would be
 * in its result twice. Nobody can see at the start what a producer will be given to; but a reader calls the callbacks
 * of its MeterProvider and then its producers in one go, and this can be seen.
 */
import type { ProfilerState } from '../profiler.ts';

const observed = new WeakSet<ProfilerState>();

/** To be called where a reader begins to observe the bridge of this profiler. */
export function bridgeIsObserved(state: ProfilerState): void {
  observed.add(state);
  queueMicrotask(() => observed.delete(state));
}

/** True where the reader that calls this has just begun to observe the bridge of this profiler. */
export function isBridgeObserved(state: ProfilerState): boolean {
  return observed.has(state);
}

export const bothLanes =
  'a reader collects this profiler through bridgeToApi and through its metricProducer: the producer gives it nothing ' +
  'more, or everything would count twice. Use one of them';
