/** Compiles C that only tests and benchmarks need. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { compilerFlags } from '../../scripts/build-native.mjs';
import { requirePart } from '../parts.ts';

/** A folder of the caller's own. Goes with the process: libraries in it stay loaded until then. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'accelmeter-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Builds a shared library of a C file, named from the repository's root, in a folder; gives its path. */
export function compileLibrary(source: string, folder: string, flags: readonly string[] = []): string {
  const output = join(folder, `${basename(source, '.c')}.so`);
  const root = join(import.meta.dirname, '../..');
  execFileSync(requirePart('cc').path, [...compilerFlags, ...flags, source, '-ldl', '-o', output], { cwd: root });
  return output;
}
