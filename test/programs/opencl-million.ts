/**
 * A program of a million commands on threads of its own, drained as a profiler drains. Prints how many were told, and
 * the process's memory after each tenth of them, in bytes.
 */
import koffi from 'koffi';
import { opencl } from '../../src/backends/opencl/index.ts';
import { armOpenclLayer } from '../../src/native/arm.ts';

armOpenclLayer();
let kernels = 0;
let failed = 0;
const session = await opencl.open({
  options: { lazy: true },
  hostId: 'host',
  addDevice: () => ({
    deliver(activity) {
      if (activity.kind !== 'kernel') return;
      kernels += 1;
      if (activity.failed !== undefined) failed += 1;
    },
  }),
  removeDevice() {},
});
const run = koffi.load(process.env.THREADS_LIBRARY ?? '').func('run_threads', 'int', ['uint', 'uint']);
const memory: number[] = [];
let launched = 0;
for (let tenth = 0; tenth < 10; tenth += 1) {
  for (let part = 0; part < 4; part += 1) {
    launched += run(4, 6300); // 25 200: well within the ring
    session.settle?.(5);
  }
  memory.push(process.memoryUsage.rss());
}
process.stdout.write(JSON.stringify({ launched, kernels, failed, memory, sources: session.sources() }));
session.close();
