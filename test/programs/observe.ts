/**
 * Preloaded into a program that knows nothing of us: traces it as `register` would, with nothing of the profiler but
 * the OpenCL backend, and writes what was seen to the file OBSERVED when the program ends.
 */
import { writeFileSync } from 'node:fs';
import type { Activity } from '../../src/activity.ts';
import type { DeviceIdentity, Session, SourceState } from '../../src/backend.ts';
import { opencl } from '../../src/backends/opencl/index.ts';
import { armOpenclLayer } from '../../src/native/arm.ts';
import { openTracer } from '../../src/native/load.ts';
import type { RingStatus } from '../../src/native/ring.ts';

export interface Observed {
  readonly devices: readonly DeviceIdentity[];
  readonly activities: readonly (Activity & { readonly device: string })[];
  readonly sources: readonly SourceState[];
  /** As it was before the program's first line. */
  readonly sourcesBefore: readonly SourceState[];
  readonly ring: RingStatus;
  /** The queue depths that were sampled, while the program ran. */
  readonly depths: readonly number[];
}

if (process.env.ARM !== '0') armOpenclLayer();
if (process.env.ARM === 'without a loader') delete process.env.OPENCL_LAYERS; // a stub of one stands in
// Layers named before ours are nearer to the driver: a stub there stands for a driver.
if (process.env.BENEATH) process.env.OPENCL_LAYERS = `${process.env.BENEATH}:${process.env.OPENCL_LAYERS}`;
const devices: DeviceIdentity[] = [];
const activities: (Activity & { device: string })[] = [];
const session = (await opencl.open({
  options: { lazy: true },
  hostId: 'host',
  addDevice(identity) {
    devices.push(identity);
    return { deliver: (activity) => void activities.push({ ...activity, device: identity.id }) };
  },
  removeDevice() {},
})) as Session;
const sourcesBefore = session.sources();
const { ring } = openTracer('accelmeter-opencl-layer', {});
const depths: number[] = [];
setInterval(() => {
  session.drain?.(0.01);
  for (const { readings } of session.sample?.().devices ?? []) {
    depths.push(...readings.filter(({ name }) => name === 'accelmeter.device.queue.depth').map(({ value }) => value));
  }
}, 50).unref();
// As under `register`: a program may pause what measures it.
const control = { pause: () => session.pause?.(), resume: () => session.resume?.() };
Object.assign(globalThis, { [Symbol.for('accelmeter')]: control });

process.on('exit', () => {
  session.settle?.(Number(process.env.SETTLE ?? 2));
  const observed: Observed = {
    devices,
    activities,
    sources: session.sources(),
    sourcesBefore,
    ring: ring.status(),
    depths,
  };
  session.close();
  if (process.env.OBSERVED) writeFileSync(process.env.OBSERVED, JSON.stringify(observed));
});
