/** Executions that took longer than an objective are counted exactly, whatever becomes of their kernel. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkObjectives, type Objectives } from '../../src/objectives.ts';
import { DeviceTimeline } from '../../src/profile/device-timeline.ts';
import { type Kernel, KernelTable } from '../../src/profile/kernel-table.ts';

function tableWith(kernels: Objectives['kernels'], maxKernels = 64): KernelTable {
  const timeline = new DeviceTimeline({ now: () => 0, settleLag: 1 });
  const objectives = checkObjectives({ kernels }) ?? [];
  return new KernelTable(Object.freeze({ 'hw.id': 'GPU-1' }), timeline, { objectives, maxKernels });
}

const exceededOf = ({ objectives }: Kernel) =>
  Object.fromEntries(objectives.map(({ quantile, exceeded }) => [quantile, exceeded]));
const exported = (table: KernelTable) => new Map(Array.from(table.exported(), (k) => [k.name, exceededOf(k)]));
/** 32 kernels that take the places that are given at once. */
function occupy(table: KernelTable): void {
  for (let i = 0; i < 32; i++) table.find(`resident_${i}`);
}

describe('an execution', () => {
  it('counts where it took longer than the objective, not where it took as long', () => {
    const kernel = tableWith({ '*': { p95: '10ms', p99: '20ms' } }).bind('matmul');
    expect(exceededOf(kernel), 'counted from 0').toEqual({ p95: 0, p99: 0 });
    for (const seconds of [0.009, 0.01, 0.011, 0.02]) kernel.record(seconds);
    kernel.recordAt(1, 0.021);
    expect(exceededOf(kernel)).toEqual({ p95: 3, p99: 1 });
  });

  it('that failed, or has no sensible time, does not', () => {
    const kernel = tableWith({ '*': { p95: '10ms' } }).bind('matmul');
    kernel.recordFailure('out_of_memory');
    for (const seconds of [Number.NaN, -1, Number.POSITIVE_INFINITY]) kernel.record(seconds);
    expect(exceededOf(kernel)).toEqual({ p95: 0 });
  });

  it('of a kernel without an objective is not judged', () => {
    const kernel = tableWith({ matmul: { p95: '10ms' } }).bind('softmax');
    kernel.record(100);
    expect(kernel.objectives).toEqual([]);
  });
});

describe('a kernel that waits for a place', () => {
  const kernels = { '*': { p95: '10ms' }, other: { p95: '1s' } };

  it('is admitted with what exceeded its own objective', () => {
    const table = tableWith(kernels);
    occupy(table);
    for (let i = 0; i < 100; i++) table.find('late').record(0.02);
    table.admit(5);
    expect(exported(table).get('late')).toEqual({ p95: 100 });
  });

  it('becomes a part of "other" with what exceeded the objective of that', () => {
    const table = tableWith(kernels);
    occupy(table);
    for (const seconds of [0.0001, 0.02, 1.5]) table.find('one_shot').record(seconds);
    table.find('another').record(2);
    table.admit(3600 * 24);
    expect(exported(table).get('other')).toEqual({ p95: 2 });
  });

  it('counts in "other" where there is no place left, and where it is denied one', () => {
    const table = tableWith(kernels, 1);
    table.bind('first').record(0.02);
    table.bind('second').record(1.5);
    table.find('third').record(0.5);
    expect(exported(table)).toEqual(
      new Map([
        ['first', { p95: 1 }],
        ['other', { p95: 1 }],
      ]),
    );
  });
});

it('P95 and P99 are over their objectives exactly when more than 5 and 1 % of the executions are', () => {
  const times = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 400 });
  fc.assert(
    fc.property(times, (milliseconds) => {
      const kernel = tableWith({ '*': { p95: '20ms', p99: '20ms' } }).bind('matmul');
      for (const each of milliseconds) kernel.record(each / 1000);
      const sorted = milliseconds.toSorted((a, b) => a - b);
      const quantile = (percent: number) => sorted[Math.ceil((percent * sorted.length) / 100) - 1] as number;
      const over = Object.fromEntries(
        kernel.objectives.map(({ quantile: q, exceeded }) => [q, exceeded / kernel.distribution.count]),
      );
      expect((over.p95 as number) > 0.05).toBe(quantile(95) > 20);
      expect((over.p99 as number) > 0.01).toBe(quantile(99) > 20);
    }),
  );
});
