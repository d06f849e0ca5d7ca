/**
 * The statistics of a snapshot against references that share nothing with the code under test: those of executions
 * against NumPy, those of time against a grid whose cells are counted.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { DeviceIdentity } from '../src/backend.ts';
import { DeviceProfile } from '../src/profile/device-profile.ts';
import { takeSnapshot } from '../src/snapshot.ts';

const gpu: DeviceIdentity = { id: 'GPU-1', backend: 'opencl', type: 'gpu', name: 'A GPU', index: 0 };

/**
 * What NumPy 2.4 says of the first `n` of these times, in milliseconds:
 *
 *     times = 1e-4 * 2 ** (np.arange(n) * 7919 % 1009 / 100)
 *     last = times[-1000:]
 *     times.mean(), last.mean(), times.min(), times.max(), np.percentile(last, [50, 95, 99]), np.std(last, ddof=1)
 */
const time = (i: number) => 1e-4 * 2 ** (((i * 7919) % 1009) / 100);
const numpy = [
  [1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, undefined],
  [2, 18.9206459813, 18.9206459813, 0.1, 37.7412919627, 18.9206459813, 35.8592273645, 37.364879043, 26.6164127994],
  [3, 16.9700823906, 16.9700823906, 0.1, 37.7412919627, 13.0689552091, 35.2740582873, 37.2478452276, 19.1214751031],
  [20, 11.8308076599, 11.8308076599, 0.1, 70.9176047673, 2.4302832047, 47.3827027398, 66.2106243618, 19.1297588548],
  [999, 15.5767616817, 15.5767616817, 0.1, 108.2386473535, 3.3128477563, 76.5895167238, 101.004277792, 24.6161236289],
  [1000, 15.5648863222, 15.5648863222, 0.1, 108.2386473535, 3.3243690955, 76.562899127, 100.997253366, 24.6066658974],
  [1001, 15.5506174166, 15.566068034, 0.1, 108.2386473535, 3.3243690955, 76.562899127, 100.997253366, 24.6059508323],
  [2500, 15.5047372263, 15.5139081569, 0.1, 108.2386473535, 3.2786015238, 76.562899127, 100.997253366, 24.6033842118],
] as const;

it.each(numpy)(
  '%i executions: averages of all and of the last 1000, bounds, percentiles and deviation are NumPy’s',
  (count, ...expected) => {
    const profile = new DeviceProfile(gpu, { now: () => 0 });
    const kernel = profile.kernel('k');
    for (let i = 0; i < count; i += 1) kernel.record(time(i));
    const { kernelStats: stats, averageLatencyMs } = takeSnapshot(profile, 0);
    const said = [
      stats?.averageExecutionTimeMs,
      stats?.windowAverageExecutionTimeMs,
      stats?.minExecutionTimeMs,
      stats?.maxExecutionTimeMs,
      stats?.medianExecutionTimeMs,
      stats?.p95ExecutionTimeMs,
      stats?.p99ExecutionTimeMs,
      stats?.standardDeviationMs,
    ];
    expect(averageLatencyMs).toBe(stats?.averageExecutionTimeMs);
    for (const [i, value] of said.entries()) {
      const reference = expected[i];
      if (reference === undefined) expect(value).toBeUndefined();
      // The last samples are kept in single precision, of seven digits.
      else expect(Math.abs((value ?? Number.NaN) / reference - 1), String(i)).toBeLessThan(1e-6);
    }
  },
);

/** Times are in cells of 1/64 s, which doubles add without rounding. */
const cell = 1 / 64;
const intervalCells = 5 * 64;

interface Piece {
  readonly of: 'kernel' | 'host_to_device' | 'device_to_host';
  readonly failed: boolean;
  /** Cells after the interval began; it ends before the interval does. */
  readonly from: number;
  readonly cells: number;
  readonly bytes: number;
}

const piece: fc.Arbitrary<Piece> = fc.record({
  of: fc.constantFrom('kernel', 'kernel', 'host_to_device', 'device_to_host'),
  failed: fc.nat(9).map((one) => one === 0),
  from: fc.integer({ min: 0, max: intervalCells - 64 }),
  cells: fc.integer({ min: 1, max: 64 }),
  bytes: fc.integer({ min: 1, max: 2 ** 30 }),
});

/** How many cells at least one of these pieces covers. */
function covered(pieces: readonly Piece[]): number {
  return new Set(pieces.flatMap(({ from, cells }) => Array.from({ length: cells }, (_, i) => from + i))).size;
}

it('counts, success rate, utilization, throughput and bandwidth are those of a grid, whatever ran beside what', () => {
  fc.assert(
    fc.property(fc.array(fc.array(piece, { maxLength: 40 }), { minLength: 1, maxLength: 16 }), (intervals) => {
      const { profile, now } = run(intervals);
      const snapshot = takeSnapshot(profile, now);
      const kernels = intervals.map((pieces) => pieces.filter(({ of }) => of === 'kernel'));
      const all = kernels.flat();
      const succeeded = all.filter(({ failed }) => !failed);
      expect(snapshot.totalOperations).toBe(all.length);
      expect(snapshot.kernelStats?.failedExecutions).toBe(all.length - succeeded.length);
      expect(snapshot.kernelStats?.successRate).toBe(all.length === 0 ? 1 : succeeded.length / all.length);
      expect(snapshot.kernelStats?.totalExecutionTimeMs).toBe(
        succeeded.reduce((sum, { cells }) => sum + cells * cell, 0) * 1000,
      );
      const last = kernels.at(-1)?.filter(({ failed }) => !failed) ?? [];
      expect(snapshot.deviceUtilizationPercent).toBeCloseTo((covered(last) / intervalCells) * 100, 9);
      const recent = kernels.slice(-12);
      expect(snapshot.throughputOpsPerSecond).toBeCloseTo(recent.flat().length / (recent.length * 5), 9);
      expect(snapshot.memoryStats?.bandwidthMBps ?? 0).toBeCloseTo(bandwidth(intervals), 6);
    }),
  );
});

/** Over the time in which any copy ran: a link carries both directions at once. In MB of 2^20 bytes. */
function bandwidth(intervals: readonly (readonly Piece[])[]): number {
  let bytes = 0;
  let cells = 0;
  for (const pieces of intervals) {
    const copies = pieces.filter(({ of, failed }) => of !== 'kernel' && !failed);
    bytes += copies.reduce((sum, copy) => sum + copy.bytes, 0);
    cells += covered(copies);
  }
  return cells === 0 ? 0 : bytes / 2 ** 20 / (cells * cell);
}

/** A device that did this, told of each piece when it ended. */
function run(intervals: readonly (readonly Piece[])[]) {
  const clock = { now: 0 };
  const profile = new DeviceProfile(gpu, { now: () => clock.now, settleLag: 0 });
  for (const pieces of intervals) {
    const began = clock.now;
    const byEnd = pieces.toSorted((a, b) => a.from + a.cells - b.from - b.cells);
    for (const { of, failed: fails, from, cells, bytes } of byEnd) {
      clock.now = began + (from + cells) * cell;
      const failed = fails ? 'lost' : undefined;
      const when = { start: began + from * cell, duration: cells * cell, failed };
      if (of === 'kernel') profile.deliver({ kind: 'kernel', name: 'k', wait: undefined, ...when });
      else profile.deliver({ kind: 'transfer', direction: of, bytes, ...when });
    }
    clock.now = began + 5;
    profile.closeInterval(clock.now);
  }
  return { profile, now: clock.now };
}
