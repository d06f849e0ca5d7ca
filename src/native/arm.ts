/**
 * Prepares the environment that drivers read when a program first calls them. Runs before the program's first line:
 * it loads nothing and calls no driver.
 */
import { delimiter } from 'node:path';
import { prebuiltLibrary } from './prebuilt.ts';

/**
 * Names our layer to the OpenCL loader, which looks for layers at the process's first OpenCL call: later is too late.
 * Layers that are named already stay; named first, ours is nearest to the driver. The environment is inherited by
 * children; there the layer is inert, since they have another pid. Harmless to call twice. Not for worker threads,
 * whose environment is a copy.
 *
 * @returns the layer's file; `undefined` where it has not been built for this platform or cannot be named.
 */
export function armOpenclLayer(): string | undefined {
  const layer = prebuiltLibrary('accelmeter-opencl-layer');
  // The loader splits at delimiters and knows no way to quote one.
  if (layer === undefined || layer.includes(delimiter)) return undefined;
  const others = (process.env.OPENCL_LAYERS ?? '').split(delimiter).filter((path) => path !== '' && path !== layer);
  process.env.OPENCL_LAYERS = [layer, ...others].join(delimiter);
  process.env.ACCELMETER_PID = String(process.pid);
  return layer;
}
