import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeviceTimeline } from '../../src/profile/device-timeline.ts';
import { KernelTable, type KernelTableOptions } from '../../src/profile/kernel-table.ts';

const tick = 5;

function tableOf(options: KernelTableOptions = {}): KernelTable {
  const attributes = Object.freeze({ 'hw.id': 'GPU-1' });
  return new KernelTable(attributes, new DeviceTimeline({ now: () => 0, settleLag: 1 }), options);
}

/** A table in which 32 kernels have the places that are given at once. */
function occupied(options: KernelTableOptions = {}): KernelTable {
  const table = tableOf(options);
  for (let i = 0; i < 32; i++) table.find(`resident_${i}`).record(1e-3);
  return table;
}

const run = (table: KernelTable, name: string, times: number, seconds = 1e-6) => {
  for (let i = 0; i < times; i++) table.find(name).record(seconds);
};
const exportedCounts = (table: KernelTable) =>
  new Map(Array.from(table.exported(), ({ name, distribution }) => [name, distribution.count]));

describe('the first kernels', () => {
  it('are exported from their first execution on', () => {
    const table = occupied();
    expect(exportedCounts(table).size).toBe(32);
    expect(exportedCounts(table).get('other')).toBeUndefined();
  });

  it('are no more than the places there are', () => {
    const table = tableOf({ maxKernels: 2 });
    for (const name of ['a', 'b', 'c', 'd']) run(table, name, 1);
    expect(exportedCounts(table)).toEqual(
      new Map([
        ['a', 1],
        ['b', 1],
        ['other', 2],
      ]),
    );
  });
});

describe('a later kernel', () => {
  it('is not exported before the end of the interval, then with all that it recorded', () => {
    const table = occupied();
    run(table, 'late', 100);
    table.find('late').recordFailure('out_of_memory');
    expect(exportedCounts(table).has('late')).toBe(false);
    table.admit(tick);
    expect(exportedCounts(table).get('late')).toBe(100);
    expect(Array.from(table.exported()).at(-1)?.failures).toEqual(new Map([['out_of_memory', 1]]));
  });

  it('earns its place by 100 executions or by 0.1 % of the time, and is "other" below both', () => {
    const table = occupied();
    run(table, 'often', 100);
    run(table, 'seldom', 99);
    run(table, 'heavy', 1, tick / 1000);
    run(table, 'light', 1, tick / 1001);
    table.admit(tick);
    const counts = exportedCounts(table);
    expect([counts.get('often'), counts.get('heavy'), counts.get('other')]).toEqual([100, 1, 100]);
    expect([counts.has('seldom'), counts.has('light')]).toEqual([false, false]);
    expect(table.namesOther).toBe(2);
  });

  it('is counted as "other" however many there are, and 512 of their names are remembered', () => {
    const table = occupied();
    for (let i = 0; i < 2000; i++) run(table, `one_shot_${i}`, 1);
    table.admit(tick);
    expect(table.namesOther).toBe(512);
    expect(exportedCounts(table).get('other')).toBe(2000);
  });

  it('that failed a place is "other" for that interval and may earn one in the next', () => {
    const table = occupied();
    run(table, 'growing', 10);
    table.admit(tick);
    run(table, 'growing', 100);
    table.admit(tick);
    expect([exportedCounts(table).get('growing'), exportedCounts(table).get('other')]).toEqual([100, 10]);
  });

  it('gets one of the last places by its weight', () => {
    const table = occupied({ maxKernels: 33 });
    run(table, 'light', 100, 1e-6);
    run(table, 'heavy', 100, 1e-3);
    table.admit(tick);
    expect(exportedCounts(table).get('heavy')).toBe(100);
    expect(exportedCounts(table).get('other')).toBe(100);
  });

  it('does not wait in a crowd without end', () => {
    const table = occupied();
    for (let i = 0; i < 1000; i++) run(table, `tuned_${i}`, 1);
    expect(Array.from(table.all()).length).toBeLessThanOrEqual(64 + 16 + 1);
    table.admit(tick);
    expect(exportedCounts(table).get('other')).toBe(1000);
  });
});

describe('a kernel bound by the program', () => {
  it('is admitted at once, and with what it recorded while it waited', () => {
    const table = occupied();
    run(table, 'mine', 3);
    const mine = table.bind('mine');
    mine.record(1e-3);
    expect(exportedCounts(table).get('mine')).toBe(4);
    expect(table.find('mine')).toBe(mine);
  });

  it('is "other" where every place is taken, and stays right', () => {
    const table = tableOf({ maxKernels: 40 });
    for (let i = 0; i < 32; i++) table.bind(`resident_${i}`);
    run(table, 'waiting', 5);
    for (let i = 32; i < 40; i++) table.bind(`resident_${i}`);
    const handle = table.bind('waiting');
    handle.record(1e-3);
    table.admit(tick);
    handle.record(1e-3);
    expect(exportedCounts(table).get('other')).toBe(7);
    expect(handle.name).toBe('other');
  });
});

