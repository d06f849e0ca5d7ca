import { expect, it } from 'vitest';
import { DeviceProfile } from '../../src/profile/device-profile.ts';
import { DeviceHistory } from '../../src/profile/history.ts';
import { lifetimeWindow } from '../../src/profile/lifetime.ts';
import type { Durations, Window } from '../../src/profile/window.ts';

/** A device from 100 s on, one interval after the other of the same work. */
function worked(intervals: number) {
  let seconds = 100;
  const profile = new DeviceProfile(
    { id: 'GPU-1', backend: 'opencl', type: 'gpu', name: 'A GPU', index: 0 },
    { now: () => seconds, denyKernels: ['denied'], settleLag: 0 },
  );
  const history = new DeviceHistory(profile);
  const work = () => {
    for (const [i, duration] of [0.25, 0.5, 1].entries()) {
      profile.deliver({ kind: 'kernel', name: 'k', start: seconds - 4 + i, duration, wait: 0.125, failed: undefined });
    }
    profile.deliver({ kind: 'kernel', name: 'k', start: 0, duration: 0, wait: undefined, failed: 'lost' });
    const copy = { kind: 'transfer', direction: 'host_to_device', failed: undefined } as const;
    profile.deliver({ ...copy, bytes: 2 ** 21, start: seconds - 1, duration: 0.5 });
    profile.deliver({ kind: 'compilation', duration: 0.5 });
    profile.deliver({ kind: 'allocation', bytes: 10 });
    profile.deliver({ kind: 'allocation', bytes: 10, failed: 'out_of_memory' });
    profile.kernel('denied').record(0.25);
  };
  for (let i = 0; i < intervals; i++) {
    seconds += 5;
    work();
    profile.closeInterval(seconds);
    history.close(seconds);
  }
  profile.setReadings([{ name: 'hw.gpu.memory.limit', value: 1000 }]);
  return { profile, history, lifetime: lifetimeWindow(profile, seconds) };
}

const numbersOf = ({ count, failures, sum, mean, deviation, buckets }: Durations) => ({
  ...{ count, failures, sum, mean, buckets },
  deviation: deviation?.toFixed(9),
});

/** Without what a run as a whole has not, and with functions as the numbers that they give. */
function comparable({ kernels, byKernel, waits, memory, ...rest }: Window) {
  const { intervals, process, ...device } = rest;
  return {
    ...device,
    kernels: numbersOf(kernels),
    waits: numbersOf(waits),
    byKernel: byKernel.map((kernel) => [kernel.name, numbersOf(kernel), kernel.quantile(0.5)]),
    growth: memory.growth,
    failedAllocations: memory.failedAllocations,
  };
}

it('a whole run is the window of all its intervals', () => {
  const { history, lifetime } = worked(20);
  const window = history.window(24);
  if (window === undefined) throw new Error('no interval was closed');
  expect(window.intervals).toBe(20);
  expect(comparable(lifetime)).toEqual(comparable(window));
});

it('and beyond what a history keeps it has everything, with exact spread, the limit of the memory, and no halves', () => {
  const { lifetime } = worked(400);
  expect(lifetime).toMatchObject({ seconds: 2000, intervals: 1, utilization: 0.4 });
  expect(lifetime.transfers).toMatchObject({ count: 400, exposedSeconds: 200, large: { count: 400, seconds: 200 } });
  expect(lifetime.memory).toEqual({ usage: 4000, limit: 1000, growth: 4000, failedAllocations: 400 });
  const [kernel, ...others] = lifetime.byKernel;
  expect(others).toEqual([]);
  expect(kernel).toMatchObject({ name: 'k', count: 1200, failures: 400 });
  const squares = 400 * [0.25, 0.5, 1].reduce((sum, each) => sum + (each - 1.75 / 3) ** 2, 0);
  expect(kernel?.deviation).toBeCloseTo(Math.sqrt(squares / 1199), 9);
  expect(kernel?.halves(10)).toBeUndefined();
});
