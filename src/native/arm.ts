/**
 * Prepares the environment that drivers read when a program first calls them. Runs before the program's first line:
 * it loads nothing and calls no driver.
 */
import { basename, delimiter } from 'node:path';
import type { BackendName } from '../backend.ts';
import { prebuiltLibrary } from './prebuilt.ts';

/** Names our tracers to the drivers of the backends that are wanted. */
export function armDrivers(isWanted: (backend: BackendName) => boolean): void {
  if (isWanted('cuda')) armCudaTracer();
  if (isWanted('opencl')) armOpenclLayer();
}

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

/** The variable that names the library which CUDA loads at a process's first CUDA call: one, and no list. */
export const cudaInjection = 'CUDA_INJECTION64_PATH';

/**
 * Names our tracer to CUDA. Another tool's library that is named already stays; so does the variable where
 * `ACCELMETER_CUDA_TRACE` is off. Children inherit both variables, and there the tracer is inert. Harmless to call
 * twice. Not for worker threads, whose environment is a copy.
 *
 * @returns the tracer's file; `undefined` where it is not named: not built for this platform, not wanted, or in favour
 * of another tool.
 */
export function armCudaTracer(): string | undefined {
  const tracer = prebuiltLibrary('accelmeter-cuda-trace');
  const named = process.env[cudaInjection] ?? '';
  if (tracer === undefined || isCudaTraceOff(process.env)) return undefined;
  // A parent's may be of another copy of the package.
  if (named !== '' && basename(named) !== basename(tracer)) return undefined;
  process.env[cudaInjection] = tracer;
  process.env.ACCELMETER_PID = String(process.pid);
  return tracer;
}

/** True where the operator wants no kernels of CUDA: CUPTI is then not touched, and free for another tool. */
export function isCudaTraceOff(environment: NodeJS.ProcessEnv): boolean {
  return ['off', '0', 'false'].includes(environment.ACCELMETER_CUDA_TRACE?.trim().toLowerCase() ?? '');
}
