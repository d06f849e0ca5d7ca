import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { observe } from '../../src/analyzer/observe.ts';
import type { DeviceIdentity, Reading } from '../../src/backend.ts';
import { standardDeviation } from '../../src/distribution/statistics.ts';
import { DeviceProfile } from '../../src/profile/device-profile.ts';
import { DeviceHistory } from '../../src/profile/history.ts';
import type { Durations, Window } from '../../src/profile/window.ts';

const gpu: DeviceIdentity = { id: 'GPU-1', backend: 'opencl', type: 'gpu', name: 'A GPU', index: 0 };
const cpu: DeviceIdentity = { id: 'host:cpu:0', backend: 'cpu', type: 'cpu', name: 'A CPU', index: 0 };

/** A device at 100 s with its history; `tick` ends an interval of 5 s. */
function device(identity = gpu) {
  let seconds = 100;
  const profile = new DeviceProfile(identity, { now: () => seconds });
  const history = new DeviceHistory(profile);
  const closeAt = (
    now: number,
    ...rest: Parameters<DeviceHistory['close']> extends [number, ...infer R] ? R : never
  ) => {
    seconds = now;
    profile.closeInterval(now);
    history.close(now, ...rest);
  };
  return {
    profile,
    history,
    now: () => seconds,
    moveTo: (now: number) => {
      seconds = now;
    },
    closeAt,
    tick: (...rest: Parameters<DeviceHistory['close']> extends [number, ...infer R] ? R : never) =>
      closeAt(seconds + 5, ...rest),
  };
}

function windowOf(history: DeviceHistory, intervals?: number): Window {
  const window = history.window(intervals);
  if (window === undefined) throw new Error('no interval was closed');
  return window;
}

const countOf = ({ buckets }: Durations) => buckets.reduce((sum, { count }) => sum + count, 0);

