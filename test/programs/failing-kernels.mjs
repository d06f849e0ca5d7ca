/**
 * A service whose kernels fail, on the CPU, as `register` measures it: until `RECOVERS_AFTER` milliseconds, else for
 * ever. With `WORKERS` it is a cluster of so many, and the workers do the work. It ends when `LASTS` are over.
 */
import cluster from 'node:cluster';

const { RECOVERS_AFTER, LASTS, WORKERS } = process.env;
if (WORKERS && cluster.isPrimary) for (let i = 0; i < Number(WORKERS); i++) cluster.fork();
else {
  const began = performance.now();
  const work = setInterval(() => {
    const profiler = globalThis[Symbol.for('accelmeter')];
    const kernel = profiler?.devices.find(({ backend }) => backend === 'cpu')?.kernel('checksum');
    const fails = performance.now() - began < Number(RECOVERS_AFTER ?? Number.POSITIVE_INFINITY);
    for (let i = 0; i < 10; i++) fails ? kernel?.recordFailure('timeout') : kernel?.record(0.001);
  }, 50);
  if (LASTS) setTimeout(() => clearInterval(work), Number(LASTS));
}
