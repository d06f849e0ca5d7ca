/** A Worker with a profiler of its own. Prints what it has, what it lacks and why, and what it measured. */
import { isMainThread, Worker } from 'node:worker_threads';

if (isMainThread) {
  new Worker(new URL(import.meta.url)).on('exit', (code) => console.log(`worker ended with ${code}`));
} else {
  const { createProfiler } = await import('accelmeter');
  const { createRequire } = await import('node:module');
  const profiler = await createProfiler();
  const [cpu] = profiler.devices;
  cpu.timeKernel('work', () => {});
  const { totalOperations } = await cpu.getProfilingSnapshot();
  const absent = profiler.absent.map(({ backend, error, remedy }) => ({ backend, kind: error.kind, remedy }));
  const koffi = Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes('koffi'));
  console.log(
    JSON.stringify({ devices: profiler.devices.map(({ backend }) => backend), absent, koffi, totalOperations }),
  );
  await profiler.close();
}
