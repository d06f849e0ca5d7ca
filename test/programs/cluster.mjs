/**
 * A cluster in which workers come and go. Each launches a hundred kernels, says so, and is killed some seconds later, when
 * another takes its place; five in all, two at a time. Prints what the program's own message listeners are told.
 */
import cluster from 'node:cluster';

if (cluster.isPrimary) {
  let forked = 0;
  const fork = () => {
    if (forked++ < 5) cluster.fork();
  };
  cluster.on('message', (worker, message) => {
    console.log('primary told', message);
    setTimeout(() => worker.process.kill('SIGKILL'), 2500);
  });
  cluster.on('exit', fork);
  fork();
  fork();
  setInterval(() => {}, 60_000);
} else {
  process.on('message', (message) => console.log('worker told', message));
  const { cl, launch, setUp } = await import('./opencl.mjs');
  const { kernel, queue } = setUp();
  const [commands, scale] = [queue(), kernel('scale')];
  for (let i = 0; i < 100; i++) launch(commands, scale);
  cl.finish(commands);
  process.send('done');
  setInterval(() => {}, 60_000);
}
