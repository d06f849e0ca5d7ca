import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Activity, KernelActivity, TransferDirection } from '../../src/activity.ts';
import type { DeviceIdentity } from '../../src/backend.ts';
import { DeviceProfile, type DeviceProfileOptions } from '../../src/profile/device-profile.ts';
import { ProfilingMetric } from '../../src/profiling-metrics.ts';

const gpu: DeviceIdentity = { id: 'GPU-1', backend: 'opencl', type: 'gpu', name: 'A GPU', index: 0 };
const cpu: DeviceIdentity = { id: 'host:cpu:0', backend: 'cpu', type: 'cpu', name: 'A CPU', index: 0 };

/** A profile with a clock that the test moves. */
function deviceAt(seconds: number, identity = gpu, options: DeviceProfileOptions = {}) {
  const clock = { seconds };
  const profile = new DeviceProfile(identity, { ...options, now: () => clock.seconds });
  const tick = (now: number) => {
    clock.seconds = now;
    profile.closeInterval(now);
  };
  return { profile, clock, tick };
}

const kernel = (fields: Partial<KernelActivity> = {}): KernelActivity => ({
  kind: 'kernel',
  name: 'k',
  start: 0,
  duration: 1,
  wait: undefined,
  failed: undefined,
  ...fields,
});

const onlyKernel = (profile: DeviceProfile) => Array.from(profile.kernels())[0];

describe('what a backend delivers', () => {
  it('is recorded by kind', () => {
    const { profile } = deviceAt(10);
    profile.deliver(kernel({ start: 8, duration: 0.5, wait: 0.25 }));
    profile.deliver({ kind: 'compilation', duration: 2 });
    profile.deliver({ kind: 'allocation', bytes: 4096 });
    profile.deliver({ kind: 'allocation', bytes: -1024 });
    profile.deliver({
      kind: 'transfer',
      direction: 'host_to_device',
      bytes: 100,
      start: 8,
      duration: 0.5,
      failed: undefined,
    });
    expect(onlyKernel(profile)?.distribution.sum).toBe(0.5);
    expect(profile.queueWait.sum).toBe(0.25);
    expect(profile.compilation.sum).toBe(2);
    expect(profile.memory.usage).toBe(3072);
    expect(profile.transfers.map(({ direction, bytes }) => [direction, bytes])).toEqual([['host_to_device', 100]]);
    expect(profile.rejected).toBe(0);
  });

  it('and failed is a failure and nothing else', () => {
    const { profile } = deviceAt(10);
    profile.deliver(kernel({ failed: 'out_of_resources', duration: 3, wait: 1 }));
    profile.deliver({
      kind: 'transfer',
      direction: 'device_to_host',
      bytes: 100,
      start: 1,
      duration: 1,
      failed: 'lost',
    });
    expect(onlyKernel(profile)?.failures).toEqual(new Map([['out_of_resources', 1]]));
    expect(profile.totals()).toEqual({ count: 0, sum: 0, failures: 1, min: undefined, max: undefined });
    expect(profile.queueWait.count).toBe(0);
    expect(profile.window()).toBeUndefined();
    const [copies] = profile.transfers;
    expect([copies?.bytes, copies?.distribution.count, copies?.failures.get('lost')]).toEqual([0, 0, 1]);
    profile.deliver({ kind: 'compilation', duration: 3, failed: 'build_program_failure' });
    profile.deliver({ kind: 'allocation', bytes: 100, failed: 'out_of_memory' });
    expect(profile.compilationFailures.byType()).toEqual(new Map([['build_program_failure', 1]]));
    expect(profile.allocationFailures.byType()).toEqual(new Map([['out_of_memory', 1]]));
    expect([profile.compilation.count, profile.memory.usage]).toEqual([0, undefined]);
  });

  it('and is malformed is counted, changes nothing else, and never throws', () => {
    const { profile, tick } = deviceAt(10);
    const malformed: unknown[] = [
      kernel({ duration: Number.NaN }),
      kernel({ duration: -1 }),
      { kind: 'compilation', duration: Number.POSITIVE_INFINITY },
      { kind: 'allocation', bytes: Number.NaN },
      { kind: 'transfer', direction: 'host_to_device', bytes: -1, start: 1, duration: 1 },
      { kind: 'transfer', direction: 'host_to_device', bytes: 1, start: 1, duration: -1 },
      { kind: 'transfer', direction: 'sideways', bytes: 1, start: 1, duration: 1 },
      { kind: 'earthquake' },
      { kind: 'kernel', name: 3, start: 0, duration: 1 },
      undefined,
    ];
    for (const activity of malformed) profile.deliver(activity as Activity);
    tick(15);
    expect(profile.rejected).toBe(malformed.length);
    expect(profile.totals().count).toBe(0);
    expect([profile.busySeconds, profile.compilation.count, profile.memory.usage]).toEqual([0, 0, undefined]);
    expect(profile.transfers).toEqual([]);
  });
});

