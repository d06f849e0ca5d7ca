/** Several processes told as one service. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { catalogue, type MetricName } from '../../src/catalogue.ts';
import { createMerger, rule, type Share, type SharedPoint, shareOf } from '../../src/cluster/merge.ts';
import { Distribution } from '../../src/distribution/distribution.ts';
import type { CollectedPoint } from '../../src/points.ts';

const device = { 'hw.id': 'GPU-1', 'hw.type': 'gpu', 'accelmeter.backend': 'opencl' };

function distributionOf(durations: readonly number[]): Distribution {
  const distribution = new Distribution();
  for (const duration of durations) distribution.record(duration);
  return distribution;
}

const kernel = (name: string, durations: readonly number[]): CollectedPoint => ({
  name: 'accelmeter.kernel.duration',
  attributes: { ...device, 'accelmeter.kernel.name': name },
  since: 0,
  distribution: distributionOf(durations),
});
const busy = (value: number): CollectedPoint => ({
  name: 'accelmeter.device.busy',
  attributes: device,
  since: 0,
  value,
});
const uptime = (value: number): CollectedPoint => ({ name: 'process.uptime', attributes: {}, since: 0, value });

/** What came over the channel: plain data. */
const received = (pid: number, ...points: CollectedPoint[]): Share => JSON.parse(JSON.stringify(shareOf(pid, points)));

const valuesOf = (points: readonly CollectedPoint[], name: MetricName) =>
  points.flatMap((point) => (point.name === name && 'value' in point ? [point.value] : []));
const kernels = (points: readonly CollectedPoint[]) =>
  points.flatMap((point) => ('distribution' in point ? [point] : []));

