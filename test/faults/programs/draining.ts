/**
 * `draining.ts LIBRARY END`: a profiler with a backend that drains a ring which a thread keeps filling. Once it drains,
 * the service is ended from within the delivery of a record.
 */

import type { Backend } from '../../../src/backend.ts';
import { resolveOptions } from '../../../src/options.ts';
import { openProfiler } from '../../../src/profiler.ts';
import { openProducer } from '../../native/producer.ts';

const [library = '', end = ''] = process.argv.slice(2);
const { ring, calls } = openProducer(library);
let drained = 0;

const ends: Record<string, () => unknown> = {
  'process.exit()': () => process.exit(7),
  'an uncaught exception': () => setImmediate(() => fail()),
  'an unhandled rejection of its own': () => Promise.reject(new Error('its own')),
  SIGTERM: () => process.kill(process.pid, 'SIGTERM'),
};
function fail(): never {
  throw new Error('its own');
}

const backend: Backend = {
  name: 'opencl',
  open(host) {
    const sink = host.addDevice({ id: 'stub', backend: 'opencl', type: 'gpu', name: 'Stub', index: 0 });
    return {
      sources: () => [{ name: 'stub', up: true, detail: 'records of a thread' }],
      drain: (budget) =>
        ring.drain(budget, ({ start, duration, wait, error }) => {
          drained += 1;
          sink.deliver({ kind: 'kernel', name: 'one', start, duration, wait, failed: error ? 'error' : undefined });
          if (drained === 500_000) ends[end]?.();
        }),
      close() {},
    };
  },
};

await openProfiler(resolveOptions({}, {}, fail), { backends: [backend] });
process.stdout.write('draining\n');
calls.start(1, 100_000_000, 600_000);
setTimeout(() => {}, 30_000);
