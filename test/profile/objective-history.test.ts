/** Kernels over their objectives, of the last intervals and not of the lifetime. */
import { expect, it } from 'vitest';
import { checkObjectives, type Objectives } from '../../src/objectives.ts';
import { DeviceProfile } from '../../src/profile/device-profile.ts';
import { DeviceHistory } from '../../src/profile/history.ts';
import { lifetimeWindow } from '../../src/profile/lifetime.ts';
import { gpu } from '../profiler-state.ts';

function deviceWith(kernels: Objectives['kernels']) {
  let now = 0;
  const objectives = checkObjectives({ kernels }) ?? [];
  const profile = new DeviceProfile(gpu, { now: () => now, objectives });
  const history = new DeviceHistory(profile);
  /** Executions of the device in 5 s, and what the window then says. */
  const tick = (executions: Readonly<Record<string, readonly number[]>> = {}) => {
    for (const [name, times] of Object.entries(executions)) for (const each of times) profile.kernel(name).record(each);
    now += 5;
    profile.closeInterval(now);
    history.close(now);
    return history.window()?.overObjective;
  };
  return { profile, history, tick, now: () => now };
}

const times = (count: number, over: number) => Array.from({ length: count }, (_, i) => (i < over ? 0.02 : 0.001));

it('a kernel is over P95 where more than 5 % of the executions of the window took longer', () => {
  const { tick } = deviceWith({ '*': { p95: '10ms' } });
  expect(tick({ exactly: times(100, 5), over: times(100, 6) })).toEqual([
    { kernel: 'over', quantile: 'p95', objective: 0.01, exceeded: 0.06 },
  ]);
  expect(tick({ over: times(100, 4) }), 'of both intervals together').toEqual([]);
});

it('the farthest over its objective comes first, whatever its share of the time', () => {
  const { tick } = deviceWith({ rare: { p99: '10ms' }, common: { p95: '10ms' } });
  const over = tick({ common: times(1000, 100), rare: times(100, 10), free: [5] });
  expect(over?.map(({ kernel, exceeded }) => [kernel, exceeded])).toEqual([
    ['rare', 0.1],
    ['common', 0.1],
  ]);
});

it('too few executions tell no quantile: one slow one is no missed objective', () => {
  const { tick } = deviceWith({ '*': { p95: '10ms' } });
  expect(tick({ slow: times(19, 19) })).toEqual([]);
  expect(tick({ slow: times(1, 1) })).toHaveLength(1);
});

it('is over with the window, and does not count what failed or never ran', () => {
  const { tick, profile } = deviceWith({ '*': { p95: '10ms', p99: '15ms' } });
  profile.kernel('failing').recordFailure('out_of_memory');
  profile.kernel('idle');
  expect(tick({ slow: times(100, 100) })?.map(({ quantile }) => quantile)).toEqual(['p99', 'p95']);
  for (let i = 0; i < 11; i++) expect(tick()).toHaveLength(2);
  expect(tick()).toEqual([]);
});

it('kernels that become a part of "other" are counted there in the interval in which they ran', () => {
  const { tick, profile } = deviceWith({ '*': { p95: '2ms' } });
  for (let i = 0; i < 32; i++) profile.kernel(`resident_${i}`);
  for (let i = 0; i < 20; i++) {
    const duration = i < 2 ? 0.004 : 0.001;
    profile.deliver({ kind: 'kernel', name: `one_shot_${i}`, start: 0, duration, wait: undefined, failed: undefined });
  }
  const over = [{ kernel: 'other', quantile: 'p95', objective: 0.002, exceeded: 0.1 }];
  expect(tick()).toEqual(over);
  expect(tick()).toEqual(over);
});

it('what came in a pause is in no window', () => {
  const { tick, profile, history, now } = deviceWith({ '*': { p95: '10ms' } });
  tick({ slow: times(50, 50) });
  profile.pause(now());
  history.reset();
  for (const each of times(50, 50)) profile.kernel('slow').record(each);
  profile.resume(now());
  expect(tick({ slow: times(50, 0) })).toEqual([]);
});

it('of a whole run it is of all executions', () => {
  const { tick, profile, now } = deviceWith({ '*': { p95: '10ms' } });
  for (let i = 0; i < 100; i++) tick({ slow: i < 50 ? [0.02] : [0.001] });
  expect(lifetimeWindow(profile, now()).overObjective).toEqual([
    { kernel: 'slow', quantile: 'p95', objective: 0.01, exceeded: 0.5 },
  ]);
});
