/**
 * A program that measures itself while it does what its first argument says, and then prints the values of its CPU's
 * snapshot as one line of JSON.
 */
import { pbkdf2 } from 'node:crypto';
import { open, openSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createProfiler } from '../../src/index.ts';

const [scenario = '', path = ''] = process.argv.slice(2);
const scenarios: Readonly<Record<string, () => void | Promise<void>>> = {
  nothing: () => sleep(1500),
  /** Every worker computes, and more waits. */
  async computes() {
    let goesOn = true;
    const compute = () => pbkdf2('a', 'b', 100_000, 32, 'sha512', () => goesOn && compute());
    for (let i = 0; i < 30; i++) compute();
    await sleep(1000);
    await profiler.refresh(); // what is told is since then
    await sleep(1500);
    goesOn = false;
  },
  /** Every worker opens a FIFO, which nobody writes to. */
  async 'opens a FIFO'() {
    await new Promise((done) => pbkdf2('a', 'b', 1, 32, 'sha512', done));
    await sleep(700);
    for (let i = 0; i < 8; i++) open(path, 'r', () => {});
    await sleep(1500);
    await profiler.refresh();
    setTimeout(() => openSync(path, 'r+'), 500); // a writer: now they can go on
  },
  /** The event loop stands still while the pool has nothing to do. */
  async 'blocks the event loop'() {
    await new Promise((done) => pbkdf2('a', 'b', 1, 32, 'sha512', done));
    const end = performance.now() + 2000;
    while (performance.now() < end) {
      const still = performance.now() + 180;
      while (performance.now() < still);
      await sleep(1);
    }
  },
  async collects() {
    const gc = globalThis.gc as NodeJS.GCFunction;
    for (let i = 0; i < 3; i++) gc();
    for (let i = 0; i < 5; i++) gc({ type: 'minor' });
    await sleep(300);
  },
};

const profiler = await createProfiler({ backends: ['cpu'], tickSeconds: 0.3 });
if (scenario === 'ends') {
  // Nothing is closed: the profiler has to let the program end.
} else {
  await scenarios[scenario]?.();
  const snapshot = await profiler.devices[0]?.getProfilingSnapshot();
  const values = Object.fromEntries(snapshot?.metrics.map(({ name, value }) => [name, value]) ?? []);
  const threads = readdirSync('/proc/self/task').map((id) =>
    readFileSync(`/proc/self/task/${id}/comm`, 'latin1').trim(),
  );
  console.log(JSON.stringify({ ...values, workers: threads.filter((name) => name === 'libuv-worker').length }));
  await profiler.close();
}
