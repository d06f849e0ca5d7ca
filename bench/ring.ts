/**
 * The ring between a driver's thread and JavaScript: 100 000 records a second for 10 s, drained ten times a second;
 * then what one record costs to push and to drain.
 */
import type { RingRecord } from '../src/native/ring.ts';
import { compileLibrary, scratchFolder } from '../test/native/compile.ts';
import { drainAtPace, openProducer } from '../test/native/producer.ts';

const library = compileLibrary('test/native/producer.c', scratchFolder());
const perSecond = 100_000;
const seconds = 10;

const paced = openProducer(library);
const cpu = process.cpuUsage();
const drained = await drainAtPace(paced, { perSecond, seconds });
const { user, system } = process.cpuUsage(cpu);
const { dropped } = paced.ring.status();
console.log(`ring: ${perSecond} records/s for ${seconds} s: ${drained} drained, ${dropped} dropped`);
console.log(`ring: ${(((user + system) / 1e6 / seconds) * 100).toFixed(1)} % of one core, producer included`);

const fast = openProducer(library);
const records = 60_000;
const rounds = 50;
let pushing = 0;
let draining = 0;
for (let round = 0; round < rounds; round += 1) {
  const begun = performance.now();
  fast.calls.push(records);
  const pushed = performance.now();
  let sum = 0;
  const add = ({ duration }: RingRecord) => {
    sum += duration;
  };
  while (fast.ring.drain(1, add));
  draining += performance.now() - pushed;
  pushing += pushed - begun;
  if (!(sum > 0)) throw new Error('nothing was drained');
}
const nanoseconds = (milliseconds: number) => ((milliseconds * 1e6) / (records * rounds)).toFixed(0);
console.log(`ring: ${nanoseconds(pushing)} ns to make and push a record, ${nanoseconds(draining)} ns to drain it`);
