/** Where our own C libraries are. No more than a file check, so that it can run before a program's first line. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Our libraries, as `scripts/build-native.mjs` names them. */
export type NativeLibrary = 'accelmeter-opencl-layer' | 'accelmeter-cuda-trace';

/** The file of a library for this platform; `undefined` where it has not been built for it. */
export function prebuiltLibrary(name: NativeLibrary): string | undefined {
  return prebuilt(`lib${name}.so`);
}

/** The file of the program that calls drivers; `undefined` where it has not been built for this platform. */
export function prebuiltDriverProcess(): string | undefined {
  return prebuilt('accelmeter-driver-process');
}

function prebuilt(name: string): string | undefined {
  const file = `native/${process.platform}-${process.arch}/${name}`;
  // Seen from dist/src/native/, and from src/native/ where the sources run as they are.
  return [`../../${file}`, `../../dist/${file}`]
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(path));
}
