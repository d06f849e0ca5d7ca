import { describe, expect, it } from 'vitest';
import { presentDevice } from '../src/device.ts';
import { healthOf } from '../src/health.ts';
import { DeviceProfile } from '../src/profile/device-profile.ts';
import { ProfilingMetric } from '../src/profiling-metrics.ts';

function device() {
  let clock = 0;
  const now = () => clock;
  const profile = new DeviceProfile({ id: 'c', backend: 'cpu', type: 'cpu', name: 'C', index: 0 }, { now });
  const processPoints = () => [{ name: 'process.memory.usage', value: 2 ** 20 }] as const;
  const health = () =>
    healthOf({
      device: profile.identity,
      timestamp: '',
      presence: 'running',
      sources: [],
      window: undefined,
      readings: [],
    });
  const context = {
    now,
    refresh: async () => {},
    analysed: () => undefined,
    findings: () => [],
    health,
    sources: () => [],
    presence: () => 'running' as const,
    processPoints,
  };
  const presented = presentDevice(profile, context);
  const take = (seconds: number) => {
    clock += seconds;
  };
  return { presented, take };
}

const statistics = (of: ReturnType<typeof device>['presented']) => of.getKernelStatistics().get('work');

describe('timeKernel', () => {
  it('times what runs at once, and gives back what it returned', () => {
    const { presented, take } = device();
    expect(
      presented.timeKernel('work', () => {
        take(0.25);
        return 42;
      }),
    ).toBe(42);
    expect(statistics(presented)).toMatchObject({ totalExecutions: 1, totalExecutionTimeMs: 250 });
  });

  it('times a promise until it settles', async () => {
    const { presented, take } = device();
    const result = presented.timeKernel('work', async () => {
      await null;
      take(0.5);
      return 'done';
    });
    expect(statistics(presented)?.totalExecutions ?? 0).toBe(0);
    expect(await result).toBe('done');
    expect(statistics(presented)).toMatchObject({ totalExecutions: 1, totalExecutionTimeMs: 500 });
  });

  it('passes on what is thrown, and counts it by its name', () => {
    const { presented } = device();
    const error = new RangeError('too much');
    expect(() =>
      presented.timeKernel('work', () => {
        throw error;
      }),
    ).toThrow(error);
    expect(statistics(presented)).toMatchObject({ totalExecutions: 1, failedExecutions: 1, totalExecutionTimeMs: 0 });
  });

  it('passes on a rejection, and counts it', async () => {
    const { presented } = device();
    await expect(presented.timeKernel('work', () => Promise.reject(new TypeError('no')))).rejects.toThrow('no');
    expect(statistics(presented)).toMatchObject({ failedExecutions: 1 });
  });

  it('times what only behaves like a promise, once, and gives on its value', async () => {
    const { presented, take } = device();
    const thenable = {
      // biome-ignore lint/suspicious/noThenProperty: it is the subject
      then: (done: (value: number) => void) => {
        take(0.5);
        done(7);
        done(8);
      },
    };
    expect(await presented.timeKernel('work', () => thenable)).toBe(7);
    expect(statistics(presented)).toMatchObject({ totalExecutions: 1, totalExecutionTimeMs: 500, failedExecutions: 0 });
  });
});

it('a snapshot holds what the device did, what was reported, and the process of a CPU', async () => {
  const { presented, take } = device();
  presented.kernel('work').record(0.001);
  presented.report(ProfilingMetric.create('Custom', 42, 'tokens in flight', '{token}'));
  take(5);
  const snapshot = await presented.getProfilingSnapshot();
  expect(snapshot).toMatchObject({ deviceId: 'c', backendType: 'cpu', isAvailable: true, totalOperations: 1 });
  const values = Object.fromEntries(snapshot.metrics.map(({ name, value }) => [name, value]));
  expect(values).toMatchObject({ 'tokens in flight': 42, 'process.memory.usage': 2 ** 20 });
});

it('an aborted snapshot rejects with the reason', async () => {
  const { presented } = device();
  await expect(presented.getProfilingSnapshot({ signal: AbortSignal.abort(new Error('later')) })).rejects.toThrow(
    'later',
  );
});
