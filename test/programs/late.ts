/** A program that used OpenCL before it opened accelmeter. Prints the sources. */
import { opencl } from '../../src/backends/opencl/index.ts';

const { firstDevice } = await import(new URL('./opencl.mjs', import.meta.url).href);
firstDevice();
const session = await opencl.open({
  options: { lazy: false },
  hostId: 'host',
  addDevice: () => ({ deliver() {} }),
  removeDevice() {},
});
process.stdout.write(JSON.stringify(session.sources()));
session.close();