describe('the operator', () => {
  it('can deny a kernel a place, and give one at once', () => {
    const table = occupied({ denyKernels: ['tune_*'], allowKernels: ['model_*'] });
    run(table, 'tune_1', 1000);
    table.bind('tune_2').record(1);
    run(table, 'model_1', 1);
    expect(exportedCounts(table).get('model_1')).toBe(1);
    table.admit(tick);
    expect(exportedCounts(table).get('other')).toBe(1001);
  });
});

it('a kernel whose name nobody kept is "other", beside one of the program that is called so', () => {
  const table = tableOf();
  table.find(undefined).record(1e-3);
  table.find('other').record(1e-3);
  expect([...exportedCounts(table).keys()]).toEqual([expect.stringMatching(/^other#/), 'other']);
});

it('error types are told apart up to a bound, and every failure counts', () => {
  const kernel = tableOf().bind('k');
  for (let i = 0; i < 100; i++) kernel.recordFailure(`error_${i}`);
  expect(kernel.failures.size).toBe(17);
  expect(kernel.failures.get('other')).toBe(84);
  expect(kernel.failureCount).toBe(100);
});

it('error types of all kernels share room, so that they do not become a thousand series', () => {
  const table = tableOf();
  const kernels = Array.from({ length: 64 }, (_, k) => table.bind(`k${k}`));
  for (const kernel of kernels) for (let i = 0; i < 16; i++) kernel.recordFailure(`error_${i}`);
  const types = kernels.flatMap(({ failures }) => [...failures.keys()]);
  expect(types.filter((type) => type !== 'other')).toHaveLength(256);
  expect(kernels.every(({ failureCount }) => failureCount === 16)).toBe(true);
  expect(kernels.at(-1)?.failures).toEqual(new Map([['other', 16]]));
});

it('a kernel that becomes a part of "other" gives its room for error types back', () => {
  const table = tableOf();
  for (let k = 0; k < 32; k++) table.bind(`k${k}`);
  for (let round = 0; round < 30; round++) {
    for (let i = 0; i < 16; i++) table.find(`once_${round}`).recordFailure(`error_${i}`);
    table.admit(tick);
  }
  const kernel = table.bind('k0');
  kernel.recordFailure('lost');
  expect([...kernel.failures.keys()]).toEqual(['lost']);
});

it("a kernel's attributes are one frozen object", () => {
  const kernel = tableOf().bind('k');
  kernel.recordFailure('lost');
  kernel.recordFailure('lost');
  expect(Object.isFrozen(kernel.attributes)).toBe(true);
  expect(kernel.attributes).toEqual({ 'hw.id': 'GPU-1', 'accelmeter.kernel.name': 'k' });
  const [first] = kernel.failureSeries;
  const [again] = kernel.failureSeries;
  expect(first?.attributes).toEqual({ ...kernel.attributes, 'error.type': 'lost' });
  expect(again?.attributes).toBe(first?.attributes);
});

it('every execution and failure counts once, and nothing exported falls, whatever names come and whenever ticks are', () => {
  const step = fc.oneof(
    {
      weight: 20,
      arbitrary: fc.record({ name: fc.integer({ min: 0, max: 150 }), times: fc.integer({ min: 1, max: 120 }) }),
    },
    { weight: 3, arbitrary: fc.constant('tick' as const) },
    { weight: 2, arbitrary: fc.record({ bind: fc.integer({ min: 0, max: 150 }) }) },
    { weight: 2, arbitrary: fc.record({ fail: fc.integer({ min: 0, max: 150 }) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), fc.constantFrom(1, 20, 40, 64), (steps, maxKernels) => {
      const table = tableOf({ maxKernels, denyKernels: ['k7'], allowKernels: ['k8'] });
      let told = 0;
      let failed = 0;
      let before = new Map<string, readonly number[]>();
      for (const each of steps) {
        if (each === 'tick') table.admit(tick);
        else if ('bind' in each) {
          table.bind(`k${each.bind}`).record(1e-4);
          told += 1;
        } else if ('fail' in each) {
          table.find(`k${each.fail}`).recordFailure('lost');
          failed += 1;
        } else {
          run(table, `k${each.name}`, each.times, 1e-5);
          told += each.times;
        }
        const now = new Map(
          Array.from(table.exported(), ({ name, distribution, failureCount }) => [
            name,
            [distribution.count, distribution.sum, failureCount, ...distribution.sketch.classic()],
          ]),
        );
        for (const [name, counters] of before) {
          counters.forEach((value, i) => void expect(now.get(name)?.[i]).toBeGreaterThanOrEqual(value));
        }
        expect(now.size).toBeLessThanOrEqual(maxKernels + 1);
        before = now;
      }
      table.admit(tick);
      const exported = Array.from(table.exported());
      expect(exported.reduce((sum, { distribution }) => sum + distribution.count, 0)).toBe(told);
      expect(exported.reduce((sum, { failureCount }) => sum + failureCount, 0)).toBe(failed);
    }),
    { numRuns: 60 },
  );
});