describe('a window', () => {
  it('is there from the first interval on, of as many as there are, and never of more than 24', () => {
    const { history, tick } = device();
    expect(history.window()).toBeUndefined();
    tick();
    expect(windowOf(history)).toMatchObject({ intervals: 1, seconds: 5, age: 5 });
    for (let i = 0; i < 30; i++) tick();
    expect(windowOf(history)).toMatchObject({ intervals: 12, seconds: 60, age: 155 });
    expect(windowOf(history, 1)).toMatchObject({ intervals: 1, seconds: 5 });
    expect(windowOf(history, 100)).toMatchObject({ intervals: 24, seconds: 120 });
  });

  it('of an idle device has no mean, no deviation and no quantile, and no kernel', () => {
    const { history, tick } = device();
    tick();
    const { kernels, byKernel, waits, busySeconds, utilization, memory } = windowOf(history);
    for (const durations of [kernels, waits]) {
      expect([durations.mean, durations.deviation, durations.quantile(0.5)]).toEqual([undefined, undefined, undefined]);
      expect(durations.buckets).toEqual([]);
    }
    expect([byKernel.length, busySeconds, utilization]).toEqual([0, 0, 0]);
    expect(memory).toEqual({ usage: undefined, limit: undefined, growth: undefined, failedAllocations: 0 });
  });

  it('has exactly what ran in its intervals, by kernel and together', () => {
    const seconds = fc.double({ min: 1e-6, max: 1, noNaN: true });
    const ran = fc.record({ kernel: fc.nat(3), seconds, failed: fc.nat(9).map((n) => n === 0) });
    const history = fc.array(fc.array(ran, { maxLength: 30 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 24 }), fc.double({ min: 0, max: 1, noNaN: true }), (all, n, q) => {
        const { profile, history: kept, tick } = device();
        for (const interval of all) {
          for (const each of interval) {
            const kernel = profile.kernel(`k${each.kernel}`);
            if (each.failed) kernel.recordFailure('lost');
            else kernel.record(each.seconds);
          }
          tick();
        }
        const window = windowOf(kept, n);
        const within = all.slice(-n).flat();
        agrees(window.kernels, within, q);
        for (const kernel of window.byKernel) {
          const own = within.filter((each) => `k${each.kernel}` === kernel.name);
          agrees(kernel, own, q);
        }
        const sums = window.byKernel.map(({ sum }) => sum);
        expect(sums).toEqual(sums.toSorted((a, b) => b - a));
      }),
      { numRuns: 150 },
    );

    function agrees(durations: Durations, ran: readonly { seconds: number; failed: boolean }[], q: number): void {
      const taken = ran.filter(({ failed }) => !failed).map((each) => each.seconds);
      const count = taken.length;
      expect([durations.count, durations.failures, countOf(durations)]).toEqual([count, ran.length - count, count]);
      const sum = taken.reduce((total, each) => total + each, 0);
      expect(Math.abs(durations.sum - sum)).toBeLessThanOrEqual(1e-12 * sum);
      if (count === 0) return;
      expect(durations.mean).toBeCloseTo(sum / count, 12);
      const deviation = standardDeviation(taken);
      if (deviation === undefined) expect(durations.deviation).toBeUndefined();
      else expect(Math.abs((durations.deviation ?? 0) - deviation)).toBeLessThanOrEqual(1e-7 * (sum / count));
      const exact = taken.sort((a, b) => a - b)[Math.max(0, Math.ceil(q * count) - 1)] ?? 0;
      expect(Math.abs((durations.quantile(q) ?? 0) / exact - 1)).toBeLessThanOrEqual(durations.quantileError + 1e-9);
    }
  });

  it('has the waits, copies, compilations and failed allocations of its intervals', () => {
    const { profile, history, now, tick } = device();
    const work = () => {
      const start = now() - 4;
      profile.deliver({ kind: 'kernel', name: 'k', start, duration: 0.5, wait: 0.25, failed: undefined });
      const copy = { kind: 'transfer', direction: 'host_to_device', duration: 0.5, failed: undefined } as const;
      profile.deliver({ ...copy, bytes: 2 ** 20, start: start + 1 });
      profile.deliver({ ...copy, bytes: 2 ** 20 - 1, start: start + 1.25, direction: 'device_to_host' });
      profile.deliver({ kind: 'compilation', duration: 0.125 });
      profile.deliver({ kind: 'allocation', bytes: 1, failed: 'out_of_memory' });
    };
    tick();
    for (let i = 0; i < 15; i++) {
      work();
      tick();
    }
    const window = windowOf(history);
    expect(window.waits).toMatchObject({ count: 12, sum: 3, mean: 0.25, deviation: 0 });
    expect(window.transfers).toEqual({
      count: 24,
      bytes: 12 * (2 ** 21 - 1),
      seconds: 12 * 0.75,
      exposedSeconds: 12 * 0.75,
      large: { count: 12, bytes: 12 * 2 ** 20, seconds: 6 },
    });
    expect(window.compilation).toEqual({ count: 12, seconds: 1.5 });
    expect(window.memory.failedAllocations).toBe(12);
    expect([window.busySeconds, window.inFlightSeconds, window.utilization]).toEqual([6, 6 + 3 + 9, 0.1]);
  });

  it('is never busier than it is long, also when a long kernel ends in it', () => {
    const { profile, history, tick } = device();
    for (let i = 0; i < 20; i++) tick();
    profile.deliver({ kind: 'kernel', name: 'k', start: 101, duration: 99, wait: 1, failed: undefined });
    tick();
    expect(windowOf(history, 1)).toMatchObject({ seconds: 5, busySeconds: 5, inFlightSeconds: 5, utilization: 1 });
  });

  it('has what the process and the device told: averages of shares, the longest wait, else the last', () => {
    const { profile, history, tick } = device();
    const memory = (usage: number): Reading[] => [
      { name: 'hw.gpu.memory.usage', value: usage },
      { name: 'hw.gpu.memory.limit', value: 100 },
    ];
    for (const [i, loop] of [0.25, 0.75].entries()) {
      profile.setReadings(memory(10 + i));
      tick([
        { name: 'nodejs.eventloop.utilization', value: loop },
        { name: 'accelmeter.threadpool.queue.duration', value: 3 - i },
        { name: 'accelmeter.process.heap.usage', value: 1000 + i },
      ]);
    }
    const window = windowOf(history);
    expect(window.process).toEqual({ eventLoopUtilization: 0.5, threadPoolWait: 3, heapUsage: 1001 });
    expect(window.memory).toMatchObject({ usage: 11, limit: 100, growth: undefined });
    profile.setReadings([]);
    tick();
    expect(windowOf(history).process).toEqual({ eventLoopUtilization: 0.5, threadPoolWait: 3 });
    expect(windowOf(history).memory).toMatchObject({ usage: undefined, limit: undefined });
  });

  it('says how much more the process holds than when it began', () => {
    const { profile, history, tick } = device();
    for (let i = 0; i < 20; i++) {
      profile.memory.allocated(100);
      tick();
    }
    profile.memory.freed(50);
    tick();
    expect(windowOf(history).memory).toMatchObject({ usage: 1950, growth: 1050 });
  });

  it('of a CPU is utilized as its backend says, on average over time', () => {
    const { profile, history, closeAt } = device(cpu);
    profile.setUtilization(0.5);
    closeAt(105);
    profile.setUtilization(0.25);
    closeAt(120);
    expect(windowOf(history).utilization).toBe(0.3125);
  });

  it('names every source that was down in it', () => {
    const { history, tick } = device();
    tick([], ['a']);
    tick([], ['b', 'a']);
    tick();
    expect(windowOf(history).unseen).toEqual(['a', 'b']);
    expect(windowOf(history, 1).unseen).toEqual([]);
  });
});

