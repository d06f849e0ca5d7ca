/** A Worker that launches a hundred kernels, and stays. */
import { isMainThread, Worker } from 'node:worker_threads';

if (isMainThread) {
  new Worker(new URL(import.meta.url)).on('message', (message) => console.log(message));
} else {
  const { parentPort } = await import('node:worker_threads');
  const { cl, launch, setUp } = await import('./opencl.mjs');
  const { kernel, queue } = setUp();
  const [commands, scale] = [queue(), kernel('scale')];
  for (let i = 0; i < 100; i++) launch(commands, scale);
  cl.finish(commands);
  parentPort.postMessage('launched');
  setInterval(() => {}, 60_000);
}
