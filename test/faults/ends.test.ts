/** Services that end, by their own will or not, while their records are drained, and records without end. */
import { describe, expect, it } from 'vitest';
import { compileLibrary, scratchFolder } from '../native/compile.ts';
import { lacks } from '../parts.ts';
import { expectUnharmed, watch } from './watch.ts';

/** One for each program: each copies its own once more, and the file of another must not change under it. */
const library = () => compileLibrary('test/native/producer.c', scratchFolder());

/** What the service does in the middle of a drain, and how that ends it. */
const ends = {
  'process.exit()': { code: 7 },
  'an uncaught exception': { code: 1 },
  'an unhandled rejection of its own': { code: 1 },
  SIGTERM: { signal: 'SIGTERM' },
} as const;

describe.skipIf(lacks('cc'))('in the middle of a drain a service is ended by', () => {
  it.concurrent.each(Object.entries(ends))('%s', async (end, own) => {
    const watched = await watch(['draining.ts', library(), end], { register: false, ready: /^draining$/m });
    expect(watched.stderr.includes('its own')).toBe(end.startsWith('an un'));
    // Two things that run for the first time, and one collection of garbage that falls into one of some twenty drains.
    expectUnharmed(watched, { ...own, stdout: 'draining\n', firsts: 3 });
  });
});

it.skipIf(lacks('cc'))(
  '10⁸ records pass through the ring into a profile with a flat heap',
  { timeout: 60_000 },
  async () => {
    const watched = await watch(['volume.ts', library(), String(1e8)], { register: false });
    expect(watched.stderr).toBe('');
    const { told, heaps } = JSON.parse(watched.stdout);
    expect(told).toBe(1e8);
    const [first, ...later] = heaps;
    expect(Math.max(...later) - first).toBeLessThan(1_000_000); // bytes, of which a hundred million records had 5.6 GB
  },
);