it.each([undefined, null, '0.5', 5n, true, [1], new Date()])(
  'what a program records wrongly is counted and never thrown back at it: %s',
  (nothing: unknown) => {
    const { profile } = deviceAt(0);
    profile.kernel('k').recordFailure(undefined as unknown as string);
    profile.report(nothing as ProfilingMetric);
    profile.kernel('k').record(nothing as number);
    profile.transfer('host_to_device').record(nothing as number, 1);
    profile.memory.allocated(nothing as number);
    profile.queueWait.record(nothing as number);
    expect(onlyKernel(profile)?.failures).toEqual(new Map([['other', 1]]));
    expect(profile.rejected).toBe(5);
    expect(profile.totals()).toMatchObject({ count: 0, sum: 0, failures: 1 });
    expect([profile.memory.usage, profile.transfer('host_to_device').bytes]).toEqual([undefined, 0]);
  },
);

describe('busy time and utilization', () => {
  it('count overlapping kernels once, and follow the clock at a distance of a second', () => {
    const { profile, tick } = deviceAt(10);
    tick(15);
    profile.deliver(kernel({ start: 14.5, duration: 0.25 }));
    profile.deliver(kernel({ start: 14.5, duration: 0.5, name: 'other queue' }));
    tick(20);
    expect(profile.busySeconds).toBe(0.5);
    expect(profile.utilization).toBe(0.1);
  });

  it('are absent before the first interval has ended', () => {
    const { profile, tick } = deviceAt(10);
    expect(profile.utilization).toBeUndefined();
    tick(10);
    expect(profile.utilization).toBeUndefined();
    tick(15);
    expect(profile.utilization).toBe(0);
  });

  it('see a kernel whose device time lies ahead of the clock as one without a place', () => {
    const { profile, clock, tick } = deviceAt(10);
    profile.deliver(kernel({ start: 1e9, duration: 2 }));
    profile.deliver(kernel({ start: Number.NaN, duration: 1 }));
    tick(15);
    expect(profile.busySeconds).toBe(3);
    clock.seconds = 16;
    profile.deliver(kernel({ start: 15, duration: 1 }));
    tick(20);
    expect(profile.busySeconds).toBe(4);
  });

  it('never exceed the wall time, however many kernels are recorded without a start', () => {
    const { profile, tick } = deviceAt(10);
    const bound = profile.kernel('k');
    for (let i = 0; i < 100; i++) bound.record(1);
    tick(15);
    expect(profile.utilization).toBe(1);
    expect(profile.busySeconds).toBe(5);
    expect(profile.totals().sum).toBe(100);
  });

  it('of a CPU are what the system says, and absent until it says', () => {
    const { profile, tick } = deviceAt(10, cpu);
    profile.kernel('k').record(5);
    tick(15);
    expect(profile.utilization).toBeUndefined();
    profile.setUtilization(0.25);
    expect(profile.utilization).toBe(0.25);
    profile.setUtilization(Number.NaN);
    expect(profile.utilization).toBeUndefined();
  });

  it('never fall, whatever the clock and the activities do', () => {
    const anyTime = fc.double({ min: -1e3, max: 1e3 });
    const step = fc.oneof(fc.record({ start: anyTime, duration: anyTime }), anyTime);
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const { profile, tick } = deviceAt(0);
        let before = 0;
        for (const each of steps) {
          if (typeof each === 'number') tick(each);
          else profile.deliver(kernel(each));
          expect(profile.busySeconds).toBeGreaterThanOrEqual(before);
          before = profile.busySeconds;
          if (profile.utilization !== undefined) {
            expect(profile.utilization).toBeGreaterThanOrEqual(0);
            expect(profile.utilization).toBeLessThanOrEqual(1);
          }
        }
      }),
    );
  });
});

describe('the window of the device', () => {
  it('holds the last 1000 executions of all kernels', () => {
    const { profile } = deviceAt(0);
    const [slow, fast] = [profile.kernel('slow'), profile.kernel('fast')];
    for (let i = 0; i < 600; i++) slow.record(1);
    for (let i = 0; i < 600; i++) fast.record(0.5);
    expect(profile.window()).toMatchObject({ count: 1000, mean: 0.7, p50: 0.5, p95: 1 });
    fast.record(Number.NaN);
    expect(profile.window()?.count).toBe(1000);
  });

  it('says how old its oldest sample is, to within an interval', () => {
    const { profile, tick } = deviceAt(0);
    expect(profile.windowAge(0)).toBeUndefined();
    const bound = profile.kernel('k');
    tick(5);
    bound.record(1); // at some time between 5 and 10
    for (const now of [10, 15, 20]) tick(now);
    expect(profile.windowAge(22)).toBe(17);
    for (let i = 0; i < 1000; i++) bound.record(1);
    expect(profile.windowAge(22)).toBe(2);
  });
});

