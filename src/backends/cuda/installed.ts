/** Whether there is an NVIDIA driver, from the files that it leaves: known without loading any of it. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { BackendOptions } from '../../backend.ts';

/**
 * What the kernel driver shows, and Windows' in WSL. Not `/dev/nvidiactl`: NVIDIA's libraries make that themselves where
 * no driver is loaded.
 */
const tracesOfDriver = ['/proc/driver/nvidia/version', '/dev/dxg'];

/** True where a driver is loaded, or where one of its libraries was named. */
export function isDriverPresent({ nvmlLibrary, cudaLibrary, cuptiLibrary }: BackendOptions): boolean {
  return [nvmlLibrary, cudaLibrary, cuptiLibrary].some((library) => library !== undefined) || isDriverLoaded();
}

const isDriverLoaded = () => process.platform === 'linux' && tracesOfDriver.some((path) => existsSync(path));

/** How many GPUs the kernel's driver has; `undefined` where it does not tell, as in some containers. */
export function gpusOfKernel(): number | undefined {
  return attempt(() => readdirSync('/proc/driver/nvidia/gpus').length);
}

/** The namespace of processes that a machine begins with has this number on every Linux. */
const firstNamespace = 'pid:[4026531836]';

/** This process as the driver counts it; `undefined` in a container, which hides that. */
export function pidForDriver(): number | undefined {
  return attempt(() => readlinkSync('/proc/self/ns/pid')) === firstNamespace ? process.pid : undefined;
}

/** True where this process has loaded CUDA's driver library, of whatever version. */
export function hasLoadedCuda(): boolean {
  return /\/libcuda\.so/.test(attempt(() => readFileSync('/proc/self/maps', 'latin1')) ?? '');
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
