// A cluster whose primary has one page for its workers, as AggregatorRegistry makes it; each worker computes three
// kernels. Ends by itself, with the page on stdout.
//
//   node test/programs/prom-client-cluster.mjs prom-client|@prometheus-io/client
import cluster from 'node:cluster';
import { once } from 'node:events';
import { createProfiler } from 'accelmeter';
import { registerInto } from 'accelmeter/prom-client';

const { AggregatorRegistry, register, Counter } = await import(process.argv[2]);
const aggregator = new AggregatorRegistry();

if (cluster.isPrimary) {
  const workers = [1, 2].map(() => cluster.fork());
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  console.log(await aggregator.clusterMetrics());
  for (const worker of workers) worker.disconnect();
} else {
  new Counter({ name: 'shop_orders_total', help: 'Orders.' }).inc(5);
  const profiler = await createProfiler({ backends: ['cpu'] });
  registerInto(register, profiler);
  for (const device of profiler.devices) for (let i = 0; i < 3; i++) device.kernel('embed').record(0.001);
  process.on('disconnect', () => profiler.close());
  process.send('ready');
}
