/** The state of a profiler over devices of the test's own, on a clock that the test turns. */
import { Analysis } from '../src/analysis.ts';
import type { DeviceIdentity } from '../src/backend.ts';
import { resolveOptions } from '../src/options.ts';
import { DeviceProfile } from '../src/profile/device-profile.ts';
import type { Window } from '../src/profile/window.ts';
import type { ProfilerState } from '../src/profiler.ts';
import { SelfTime } from '../src/self-time.ts';

export const gpu: DeviceIdentity = { id: 'GPU-1', backend: 'opencl', type: 'gpu', name: 'A GPU', index: 0 };

/** At first it is 100 s after the process began. */
export function stateOver(identities: readonly DeviceIdentity[], options: Parameters<typeof resolveOptions>[0] = {}) {
  const clock = { seconds: 100 };
  const now = () => clock.seconds;
  const resolved = resolveOptions(options, {}, () => {});
  const device = (identity: DeviceIdentity) => new DeviceProfile(identity, { ...resolved, now });
  const profiles = new Map(identities.map((identity) => [identity.id, device(identity)]));
  const windows = new Map<string, Window>();
  const analysis = new Analysis({
    now,
    unseen: () => [],
    historyOf: ({ identity }) => ({ close: () => true, reset() {}, window: () => windows.get(identity.id) }),
  });
  for (const profile of profiles.values()) analysis.add(profile);
  const state: ProfilerState = {
    profiles,
    analysis,
    phase: 'running',
    process: [],
    sessions: [],
    absent: [],
    options: resolved,
    selfTime: new SelfTime(now),
    self: () => ({ share: 0.001, budget: 0.005, level: 2 }),
    startedAt: now(),
    service: 'a service',
    now,
    refresh: async () => {},
    settle: () => {},
    atClose: new Set(),
  };
  /** Five seconds pass, in which the devices that are named did what the windows say, and the rules look at them. */
  const tick = (seen: Readonly<Record<string, Window>> = {}) => {
    for (const [id, window] of Object.entries(seen)) windows.set(id, window);
    clock.seconds += 5;
    analysis.tick([]);
  };
  return { clock, state, tick, profile: (id: string) => profiles.get(id) as DeviceProfile };
}
