/**
 * `npm run build`: TypeScript and the C parts into dist/, if their sources changed.
 */
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { buildNative } from './build-native.mjs';
import { capture, Explained, isStarted, main, root, say, secondsSince } from './programs.mjs';
import { setUp } from './setup.mjs';

const dist = join(root, 'dist');
/** What is in dist/ was built from these contents. Not packed. */
const stampFile = join(dist, '.built-from.json');

/**
 * Builds what changed. Prints a line where there is something to do, and nothing else.
 *
 * @param {{ node: string, requireNative: boolean }} options `node` runs the compiler. Without `requireNative` a C part
 *   that cannot be built (no compiler on this machine) is said in one line and left out: all else works without it.
 */
export async function build({ node, requireNative }) {
  const built = existsSync(stampFile) ? JSON.parse(readFileSync(stampFile, 'utf8')) : {};
  const compiled = await once(built.typescript, hashTypeScript(), 'src/cli.js', () => compileTypeScript(node));
  const native = await once(built.native, hashNative(), '.', () => compileNative(requireNative));
  mkdirSync(dist, { recursive: true });
  writeFileSync(stampFile, JSON.stringify({ typescript: compiled, native }));
}

/** Runs a step unless its output is there and was made from the same sources; gives what it has now been made from. */
async function once(builtFrom, sources, output, step) {
  if (builtFrom === sources && existsSync(join(dist, output))) return sources;
  return (await step()) ? sources : undefined;
}

async function compileTypeScript(node) {
  const started = performance.now();
  say('Building … ');
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const { ok, output } = await capture(node, [compiler, '-p', 'tsconfig.build.json']);
  if (!ok) throw new Explained(`failed.\n${output}`);
  removeStaleOutput();
  chmodSync(join(dist, 'src/cli.js'), 0o755);
  console.log(secondsSince(started));
  return true;
}

/** What was compiled from a source that is gone must not be packed. A program that runs from dist/ keeps the rest. */
function removeStaleOutput() {
  for (const file of [...filesUnder('dist/src'), ...filesUnder('dist/instrumentation')]) {
    const source = relative('dist', file).replace(/(\.d\.ts|\.js)$/, '.ts');
    if (!existsSync(join(root, source))) rmSync(join(root, file));
  }
}

async function compileNative(required) {
  const started = performance.now();
  say('Building the C parts … ');
  // Forced: that the contents changed is known already, and a checkout may leave older times on newer contents.
  const results = await buildNative({ root, outDir: join(dist, 'native'), force: true });
  const failed = results.filter(({ outcome }) => outcome === 'failed');
  if (failed.length === 0) {
    console.log(secondsSince(started));
    return true;
  }
  const reasons = failed.map(({ name, reason }) => `${name}: ${reason}`).join('\n');
  if (required) throw new Explained(`failed.\n${reasons}`);
  console.log(`left out, so kernels of OpenCL programs are not seen.\n${reasons}`);
  return false;
}

function hashTypeScript() {
  const sources = [...filesUnder('src'), ...filesUnder('instrumentation')].filter((file) => file.endsWith('.ts'));
  return hashFiles(['tsconfig.json', 'tsconfig.build.json', 'package-lock.json', ...sources]);
}

function hashNative() {
  const sources = filesUnder('instrumentation').filter((file) => /\.[ch]$/.test(file));
  return hashFiles(['scripts/build-native.mjs', ...sources]);
}

/** One hash over this platform and the paths and contents of the files. */
function hashFiles(files) {
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}`);
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

/** The files of a folder and its folders, relative to the root, in a fixed order. */
function filesUnder(folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesUnder(path) : [path];
    })
    .sort();
}

if (isStarted(import.meta.url)) {
  await main(async () => {
    const { node } = await setUp();
    await build({ node, requireNative: true });
    return 0;
  });
}