describe('a kernel', () => {
  it('that was rare for a day is right to the last digits when it runs', () => {
    const { profile, history, tick } = device();
    profile.kernel('long').record(1e5);
    for (let i = 0; i < 100; i++) profile.kernel('short').record(1000);
    for (let i = 0; i < 25; i++) tick();
    const times = Array.from({ length: 500 }, (_, i) => 1e-5 * (1 + 0.01 * Math.cos(i)));
    for (const seconds of times) profile.kernel('short').record(seconds);
    tick();
    const [short] = windowOf(history).byKernel;
    expect(short).toMatchObject({ name: 'short', count: 500 });
    expect((short?.deviation ?? 0) / (standardDeviation(times) ?? 1)).toBeCloseTo(1, 9);
    expect((short?.sum ?? 0) / times.reduce((sum, each) => sum + each, 0)).toBeCloseTo(1, 12);
  });

  it('has halves once its history is twice as long, with the mean of each interval', () => {
    const { profile, history, tick } = device();
    const run = (seconds: number) => {
      profile.kernel('k').record(seconds);
      profile.kernel('k').record(seconds * 3);
      tick();
    };
    for (let i = 0; i < 19; i++) run(i < 10 ? 1e-3 : 2e-3);
    expect(windowOf(history).byKernel[0]?.halves(10)).toBeUndefined();
    profile.deliver({ kind: 'compilation', duration: 0.5 });
    run(2e-3);
    const halves = windowOf(history).byKernel[0]?.halves(10);
    expect(halves).toMatchObject({ seconds: 100, compilingSeconds: 0.5 });
    expect([halves?.older.count, halves?.newer.count]).toEqual([20, 20]);
    expect(halves?.older.means).toEqual(new Array(10).fill(2e-3));
    expect(halves?.newer.means).toEqual(new Array(10).fill(4e-3));
    expect(halves?.newer.quantile(1)).toBeGreaterThan(5e-3);
    expect(windowOf(history).byKernel[0]?.halves(0)).toBeUndefined();
    expect(windowOf(history).byKernel[0]?.halves(13)).toBeUndefined();
  });

  it('that appears late has halves only of its own time; vanished and back it has gaps without runs', () => {
    const { profile, history, tick } = device();
    for (let i = 0; i < 10; i++) tick();
    const run = () => profile.kernel('k').record(1e-3);
    for (let i = 0; i < 4; i++) {
      run();
      tick();
    }
    expect(windowOf(history).byKernel[0]?.count).toBe(4);
    expect(windowOf(history).byKernel[0]?.halves(2)?.older.count).toBe(2);
    expect(windowOf(history).byKernel[0]?.halves(3)).toBeUndefined();
    for (let i = 0; i < 12; i++) tick();
    expect(windowOf(history).byKernel).toEqual([]);
    run();
    tick();
    const halves = windowOf(history).byKernel[0]?.halves(6);
    expect([halves?.older.count, halves?.newer.count, halves?.newer.means.length]).toEqual([0, 1, 1]);
  });

  it('gives its place to one that weighs more, when it does not run any more', () => {
    const { profile, history, tick } = device();
    const names = (from: number) => Array.from({ length: 16 }, (_, i) => `k${from + i}`);
    for (const name of names(0)) profile.kernel(name).record(1);
    tick();
    for (const name of names(16)) profile.kernel(name).record(1);
    tick();
    const followed = () => new Set(windowOf(history, 24).byKernel.map(({ name }) => name));
    expect(followed()).toEqual(new Set(names(0)));
    for (let i = 0; i < 22; i++) tick();
    for (const name of names(16)) profile.kernel(name).record(1);
    tick(); // the first interval of these has left what is kept
    // They had run before that interval: what they did is known from it on by its sums, and by rank from the next.
    for (const name of names(16)) profile.kernel(name).record(1);
    tick();
    expect(followed()).toEqual(new Set(names(16)));
  });

  /** The tick at which a kernel of a share of the time is followed that appears beside sixteen that share the rest. */
  function followedAfter(share: number): number {
    const { profile, history, tick } = device();
    const sixteen = (seconds: number) => {
      for (let i = 0; i < 16; i++) profile.kernel(`k${i}`).record(seconds / 16);
    };
    for (let i = 0; i < 100; i++) {
      sixteen(1);
      tick();
    }
    for (let i = 1; i <= 100; i++) {
      sixteen(1 - share);
      profile.kernel('big').record(share);
      tick();
      if (windowOf(history).byKernel.some(({ name }) => name === 'big')) return i;
    }
    return Number.NaN;
  }

  it('is followed soon where it weighs more than one that is, however long that has run', () => {
    const ticks = [0.2, 0.3, 0.5, 0.6].map(followedAfter);
    for (const tick of ticks) expect(tick).toBeLessThanOrEqual(8);
  });

  it('keeps its history where others of its weight run in turn with it', () => {
    const { profile, history, tick } = device();
    for (let i = 0; i < 60; i++) {
      for (let k = 0; k < 16; k++) profile.kernel(`k${16 * (i % 2) + k}`).record(0.01);
      tick();
    }
    expect(windowOf(history, 24).byKernel.every((kernel) => kernel.halves(12) !== undefined)).toBe(true);
  });

  it('is not told apart where it takes no time to speak of, nor is the mixture "other"', () => {
    let seconds = 100;
    const profile = new DeviceProfile(gpu, { now: () => seconds, denyKernels: ['x*'] });
    const history = new DeviceHistory(profile);
    profile.kernel('heavy').record(1);
    profile.kernel('light').record(1e-3);
    profile.kernel('x').record(1);
    seconds += 5;
    profile.closeInterval(seconds);
    history.close(seconds);
    const window = windowOf(history);
    expect(window.byKernel.map(({ name }) => name)).toEqual(['heavy']);
    expect(window.kernels).toMatchObject({ count: 3, sum: 2.001 });
  });

  it('of which each execution fails takes no time, and is told all the same', () => {
    const { profile, history, tick } = device();
    for (let i = 0; i < 100; i++) {
      profile.kernel('good').record(1e-3);
      profile.kernel('broken').recordFailure('invalid_args');
    }
    profile.kernel('good').recordFailure('once');
    tick();
    const window = windowOf(history);
    expect(window.byKernel.map(({ name, failures }) => [name, failures])).toEqual([
      ['good', 1],
      ['broken', 100],
    ]);
    const { sightings } = observe(window);
    expect(sightings.map(({ rule, observation }) => [rule.code, observation.counterEvidence])).toEqual([
      ['failing_operations', ['100 of broken']],
    ]);
  });

  it('that waited for a place is there with all that it did in the interval', () => {
    const { profile, history, now, tick } = device();
    for (let i = 0; i < 32; i++) profile.kernel(`first${i}`).record(1e-6);
    tick();
    for (let i = 0; i < 200; i++) {
      profile.deliver({
        kind: 'kernel',
        name: 'late',
        start: now(),
        duration: 1e-3,
        wait: undefined,
        failed: undefined,
      });
    }
    profile.deliver({ kind: 'kernel', name: 'once', start: now(), duration: 1e-3, wait: undefined, failed: undefined });
    tick();
    expect(windowOf(history, 1).kernels.count).toBe(201);
    expect(windowOf(history, 1).byKernel.map(({ name, count }) => [name, count])).toEqual([['late', 200]]);
  });
});

