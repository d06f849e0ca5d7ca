/**
 * Runs the library of known-kernels.cu in Node.js, which may be under `accelmeter/register`, and prints what it knows
 * itself and what was seen of it, as JSON. Its arguments: the library, and `all` or a number of kernels to launch.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import koffi from 'koffi';

const [, , path, what] = process.argv;
const library = koffi.load(path);
const call = (name, takes) => library.func(name, 'int', takes);

/** Calls a function that fills in so many numbers. */
function numbers(name, count) {
  const values = new Float64Array(count);
  ran(name, call(name, ['void *'])(values));
  return [...values];
}

function ran(name, code) {
  if (code !== 0) throw new Error(`${name} gave ${code}`);
}

/** What the profiler of `register` has seen; `undefined` where there is none. */
async function seen() {
  await sleep(1500); // register begins 200 ms after the first turn of the event loop; records come at the next drain
  const profiler = globalThis[Symbol.for('accelmeter')];
  if (profiler === undefined) return undefined;
  await profiler.refresh();
  const { kernels, transfers, backends } = profiler.status();
  const [first] = kernels.filter(({ backend }) => backend === 'cuda');
  const device = profiler.devices.find(({ id }) => id === first?.device);
  return {
    device: device?.id,
    refused: await refusedAllocations(profiler),
    kernels: kernels.filter(({ backend }) => backend === 'cuda'),
    transfers: transfers.filter(({ backend }) => backend === 'cuda'),
    memory: (await device?.getProfilingSnapshot())?.memoryStats,
    sources: backends.find(({ name }) => name === 'cuda')?.sources,
  };
}

/** How often memory was refused, by the reason. */
async function refusedAllocations(profiler) {
  const { resourceMetrics } = await profiler.metricProducer().collect();
  const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
  const points = metrics.find(({ descriptor }) => descriptor.name === 'accelmeter.memory.failures')?.dataPoints ?? [];
  return Object.fromEntries(points.map(({ attributes, value }) => [attributes['error.type'], value]));
}

if (what === 'all') {
  const spins = numbers('known_spins', 2);
  const copies = numbers('known_copies', 4);
  for (const name of ['known_graph', 'known_streams', 'known_refusal']) ran(name, call(name, [])());
  const uuid = new Uint8Array(16);
  ran('known_uuid', call('known_uuid', ['void *'])(uuid));
  process.stdout.write(JSON.stringify({ spins, copies, uuid: Buffer.from(uuid).toString('hex'), seen: await seen() }));
} else {
  const count = Number(what);
  const seconds = new Float64Array(2);
  ran('known_launches', call('known_launches', ['int', 'void *'])(count, seconds));
  process.stdout.write(JSON.stringify({ launching: seconds[0], whole: seconds[1], seen: await seen() }));
}
process.exit(0); // not waiting for anything that register has
