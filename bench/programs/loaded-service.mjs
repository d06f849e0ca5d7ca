/** A service that computes for half a millisecond a request, and has some hundred kernels on its page. */
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  if (request.url === '/memory') {
    globalThis.gc?.();
    response.end(JSON.stringify(process.memoryUsage()));
    return;
  }
  const until = performance.now() + 0.5;
  while (performance.now() < until);
  response.end('fine');
});
server.listen(0, '127.0.0.1', () => console.log(`service ${server.address().port}`));

/** There once `register` has opened what it found. */
const waiting = setInterval(() => {
  const device = globalThis[Symbol.for('accelmeter')]?.devices[0];
  if (device === undefined) return;
  clearInterval(waiting);
  const kernels = Array.from({ length: 60 }, (_, i) => device.kernel(`kernel_${i}`));
  setInterval(() => {
    for (const kernel of kernels) kernel.record(Math.random() / 1000);
  }, 100);
}, 50);