describe('transfers', () => {
  it('have the bandwidth of the last interval, over the time in which copies ran', () => {
    const { profile, tick } = deviceAt(0);
    const upload = profile.transfer('host_to_device');
    upload.recordAt(1, 1000, 2);
    upload.recordAt(2, 1000, 2);
    expect(upload.bandwidth).toBeUndefined();
    expect(upload.busySeconds).toBe(3); // those of an interval that is not over as well: so are their bytes
    tick(5);
    expect(upload.bandwidth).toBe(2000 / 3);
    expect(upload.busySeconds).toBe(3);
    tick(10);
    expect(upload.bandwidth).toBeUndefined();
    upload.record(500, 0.5);
    tick(15);
    expect(upload.bandwidth).toBe(1000);
    expect(upload.bytes).toBe(2500);
  });

  it('are absent in a direction in which nothing was copied', () => {
    const { profile } = deviceAt(0);
    profile.transfer('device_to_host');
    expect(profile.transfers).toEqual([]);
  });

  it('have four directions, and a mistyped one is an error where it is bound', () => {
    const { profile } = deviceAt(0);
    expect(() => profile.transfer('upload' as TransferDirection)).toThrow(/host_to_device/);
  });

  it('take their time together also when there are more than can wait', () => {
    const { profile, tick } = deviceAt(0);
    const upload = profile.transfer('host_to_device');
    for (let i = 0; i < 10_000; i++) upload.recordAt(i, 64, 0.5);
    tick(5);
    expect(upload.bandwidth).toBe(128);
  });
});

describe('the memory account', () => {
  it('is absent until an allocation or a release is told', () => {
    const { memory } = deviceAt(0).profile;
    expect([memory.allocations, memory.allocatedBytes, memory.usage, memory.peak]).toEqual(Array(4).fill(undefined));
    memory.freed(10);
    expect([memory.allocations, memory.allocatedBytes, memory.usage, memory.peak]).toEqual([0, 0, 0, 0]);
  });

  it('keeps usage, peak and what was allocated in all, and usage never falls below 0', () => {
    const { memory } = deviceAt(0).profile;
    memory.allocated(100);
    memory.allocated(50);
    memory.freed(120);
    memory.freed(120);
    memory.allocated(10);
    expect([memory.allocations, memory.allocatedBytes, memory.usage, memory.peak]).toEqual([3, 160, 10, 150]);
  });
});

describe('values of the program', () => {
  const report = (profile: DeviceProfile, name: string, value: number, unit?: string) =>
    profile.report(ProfilingMetric.create('Custom', value, name, unit));

  it('are the last reported of each name', () => {
    const { profile } = deviceAt(0);
    report(profile, 'tokens in flight', 1, '{token}');
    report(profile, 'tokens in flight', 2, '{token}');
    report(profile, 'batch', 8);
    report(profile, 'batch', Number.NaN);
    expect(Array.from(profile.custom.values(), ({ name, value, unit }) => [name, value, unit])).toEqual([
      ['tokens in flight', 2, '{token}'],
      ['batch', 8, undefined],
    ]);
    expect(profile.rejected).toBe(1);
  });

  it('have 32 names; reports under further ones are dropped and counted', () => {
    const { profile } = deviceAt(0);
    for (let i = 0; i < 40; i++) report(profile, `value ${i}`, i);
    report(profile, 'value 0', 100);
    expect(Array.from(profile.custom.values())).toHaveLength(32);
    expect(profile.custom.dropped).toBe(8);
    expect(Array.from(profile.custom.values())[0]?.value).toBe(100);
  });
});

it('throughput is over the last twelve intervals, failures included', () => {
  const { profile, tick } = deviceAt(0);
  const bound = profile.kernel('k');
  expect(profile.throughput).toBeUndefined();
  for (let i = 1; i <= 30; i++) {
    for (let n = 0; n < (i <= 18 ? 5 : 10); n++) bound.record(1e-3);
    if (i > 18) for (let n = 0; n < 5; n++) bound.recordFailure('lost');
    tick(i * 5);
  }
  expect(profile.throughput).toBe(3);
});

it('totals are over all kernels, also those that wait for a place', () => {
  const { profile } = deviceAt(0);
  for (let i = 1; i <= 200; i++) profile.deliver(kernel({ name: `k${i}`, duration: i }));
  profile.deliver(kernel({ name: 'k1', failed: 'lost' }));
  expect(profile.totals()).toEqual({ count: 200, sum: 20_100, min: 1, max: 200, failures: 1 });
});

it('attributes name the device, frozen and always the same object', () => {
  const { profile } = deviceAt(0);
  const { attributes } = profile;
  expect(attributes).toEqual({ 'hw.id': 'GPU-1', 'hw.type': 'gpu', 'accelmeter.backend': 'opencl' });
  const upload = profile.transfer('host_to_device');
  expect(upload.attributes).toEqual({ ...attributes, 'accelmeter.transfer.direction': 'host_to_device' });
  expect(profile.transfer('host_to_device')).toBe(upload);
  expect(profile.kernel('k')).toBe(profile.kernel('k'));
  expect([attributes, upload.attributes, profile.kernel('k').attributes].every(Object.isFrozen)).toBe(true);
});
