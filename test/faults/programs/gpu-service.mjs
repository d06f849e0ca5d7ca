/**
 * A service that opens the profiler for its GPUs and then works: each turn of a few milliseconds it reads a file, and once
 * in a while somebody looks at its metrics. Tells on its last line what it saw, and ends by itself.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { createProfiler } from 'accelmeter';

const seconds = Number(process.argv[2] ?? 2);
const opening = performance.now();
const profiler = await createProfiler({ backends: ['cpu', 'cuda'], tickSeconds: 0.2, budget: 1 });
const opened = performance.now() - opening;
console.log('ready');
globalThis.ownTurn();

const seen = { opened, changes: [], slowestRead: 0, slowestLook: 0, looks: [], absent: [] };
profiler.on('device', ({ device, state }) => seen.changes.push([device.id, state]));
const end = performance.now() + seconds * 1000;
while (performance.now() < end) {
  const before = performance.now();
  await readFile(import.meta.filename);
  seen.slowestRead = Math.max(seen.slowestRead, performance.now() - before);
  if (seen.looks.length < ((performance.now() - end) / 1000 + seconds) / 0.3) await look();
  await sleep(3);
}
seen.absent = profiler.absent.map(({ backend, error }) => [backend, error.kind, error.message]);
console.log(JSON.stringify(seen));

async function look() {
  const before = performance.now();
  const { resourceMetrics } = await profiler.metricProducer().collect();
  seen.slowestLook = Math.max(seen.slowestLook, performance.now() - before);
  const points = resourceMetrics.scopeMetrics.flatMap(({ metrics }) =>
    metrics.flatMap(({ descriptor: { name }, dataPoints }) => dataPoints.map((point) => ({ name, ...point }))),
  );
  const nvml = profiler
    .status()
    .backends.find(({ name }) => name === 'cuda')
    ?.sources?.find(({ name }) => name === 'nvml');
  seen.looks.push({
    up: points.find(
      ({ name, attributes }) => name === 'accelmeter.source.up' && attributes['accelmeter.source'] === 'nvml',
    )?.value,
    detail: nvml?.detail,
    power: points.filter(({ name }) => name === 'hw.power').length,
    cpu: points.some(({ name }) => name === 'process.cpu.time'),
  });
  globalThis.ownTurn();
}
