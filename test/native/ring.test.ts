import { describe, expect, it } from 'vitest';
import type { RingRecord } from '../../src/native/ring.ts';
import { lacks } from '../parts.ts';
import { compileLibrary, scratchFolder } from './compile.ts';
import { drainAtPace, openProducer, type Producer } from './producer.ts';

const capacity = 65_536;

describe.skipIf(lacks('cc'))('the ring', () => {
  const library = lacks('cc') ? '' : compileLibrary('test/native/producer.c', scratchFolder());
  const fresh = (position?: number) => openProducer(library, position === undefined ? {} : { position });

  it('is empty when nothing was pushed', () => {
    const { ring } = fresh();
    expect(drainAll(ring)).toEqual([]);
    expect(ring.status()).toMatchObject({ state: 'armed', pushed: 0, waiting: 0, dropped: 0, inFlight: 0 });
  });

  it('gives records as they were pushed, in order, at process seconds', () => {
    const { ring, calls } = fresh();
    const before = performance.now() / 1000;
    calls.push(1000);
    const after = performance.now() / 1000;
    const records = drainAll(ring);
    expect(records.map(({ queue }) => queue)).toEqual(Array.from({ length: 1000 }, (_, index) => index));
    for (const { kind, name, error, start, duration, wait, amount, queue } of records) {
      expect([kind, name, error]).toEqual(['kernel', '', 0]);
      expect(start).toBeGreaterThan(before - 20e-6);
      expect(start).toBeLessThan(after + 20e-6);
      expect([duration, amount]).toEqual([queue * 1e-9, queue]);
      expect(wait).toBe(queue % 2 === 0 ? undefined : 1e-6);
    }
  });

  it('has one reader at a time', () => {
    const { ring } = fresh();
    expect([ring.claim(), ring.claim()]).toEqual([true, false]);
    ring.unclaim();
    expect(ring.claim()).toBe(true);
  });

  it('drops what comes after it is full, counts that exactly, and goes on when there is room', () => {
    const { ring, calls } = fresh();
    calls.push(capacity + 777);
    expect(ring.status()).toMatchObject({ pushed: capacity, waiting: capacity, dropped: 777 });
    const kept = drainAll(ring);
    expect([kept.length, kept.at(-1)?.queue]).toEqual([capacity, capacity - 1]); // the oldest are kept
    calls.push(5);
    expect(drainAll(ring).map(({ queue }) => queue)).toEqual([0, 1, 2, 3, 4]);
    expect(ring.status()).toMatchObject({ pushed: capacity + 5, waiting: 0, dropped: 777 });
  });

  // Past 2^32 records, and where a slot's 32-bit turn goes round: at 2^31 laps of 2^16 records.
  it.each([2 ** 32 - 1000, 2 ** 47 - 1000, 2 ** 47 + 2 ** 32 - 3])('goes round at position %d', (position) => {
    const { ring, calls } = fresh(position);
    for (let round = 0; round < 3; round += 1) {
      calls.push(capacity + 10);
      expect(drainAll(ring).length).toBe(capacity);
    }
    expect(ring.status()).toMatchObject({ pushed: position + 3 * capacity, waiting: 0, dropped: 30 });
  });

  it('stops at its budget, and says that more wait', () => {
    const { ring, calls } = fresh();
    calls.push(capacity);
    let delivered = 0;
    const count = () => {
      delivered += 1;
    };
    expect(ring.drain(0, count)).toBe(true);
    expect(delivered).toBeGreaterThan(0);
    expect(delivered).toBeLessThanOrEqual(1024);
    expect(ring.drain(10, count)).toBe(false);
    expect(delivered).toBe(capacity);
  });

  it('loses nothing uncounted when four threads push faster than it is drained', async () => {
    const { ring, calls } = fresh();
    const threads = 4;
    const each = 100_000;
    expect(calls.start(threads, each, 0)).toBe(threads);
    const last = new Array<number>(threads).fill(-1);
    let drained = 0;
    const count = (record: RingRecord) => {
      drained += 1;
      if (record.queue <= (last[record.device] ?? 0)) throw new Error('a thread’s records came out of order');
      if (record.amount !== record.device * 1e9 + record.queue) throw new Error('a record was torn');
      last[record.device] = record.queue;
    };
    while (drained + ring.status().dropped < threads * each) {
      ring.drain(0.002, count);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(calls.join()).toBe(threads * each);
    const { pushed, dropped, waiting } = ring.status();
    expect([pushed + dropped, waiting, drained]).toEqual([threads * each, 0, pushed]);
  });

  it('loses none of 100 000 records a second that are drained ten times a second', async () => {
    const producer = fresh();
    const drained = await drainAtPace(producer, { perSecond: 100_000, seconds: 1 });
    expect(drained).toBe(100_000);
    expect(producer.ring.status().dropped).toBe(0);
  });

  it('keeps 4096 names at most, each once; those beyond are "other" and counted', () => {
    const { ring, calls, nameOf } = fresh();
    expect(calls.internNumbered(3)).toBe(calls.internNumbered(3));
    expect(ring.status()).toMatchObject({ names: 3, otherNames: 0 });
    expect(nameOf(calls.intern('kernel_1'))).toBe('kernel_1');
    expect(calls.internNumbered(5000)).toBe(1);
    const { names, otherNames } = ring.status();
    expect([names, names + otherNames]).toEqual([4094, 5000]);
    expect(nameOf(4095)).toMatch(/^kernel_/);
    expect([nameOf(4096), nameOf(2 ** 32 - 1)]).toEqual([null, null]);
  });

  it('bounds the length of names, and reads any bytes', () => {
    const { calls, nameOf } = fresh();
    expect(nameOf(calls.intern('x'.repeat(5000)))).toBe('x'.repeat(1023));
    expect(nameOf(calls.intern('é'.repeat(3)))).toBe('ééé');
    expect(nameOf(calls.internBytes())).toMatch(/^a\uFFFD+z$/);
    expect(calls.intern('')).toBe(0);
  });

  it('bounds the text of all names', () => {
    const { ring, calls } = fresh();
    for (let index = 0; index < 600; index += 1) calls.intern(`${index}`.padEnd(1000, '_'));
    const { names, otherNames } = ring.status();
    expect(names + otherNames).toBe(600);
    expect(names * 1001).toBeLessThanOrEqual(512 * 1024);
    expect((names + 1) * 1001).toBeGreaterThan(512 * 1024 - 1001);
  });
});

function drainAll(ring: Producer['ring']): RingRecord[] {
  const records: RingRecord[] = [];
  while (ring.drain(1, (record) => void records.push({ ...record })));
  return records;
}
