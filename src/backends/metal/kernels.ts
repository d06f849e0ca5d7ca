/** Compiles kernels of our own: for examples, comparisons and the self-test. How they are run: runs.ts. */
import { ProbeError } from '../../errors.ts';
import type { MetalKernel } from '../../metal-device.ts';
import type { Mac } from './driver.ts';
import { Lanes } from './lanes.ts';
import { assertOpen, type Bench, given, run } from './runs.ts';

/** Throws a ProbeError: `broken`, with the compiler's words; `lost`. */
export function compileKernel(bench: Bench, source: string, name: string): MetalKernel {
  const { mac, device, sink } = bench;
  assertOpen(bench);
  const started = performance.now();
  const compiled = (failed?: string) =>
    sink.deliver({ kind: 'compilation', duration: (performance.now() - started) / 1000, failed });
  let pipeline: bigint;
  try {
    pipeline = mac.pooled(() => newPipeline(mac, device, source, name));
  } catch (error) {
    compiled('compilation_failed');
    throw error;
  }
  compiled();
  const held = [pipeline];
  const lanes = new Lanes((samples) => mac.send.release(samples));
  const close = () => {
    mac.pooled(() => {
      lanes.close();
      for (const object of held.splice(0)) mac.send.release(object);
    });
  };
  try {
    const queue = mac.pooled(() => given(mac.send.newCommandQueue(device), 'a command queue'));
    held.push(queue);
    const kernel = { name, pipeline, queue, lanes, isOpen: () => held.length > 0 };
    return { close, run: (buffers, grid) => run(bench, kernel, buffers, grid) };
  } catch (error) {
    close();
    throw error;
  }
}

function newPipeline(mac: Mac, device: bigint, source: string, name: string): bigint {
  const { send } = mac;
  const error = new BigUint64Array(1);
  const orWords = (object: bigint | null, what: string) => {
    if (object !== null) return object;
    throw new ProbeError('broken', mac.errorIn(error)?.description ?? `Metal gave no ${what}`);
  };
  const library = orWords(send.newLibrary(device, mac.string(source), null, error), 'library');
  return mac.releasing(library, () => {
    const kernel = send.newFunction(library, mac.string(name));
    if (kernel === null) throw new ProbeError('broken', `there is no kernel ${name} in this source`);
    return mac.releasing(kernel, () => orWords(send.newPipeline(device, kernel, error), 'pipeline'));
  });
}
