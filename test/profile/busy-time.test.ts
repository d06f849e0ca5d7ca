import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BusyTime, IntervalSet } from '../../src/profile/busy-time.ts';

interface Work {
  readonly start: number;
  readonly duration: number;
}

/** For how long at least one ran, by trying every stretch between two edges. */
function bruteForce(work: readonly Work[]): number {
  const edges = [...new Set(work.flatMap(({ start, duration }) => [start, start + duration]))].sort((a, b) => a - b);
  let busy = 0;
  for (const [i, from] of edges.entries()) {
    const to = edges[i + 1] ?? from;
    if (work.some(({ start, duration }) => start <= from && start + duration >= to)) busy += to - from;
  }
  return busy;
}

/** Times in 64ths of a second, so that sums are exact and edges meet. */
const time = (max: number) => fc.integer({ min: 0, max: max * 64 }).map((units) => units / 64);

describe('a set of intervals', () => {
  it('is as long as the union of what was added, in any order and in any number of takings', () => {
    const work = fc.array(fc.record({ start: time(20), duration: time(2) }), { maxLength: 60 });
    fc.assert(
      fc.property(work, fc.array(time(20), { maxLength: 5 }), (pieces, edges) => {
        const set = new IntervalSet(100);
        for (const { start, duration } of pieces) set.add(start, start + duration);
        let total = 0;
        for (const edge of edges.sort((a, b) => a - b)) total += set.takeBefore(edge);
        expect(total + set.takeBefore(Number.POSITIVE_INFINITY)).toBe(bruteForce(pieces));
        expect(set.size).toBe(0);
      }),
      { numRuns: 500 },
    );
  });
});

describe('busy time', () => {
  it('is that of the merged work, told late and out of order, whatever the ticks', () => {
    const piece = fc.record({ start: time(20), duration: time(2), late: time(1) });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), fc.array(time(24), { maxLength: 8 }), (work, ticks) => {
        const busy = new BusyTime(0, 4);
        const events = [
          ...work.map(({ start, duration, late }) => ({
            at: start + duration + late,
            run: () => busy.add(start, duration),
          })),
          ...ticks.map((at, i) => ({ at, run: () => (i % 2 === 0 ? busy.settle(at) : busy.close(at)) })),
        ].sort((a, b) => a.at - b.at);
        let before = 0;
        for (const event of events) {
          event.run();
          expect(busy.seconds).toBeGreaterThanOrEqual(before);
          before = busy.seconds;
        }
        busy.close(100);
        expect(busy.seconds).toBe(bruteForce(work));
      }),
      { numRuns: 500 },
    );
  });

  it('is known up to now of what has been told, without settling any of it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ start: time(20), duration: time(2) }), { maxLength: 60 }),
        time(24),
        (work, tick) => {
          const busy = new BusyTime(0, 4);
          for (const { start, duration } of work) busy.add(start, duration);
          busy.close(tick);
          const { seconds } = busy;
          expect(busy.secondsUntil(30)).toBe(bruteForce(work));
          expect(busy.seconds).toBe(seconds);
        },
      ),
    );
    const unplaced = new BusyTime(0, 1);
    unplaced.addUnplaced(3);
    expect(unplaced.secondsUntil(1)).toBe(2); // what is measured began a lag before: never busier than it is long
    expect(unplaced.secondsUntil(10)).toBe(3);
  });

  it('splits a kernel at the edge of an interval', () => {
    const busy = new BusyTime(0, 0);
    busy.add(3, 4);
    expect(busy.close(5)).toEqual({ busy: 2, length: 5 });
    expect(busy.close(10)).toEqual({ busy: 2, length: 5 });
  });

  it('counts in full a piece that ran for longer than the lag, when nothing else ran', () => {
    const busy = new BusyTime(0, 1);
    for (let now = 1; now <= 10; now++) busy.settle(now);
    busy.add(2, 8);
    busy.settle(20);
    expect(busy.seconds).toBe(8);
  });

  it('counts a piece told late over an interval that was closed, but not into the share of the present one', () => {
    const busy = new BusyTime(0, 1);
    busy.close(10);
    busy.add(2, 4); // long before 9, where the present interval begins
    expect(busy.close(20)).toEqual({ busy: 0, length: 10 });
    expect(busy.seconds).toBe(4);
  });

  it('counts a piece told late only from where settled work ended: it may have run beside it', () => {
    const busy = new BusyTime(0, 1);
    busy.add(4, 2);
    busy.settle(10);
    busy.add(3, 5); // 3 to 8, of which 6 to 8 is surely new
    busy.settle(20);
    expect(busy.seconds).toBe(4);
  });

  it('of work without a known start is its sum, up to the length of the interval', () => {
    const busy = new BusyTime(0, 1);
    busy.addUnplaced(2);
    expect(busy.close(5)).toEqual({ busy: 2, length: 5 });
    for (let i = 0; i < 100; i++) busy.addUnplaced(1);
    expect(busy.close(10)).toEqual({ busy: 5, length: 5 });
    expect(busy.close(15)).toEqual({ busy: 0, length: 5 });
    expect(busy.seconds).toBe(7);
  });

  it('does not fall or count twice when the clock goes back', () => {
    const busy = new BusyTime(0, 1);
    busy.add(1, 1);
    busy.close(10);
    expect(busy.close(5)).toBeUndefined();
    busy.settle(Number.NaN);
    expect(busy.seconds).toBe(1);
  });

  it('settles early rather than growing, and loses nothing that comes in order', () => {
    const busy = new BusyTime(0, 1000);
    for (let i = 0; i < 50_000; i++) busy.add(i / 64, 1 / 128);
    busy.close(2000);
    expect(busy.seconds).toBe(50_000 / 128);
  });
});