describe('the processes of a cluster', () => {
  it('add up what they did', () => {
    const all = createMerger(1).merge([busy(1.5)], [received(2, busy(2)), received(3, busy(4))]);
    expect(valuesOf(all, 'accelmeter.device.busy')).toEqual([7.5]);
  });

  it('are told apart where a value is of one process', () => {
    const all = createMerger(1).merge([uptime(9)], [received(2, uptime(5))]);
    expect(all.map((point) => [point.attributes['process.pid'], 'value' in point && point.value])).toEqual([
      [1, 9],
      [2, 5],
    ]);
  });

  it('have one objective, and add up what exceeded it', () => {
    const attributes = { ...device, 'accelmeter.kernel.name': 'matmul', 'accelmeter.quantile': 'p95' };
    const judged = (exceeded: number): CollectedPoint[] => [
      { name: 'accelmeter.kernel.objective', attributes, since: 0, value: 0.01 },
      { name: 'accelmeter.kernel.objective.exceeded', attributes, since: 0, value: exceeded },
    ];
    const all = createMerger(1).merge(judged(2), [received(2, ...judged(3))]);
    expect(valuesOf(all, 'accelmeter.kernel.objective')).toEqual([0.01]);
    expect(valuesOf(all, 'accelmeter.kernel.objective.exceeded')).toEqual([5]);
  });

  it('tell a device once, and no more than the whole of it', () => {
    const seen = (utilization: number, limit: number): CollectedPoint[] => [
      { name: 'accelmeter.device.info', attributes: device, since: 0, value: 1 } as CollectedPoint,
      { name: 'hw.gpu.memory.limit', attributes: device, since: 0, value: limit },
      { name: 'accelmeter.device.utilization', attributes: device, since: 0, value: utilization },
    ];
    const all = createMerger(1).merge(seen(0.7, 100), [received(2, ...seen(0.5, 100))]);
    expect(valuesOf(all, 'accelmeter.device.info')).toEqual([1]);
    expect(valuesOf(all, 'hw.gpu.memory.limit')).toEqual([100]);
    expect(valuesOf(all, 'accelmeter.device.utilization')).toEqual([1]);
  });

  it('have a bottleneck where one of them has it', () => {
    const active = (code: string, value: number) =>
      ({ name: 'accelmeter.bottleneck.active', attributes: { ...device, code }, since: 0, value }) as CollectedPoint;
    const all = createMerger(1).merge(
      [active('launch_bound', 0), active('queue_bound', 0), active('high_variance', 1)],
      [
        received(2, active('launch_bound', 1), active('queue_bound', 0), active('high_variance', 0)),
        received(3, active('launch_bound', 1), active('queue_bound', 0), active('high_variance', 0)),
      ],
    );
    expect(valuesOf(all, 'accelmeter.bottleneck.active')).toEqual([1, 0, 1]);
  });

  it('have one histogram, as if one process had measured it all', () => {
    const durations = fc.array(fc.double({ min: 0, max: 1e4, noNaN: true }), { maxLength: 30 });
    fc.assert(
      fc.property(fc.array(durations, { minLength: 1, maxLength: 4 }), (processes) => {
        const [own = [], ...others] = processes;
        const shares = others.map((each, i) => received(i + 2, kernel('k', each)));
        const [merged] = kernels(createMerger(1).merge([kernel('k', own)], shares));
        const whole = distributionOf(processes.flat());
        fc.pre(whole.count > 0);
        expect(merged?.distribution.sketch.classic()).toEqual(whole.sketch.classic());
        expect(merged?.distribution.sketch.exponential()).toEqual(whole.sketch.exponential());
        expect(merged?.distribution.count).toBe(whole.count);
        expect(merged?.distribution.sum).toBeCloseTo(whole.sum, 5);
        expect(merged?.distribution.min).toBe(whole.min);
        expect(merged?.distribution.max).toBe(whole.max);
      }),
    );
  });

  it('never let a counter fall, whatever they add and in whatever order they end', () => {
    const step = fc.record({ worker: fc.nat(3), adds: fc.double({ min: 0, max: 1, noNaN: true }), ends: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const merger = createMerger(1);
        const live = new Map<number, number[]>();
        let last = { busy: 0, sum: 0, count: 0 };
        for (const { worker, adds, ends } of steps) {
          live.set(worker, [...(live.get(worker) ?? []), adds]);
          const shares = Array.from(live, ([pid, did]) =>
            received(pid, busy(did.reduce((sum, each) => sum + each, 0)), kernel('k', did)),
          );
          const all = merger.merge([], shares);
          const { sum = 0, count = 0 } = kernels(all)[0]?.distribution ?? {};
          const now = { busy: valuesOf(all, 'accelmeter.device.busy')[0] ?? 0, sum, count };
          expect(now.busy).toBeGreaterThanOrEqual(last.busy);
          expect(now.sum).toBeGreaterThanOrEqual(last.sum);
          expect(now.count).toBe(last.count + 1);
          last = now;
          if (!ends) continue;
          const ended = shares.find(({ pid }) => pid === worker);
          if (ended) merger.keep(ended);
          live.delete(worker);
        }
      }),
    );
  });

  it('do not let it fall by a rounding either: in another order the same numbers have another sum', () => {
    const merger = createMerger(1);
    const [second, third] = [received(2, busy(0.1), kernel('k', [0.1])), received(3, busy(0.2), kernel('k', [0.2]))];
    const own = [busy(0.3), kernel('k', [0.3])];
    const sums = (points: readonly CollectedPoint[]) => [
      ...valuesOf(points, 'accelmeter.device.busy'),
      ...kernels(points).map(({ distribution }) => distribution.sum),
    ];
    const before = sums(merger.merge(own, [second, third]));
    merger.keep(second);
    expect(0.3 + 0.2 + 0.1).toBeLessThan(0.3 + 0.1 + 0.2);
    expect(sums(merger.merge(own, [third]))).toEqual(before);
  });

  it('leave no gauge behind when they end', () => {
    const merger = createMerger(1);
    const held: CollectedPoint = { name: 'accelmeter.memory.usage', attributes: device, since: 0, value: 5 };
    merger.keep(received(2, held, busy(1), uptime(7)));
    const all = merger.merge([], []);
    expect(all.map(({ name }) => name)).toEqual(['accelmeter.device.busy']);
  });

  it('come and go without end, and what is kept of them stays bounded', () => {
    const merger = createMerger(1);
    for (let i = 0; i < 10_000; i++) merger.keep(received(i, kernel(`kernel_${i}`, [0.001])));
    const kept = kernels(merger.merge([], []));
    expect(kept.length).toBeLessThanOrEqual(4097);
    expect(kept.reduce((sum, { distribution }) => sum + distribution.count, 0)).toBe(10_000);
    const other = kept.find(({ attributes }) => attributes['accelmeter.kernel.name'] === 'other');
    expect(other?.distribution.count).toBe(10_000 - 4096);
  });
});

it('a counter that is read of a device is that of the process which has counted longest, and never falls', () => {
  const energy = (value: number) =>
    ({ name: 'hw.energy', attributes: device, since: 0, value }) as const satisfies SharedPoint;
  const merger = createMerger(1);
  const merged = (...values: number[]) => {
    const others = values.map((value, index) => ({ pid: 2 + index, points: [energy(value)] }));
    return merger.merge([energy(10)], others).find(({ name }) => name === 'hw.energy');
  };
  expect(merged(700, 30)).toMatchObject({ value: 700 });
  merger.keep({ pid: 2, points: [energy(700)] });
  expect(merged(40)).toMatchObject({ value: 700 });
  expect(merged(705)).toMatchObject({ value: 705 });
});

it('what is read of a device does not add up, unless it says so', () => {
  const names = Object.keys(catalogue) as MetricName[];
  const read = names.filter((name) => catalogue[name].about === 'device' && catalogue[name].from === 'reading');
  expect(read.filter((name) => rule(name) === 'sum').sort()).toEqual([
    'accelmeter.device.process.memory',
    'accelmeter.device.queue.depth',
  ]);
});
