/**
 * A service whose kernels fail, on the CPU, as `register` measures it. It ends when `LASTS` milliseconds are over, else
 * never. With `WORKERS` it is a cluster of so many, and they do the work.
 */
import cluster from 'node:cluster';

const { LASTS, WORKERS } = process.env;
if (WORKERS && cluster.isPrimary) for (let i = 0; i < Number(WORKERS); i++) cluster.fork();
else {
  const work = setInterval(() => {
    const profiler = globalThis[Symbol.for('accelmeter')];
    const kernel = profiler?.devices.find(({ backend }) => backend === 'cpu')?.kernel('checksum');
    for (let i = 0; i < 10; i++) kernel?.recordFailure('timeout');
  }, 50);
  if (LASTS) setTimeout(() => clearInterval(work), Number(LASTS));
}
