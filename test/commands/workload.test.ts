import { expect, it, onTestFinished } from 'vitest';
import type { Backend } from '../../src/backend.ts';
import { runWorkload } from '../../src/commands/workload.ts';
import { resolveOptions } from '../../src/options.ts';
import { openProfiler } from '../../src/profiler.ts';

/** A backend with a device that only it knows. */
const room = (name: 'cpu' | 'opencl'): Backend => ({
  name,
  open(host) {
    host.addDevice({ id: name, backend: name, type: 'cpu', name: `the ${name}`, index: 0 });
    return { sources: () => [], close() {} };
  },
});

it('a device on which it cannot be made ready is told with the reason, and the others compute', async () => {
  const options = resolveOptions({ openclLibrary: '/nowhere/libOpenCL.so.1' }, {}, () => {});
  const opened = await openProfiler(options, { backends: [room('cpu'), room('opencl')] });
  onTestFinished(() => opened.profiler.close());
  const { results, failures, wrong } = await runWorkload(opened, 0.05);
  expect(results).toMatchObject([{ backendType: 'cpu', averageLatencyMs: expect.any(Number), ratio: 1 }]);
  expect(failures).toMatchObject([
    { backendType: 'opencl', deviceName: 'the opencl', error: { message: '/nowhere/libOpenCL.so.1 not found' } },
  ]);
  expect(wrong.size).toBe(0);
});
