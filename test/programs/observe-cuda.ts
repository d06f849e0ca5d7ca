/**
 * Preloaded into a program that knows nothing of us: traces its CUDA as `register` would, with nothing of the profiler
 * but the trace, and writes what was seen to the file OBSERVED when the program ends.
 */
import { writeFileSync } from 'node:fs';
import type { Activity } from '../../src/activity.ts';
import type { SourceState } from '../../src/backend.ts';
import { openTrace } from '../../src/backends/cuda/trace.ts';
import { armCudaTracer } from '../../src/native/arm.ts';
import { openTracer } from '../../src/native/load.ts';
import type { RingStatus } from '../../src/native/ring.ts';

export interface ObservedCuda {
  /** In the order in which work of them was met. */
  readonly devices: readonly string[];
  readonly activities: readonly (Activity & { readonly device: string })[];
  /** As it was before the program's first line, and at its end. */
  readonly sourceBefore: SourceState;
  readonly source: SourceState;
  readonly ring: RingStatus;
  /** The longest that the event loop was held by a drain, in milliseconds. */
  readonly longestDrain: number;
}

if (process.env.ARM !== '0') armCudaTracer();
const devices: string[] = [];
const activities: (Activity & { device: string })[] = [];
const open = () =>
  openTrace(
    (device) => {
      devices.push(device);
      return { deliver: (activity) => void activities.push({ ...activity, device }) };
    },
    { hostId: 'host', options: { lazy: process.env.EAGER !== '1' } },
  );
let trace = open();
const sourceBefore = trace.source();
const { ring } = openTracer('accelmeter-cuda-trace', {});
let longestDrain = 0;
setInterval(() => {
  const begun = performance.now();
  trace.drain(0.01);
  trace.source();
  longestDrain = Math.max(longestDrain, performance.now() - begun);
}, 20).unref();
// As under `register`: a program may pause what measures it.
const control = {
  pause: () => trace.pause(true),
  resume: () => trace.pause(false),
  source: () => trace.source(),
  exitListeners: () => process.listenerCount('exit'),
  /** A second reader in the same process: what its source says. */
  another: () => open().source(),
  close: () => trace.close(),
  reopen() {
    trace = open();
  },
};
Object.assign(globalThis, { [Symbol.for('accelmeter')]: control });

process.on('exit', () => {
  trace.settle(Number(process.env.SETTLE ?? 2));
  const source = trace.source();
  trace.close();
  const observed: ObservedCuda = { devices, activities, sourceBefore, source, ring: ring.status(), longestDrain };
  if (process.env.OBSERVED) writeFileSync(process.env.OBSERVED, JSON.stringify(observed));
});
