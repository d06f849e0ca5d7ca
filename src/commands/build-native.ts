/** `accelmeter build-native`: the C parts built on this machine, where the prebuilt ones do not fit. */
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { CommandError } from './failure.ts';

/** What `scripts/build-native.mjs` tells of a library; it is plain JavaScript, because it also bootstraps the build. */
interface Built {
  readonly name: string;
  readonly outcome: 'built' | 'current' | 'skipped' | 'failed';
  readonly file?: string;
  readonly reason?: string;
}

export async function buildNativeHere(): Promise<void> {
  const root = dirname(fileURLToPath(import.meta.resolve('accelmeter/package.json')));
  const { buildNative } = (await import(pathToFileURL(join(root, 'scripts/build-native.mjs')).href)) as {
    buildNative(options: { root: string; force: boolean }): Promise<readonly Built[]>;
  };
  for (const { name, outcome, file, reason } of await buildNative({ root, force: true })) {
    if (outcome === 'failed') throw new CommandError(`${name} could not be built: ${reason}`);
    process.stdout.write(`${name}: ${outcome}${file ? `, ${file}` : ''}${reason ? `, ${reason}` : ''}\n`);
  }
}
