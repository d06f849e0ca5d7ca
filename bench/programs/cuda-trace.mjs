/**
 * Kernels of a stub of CUPTI, traced by a profiler as in a service. Its arguments: how many, and how many a second (0: as
 * fast as they can be told). Prints what was drained and lost, what it took, and the memory on the way, as JSON.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import koffi from 'koffi';
import { resolveOptions } from '../../src/options.ts';
import { openProfiler } from '../../src/profiler.ts';

const { STUB_CUDA: cudaLibrary, STUB_CUPTI_LIBRARY: cuptiLibrary } = process.env;
const [kernels, perSecond] = process.argv.slice(2).map(Number);

koffi.load(cudaLibrary).func('cuInit', 'int', ['uint'])(0);
const options = resolveOptions({ backends: ['cuda'], cudaLibrary, cuptiLibrary }, {}, () => {});
const { profiler } = await openProfiler(options);
const stub = koffi.load(cuptiLibrary);
const call = (name, gives = 'double', takes = []) => stub.func(name, gives, takes);
const launched = call('stub_cupti_launched');
const enabled = call('stub_cupti_enabled', 'uint32_t', ['uint32_t']);
while (enabled(10) === 0) await sleep(10);
await sleep(500); // the profiler's own start is not what is measured

const memory = [];
const before = process.cpuUsage();
call('stub_cupti_start', 'void', ['double', 'double'])(kernels, perSecond);
for (let tenth = 1; tenth <= 10; ) {
  await sleep(20);
  for (; launched() >= (kernels * tenth) / 10; tenth += 1) memory.push(process.memoryUsage.rss());
}
call('stub_cupti_join')();
await sleep(400); // the last are drained
const { user, system } = process.cpuUsage(before);
await profiler.refresh();
const { kernels: rows, backends } = profiler.status();
const callbacks = call('stub_cupti_callback_seconds')();
const result = {
  launched: launched(),
  counted: rows.reduce((sum, { calls }) => sum + calls, 0),
  dropped: backends[0].sources.find(({ name }) => name === 'cupti').dropped,
  /** CPU seconds of the process without the stub's thread, and with what our callbacks took of that. */
  seconds: (user + system) / 1e6 - call('stub_cupti_cpu_seconds')() + callbacks,
  callbacks,
  memory,
};
process.stdout.write(JSON.stringify(result));
await profiler.close();
