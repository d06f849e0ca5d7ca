/** Baselines of kernels with given durations, for tests. */
import { baselineOf, describeDevices } from '../../src/baseline/baseline.ts';
import { gpu, stateOver } from '../profiler-state.ts';

export type Durations = Readonly<Record<string, readonly number[]>>;

/** What a GPU is described as after kernels took so long, in seconds; an empty list is a kernel that only failed. */
export function described(durations: Durations, identity = gpu) {
  const { state, profile, clock } = stateOver([identity]);
  for (const [name, seconds] of Object.entries(durations)) {
    const kernel = profile(identity.id).kernel(name);
    for (const each of seconds) kernel.record(each);
    if (seconds.length === 0) kernel.recordFailure('out_of_memory');
  }
  clock.seconds += 10;
  profile(identity.id).closeInterval(clock.seconds);
  return describeDevices(state);
}

export const baseline = (durations: Durations, identity = gpu) => baselineOf(described(durations, identity));

/** A kernel that always takes the same, so often. */
export const steady = (seconds: number, times = 20): readonly number[] => Array(times).fill(seconds);
