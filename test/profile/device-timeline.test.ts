import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeviceTimeline } from '../../src/profile/device-timeline.ts';

interface Work {
  readonly copy: boolean;
  readonly start: number;
  readonly duration: number;
  readonly wait: number;
}

type Stretch = readonly [from: number, to: number];

/** How long the union of some stretches is, by trying each between two edges. */
function union(stretches: readonly Stretch[]): number {
  const edges = [...new Set(stretches.flat())].sort((a, b) => a - b);
  let covered = 0;
  for (const [i, from] of edges.entries()) {
    const to = edges[i + 1] ?? from;
    if (stretches.some(([start, end]) => start <= from && end >= to)) covered += to - from;
  }
  return covered;
}

const running = ({ start, duration }: Work): Stretch => [start, start + duration];
const inFlight = ({ start, duration, wait }: Work): Stretch => [start - wait, start + duration];

/** A timeline at second 0 whose clock the test moves. */
function timeline(settleLag: number) {
  const clock = { seconds: 0 };
  const times = new DeviceTimeline({ now: () => clock.seconds, settleLag });
  const tell = ({ copy, start, duration, wait }: Work) => {
    if (copy) times.copied(duration, start);
    else times.ranAt(start, duration, wait);
  };
  return { clock, times, tell };
}

describe('the times of a device', () => {
  it('are unions of what ran and was queued, told late and out of order, whatever the ticks', () => {
    /** In 64ths of a second, so that sums are exact and edges meet. */
    const time = (max: number) => fc.integer({ min: 0, max: max * 64 }).map((units) => units / 64);
    const piece = fc.record({ copy: fc.boolean(), start: time(20), duration: time(2), wait: time(2), late: time(1) });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 50 }), fc.array(time(24), { maxLength: 8 }), (drawn, ticks) => {
        const { clock, times, tell } = timeline(8);
        const work = drawn.map((each) => ({ ...each, start: each.start + 2, wait: each.copy ? 0 : each.wait }));
        const events = [
          ...work.map((each) => ({ at: each.start + each.duration + each.late, run: () => tell(each) })),
          ...ticks.map((at, i) => ({ at, run: () => (i % 2 === 0 ? times.settle(at) : times.closeInterval(at)) })),
        ].sort((a, b) => a.at - b.at);
        for (const { at, run } of events) {
          clock.seconds = at;
          run();
        }
        times.closeInterval(100);
        const kernels = work.filter(({ copy }) => !copy);
        const copies = work.filter(({ copy }) => copy);
        expect(times.busySeconds).toBe(union(kernels.map(running)));
        expect(times.copySeconds).toBe(union(copies.map(running)));
        expect(times.activeSeconds).toBe(union(work.map(running)));
        expect(times.inFlightSeconds).toBe(union(work.map(inFlight)));
      }),
      { numRuns: 300 },
    );
  });

  it('show a copy beside a kernel as hidden, and one that runs alone as exposed', () => {
    const { clock, times, tell } = timeline(1);
    clock.seconds = 10;
    tell({ copy: false, start: 2, duration: 4, wait: 0 });
    tell({ copy: true, start: 3, duration: 2, wait: 0 });
    tell({ copy: true, start: 7, duration: 1, wait: 0 });
    times.closeInterval(20);
    expect(times.copySeconds).toBe(3);
    expect(times.activeSeconds - times.busySeconds).toBe(1);
  });

  it('count a queue as in flight for as long as it is never empty, however deep it is', () => {
    const { clock, times, tell } = timeline(1);
    // Each kernel was queued a hundred seconds before it ran: far longer than work may be late.
    for (let i = 0; i < 200; i++) {
      clock.seconds = 101 + i;
      tell({ copy: false, start: 100.5 + i, duration: 0.5, wait: 100.5 });
      times.closeInterval(101 + i);
    }
    times.closeInterval(310);
    expect(times.busySeconds).toBe(100);
    expect(times.inFlightSeconds).toBeGreaterThan(290);
    expect(times.inFlightSeconds).toBeLessThanOrEqual(300);
  });

  it('add up for work whose start nobody knows, and never exceed the interval', () => {
    const { times } = timeline(1);
    times.ran(2);
    times.copied(1);
    times.closeInterval(11);
    expect([times.busySeconds, times.copySeconds, times.activeSeconds, times.inFlightSeconds]).toEqual([2, 1, 3, 3]);
    for (let i = 0; i < 100; i++) times.ran(1);
    times.closeInterval(21);
    expect([times.busySeconds, times.copySeconds, times.activeSeconds, times.inFlightSeconds]).toEqual([12, 1, 13, 13]);
  });

  it('take a wait that is none for no wait: the run was in flight while it ran', () => {
    const { clock, times } = timeline(0);
    clock.seconds = 10;
    for (const wait of [Number.NaN, Number.POSITIVE_INFINITY, -1, 10n as unknown as number]) {
      times.ranAt(times.inFlightSeconds, 1, wait);
      times.settle(10);
    }
    expect([times.busySeconds, times.inFlightSeconds]).toEqual([4, 4]);
  });

  it('place no work that ends ahead of the clock, and belong to no interval in a pause', () => {
    const { clock, times, tell } = timeline(0);
    clock.seconds = 5;
    tell({ copy: true, start: 50, duration: 1, wait: 0 });
    tell({ copy: false, start: Number.NaN, duration: 1, wait: 0 });
    times.closeInterval(5);
    expect([times.copySeconds, times.busySeconds, times.activeSeconds]).toEqual([1, 1, 2]);
    times.forget();
    clock.seconds = 30;
    tell({ copy: false, start: 10, duration: 4, wait: 1 });
    times.reopen(30);
    times.closeInterval(40);
    expect(times.utilization).toBe(0);
    expect([times.busySeconds, times.inFlightSeconds]).toEqual([5, 7]);
  });
});
