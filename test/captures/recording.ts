/** Files of the kernel from a recording beside this file: a line about it, then `== <path>` and the text of each. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KernelFiles } from '../../src/backends/cpu/kernel-files.ts';

/** The recording of this name, with some of its files changed; `undefined` takes one away. */
export function recorded(name: string, changes: Readonly<Record<string, string | undefined>> = {}): KernelFiles {
  const [, ...parts] = readFileSync(join(import.meta.dirname, `${name}.txt`), 'latin1').split(/^== (\S+)\n/m);
  const files: Record<string, string | undefined> = {};
  for (let i = 0; i < parts.length; i += 2) files[parts[i] as string] = parts[i + 1];
  Object.assign(files, changes);
  return {
    read: (path) => files[path],
    list(path) {
      const below = Object.keys(files).filter((file) => file.startsWith(`${path}/`));
      return [...new Set(below.map((file) => file.slice(path.length + 1).split('/', 1)[0] as string))];
    },
  };
}
