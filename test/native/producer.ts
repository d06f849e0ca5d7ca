/** The producer of producer.c, a fresh one at each call: rings are a library's for the life of the process. */
import { copyFileSync } from 'node:fs';
import { type Bound, type CallTable, openLibrary } from '../../src/ffi.ts';
import { createRing, type Ring, ringCalls } from '../../src/native/ring.ts';

const producerCalls = {
  armAt: { symbols: ['producer_arm_at'], takes: ['f64'], gives: 'void' },
  push: { symbols: ['producer_push'], takes: ['u32'], gives: 'u32' },
  start: { symbols: ['producer_start'], takes: ['u32', 'u32', 'f64'], gives: 'u32' },
  join: { symbols: ['producer_join'], takes: [], gives: 'f64' },
  intern: { symbols: ['producer_intern'], takes: ['text'], gives: 'u32' },
  internNumbered: { symbols: ['producer_intern_numbered'], takes: ['u32'], gives: 'u32' },
  internBytes: { symbols: ['producer_intern_bytes'], takes: [], gives: 'u32' },
} as const satisfies CallTable;

export interface Producer {
  readonly ring: Ring;
  readonly calls: Bound<typeof producerCalls>;
  readonly nameOf: (id: number) => string | null;
}

let opened = 0;

/** `library`: producer.c, compiled. Each producer is a copy of it, since a library is loaded once by its file. */
export function openProducer(library: string, { position = 0 } = {}): Producer {
  const copy = `${library}.${opened++}`;
  copyFileSync(library, copy);
  const names = [copy];
  const ring = openLibrary(ringCalls, { names });
  const calls = openLibrary(producerCalls, { names });
  calls.armAt(position);
  return { ring: createRing(ring), calls, nameOf: (id) => ring.name(id) };
}

/** Drains as the profiler does while one thread produces, until all that it produced is drained or dropped. */
export async function drainAtPace(
  { ring, calls }: Producer,
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<number> {
  let drained = 0;
  const count = () => {
    drained += 1;
  };
  calls.start(1, perSecond * seconds, perSecond);
  const end = performance.now() + (seconds + 10) * 1000;
  while (drained + ring.status().dropped < perSecond * seconds && performance.now() < end) {
    while (ring.drain(0.004, count)) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  calls.join();
  return drained;
}
