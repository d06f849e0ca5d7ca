/** What Linux tells in files, /proc and /sys/fs/cgroup: from the kernel, or in tests from a recording. */
import { readdirSync, readFileSync } from 'node:fs';

export interface KernelFiles {
  /** The text of a file; `undefined` where it is not there or may not be read. */
  read(path: string): string | undefined;
  /** The names in a folder; none where it is not there or may not be read. */
  list(path: string): readonly string[];
}

/** Those of the running kernel. On other systems there are none. */
export const kernelFiles: KernelFiles = {
  read(path) {
    try {
      return readFileSync(path, 'latin1');
    } catch {
      return undefined;
    }
  },
  list(path) {
    try {
      return readdirSync(path);
    } catch {
      return [];
    }
  },
};