describe('time', () => {
  it('that goes back ends no interval, and nothing is lost', () => {
    const { profile, history, closeAt } = device();
    profile.kernel('k').record(1);
    closeAt(105);
    profile.kernel('k').record(1);
    closeAt(50);
    closeAt(105.01);
    expect(windowOf(history)).toMatchObject({ intervals: 1, seconds: 5 });
    closeAt(110);
    expect(windowOf(history)).toMatchObject({ intervals: 2, seconds: 10 });
    expect(windowOf(history).byKernel[0]?.count).toBe(2);
  });

  it('is not taken twice where no interval was closed in between', () => {
    const { profile, history, now, tick } = device();
    profile.kernel('k').record(1);
    tick();
    history.close(now());
    expect(windowOf(history)).toMatchObject({ intervals: 1, seconds: 5 });
  });

  it('before a pause, and in it, is in no window', () => {
    const { profile, history, moveTo, now, tick } = device();
    const run = (times: number) => {
      for (let i = 0; i < times; i++) profile.kernel('k').record(1e-3);
    };
    for (let i = 0; i < 10; i++) {
      run(10);
      tick();
    }
    profile.pause(now());
    history.reset();
    expect(history.window()).toBeUndefined();
    run(1000);
    moveTo(900);
    profile.resume(900);
    run(7);
    tick();
    const window = windowOf(history);
    expect(window).toMatchObject({ intervals: 1, seconds: 5, age: 5 });
    expect(window.kernels).toMatchObject({ count: 7 });
    run(5);
    tick();
    const [kernel] = windowOf(history).byKernel;
    // In the pause it ran as well, so its history begins with the first whole interval.
    expect(kernel?.count).toBe(5);
    expect(countOf(windowOf(history, 1).kernels)).toBe(5);
    run(5);
    tick();
    expect(windowOf(history).byKernel[0]?.halves(1)?.older.count).toBe(5);
    expect(windowOf(history).byKernel[0]?.halves(2)).toBeUndefined();
  });

  it('after a pause is whole from the first interval on, whatever ran until then', () => {
    const { profile, history, moveTo, tick } = device();
    const run = (times: number) => {
      for (let i = 0; i < times; i++)
        profile.deliver({ kind: 'kernel', name: 'k', start: 100, duration: 1e-3, wait: 2e-3, failed: undefined });
    };
    run(1);
    tick();
    run(3); // since the last tick
    moveTo(107);
    profile.pause(107);
    history.reset();
    run(1000);
    moveTo(900);
    profile.resume(900);
    history.reset();
    run(7);
    tick();
    const { kernels, waits, byKernel } = windowOf(history);
    expect([countOf(kernels), countOf(waits)]).toEqual([7, 7]);
    expect(kernels.quantile(0.5)).toBeCloseTo(1e-3, 4);
    expect(byKernel.map((kernel) => [kernel.count, countOf(kernel)])).toEqual([[7, 7]]);
  });

  it('after a pause in which nothing ran is whole from the first interval on', () => {
    const { profile, history, moveTo, now, tick } = device();
    profile.kernel('k').record(1e-3);
    tick();
    profile.pause(now());
    moveTo(900);
    profile.resume(900);
    profile.kernel('k').record(1e-3);
    tick(); // also where nobody called reset()
    expect(windowOf(history)).toMatchObject({ intervals: 1, age: 5 });
    expect(windowOf(history).byKernel[0]?.count).toBe(1);
  });
});
