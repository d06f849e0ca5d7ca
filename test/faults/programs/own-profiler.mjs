/** A service that opens the profiler itself. Tells what is absent and why, works on, and closes it. */
import { createProfiler } from 'accelmeter';

const opening = createProfiler();
let turns = 0;
const turning = setInterval(() => turns++, 1);
const profiler = await opening;
clearInterval(turning);
const absent = profiler.absent.map(({ backend, error: { kind, message }, remedy }) => ({
  backend,
  kind,
  message,
  remedy,
}));
console.log(`ready ${JSON.stringify({ absent, devices: profiler.devices.length, turns })}`);
globalThis.ownTurn();
setTimeout(async () => {
  await profiler.close();
  console.log('done');
}, 400);
