/** Whether there is an NVIDIA driver, from the files that it leaves: known without loading any of it. */
import { existsSync } from 'node:fs';
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
