/**
 * Builds our C parts, with a C compiler and nothing else: no headers of a driver, no build system. Run by
 * `npm run build` for the package, and on a user's machine where the prebuilt ones do not fit. Plain JavaScript,
 * so that it runs on whatever Node is there.
 */
import { spawn } from 'node:child_process';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Each library or program, the folders its sources are in, and the platforms that have what it hooks into. */
const libraries = [
  {
    name: 'accelmeter-opencl-layer',
    folders: ['instrumentation/native-ring', 'instrumentation/opencl-layer'],
    // macOS and Windows have no loader that takes layers from the environment.
    platforms: ['linux'],
  },
  {
    name: 'accelmeter-cuda-trace',
    folders: ['instrumentation/native-ring', 'instrumentation/cuda-trace'],
    platforms: ['linux'], // on macOS there is no CUDA
  },
  {
    name: 'accelmeter-driver-process',
    folders: ['instrumentation/driver-process'],
    platforms: ['linux'],
    isProgram: true,
  },
];

const commonFlags = ['-std=c11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-Werror', '-pthread'];
const programFlags = [...commonFlags, '-fPIE', '-pie', '-ldl'];
/**
 * A program of a new glibc runs with an old one as well, if it does not begin as the compiler would have it and names the
 * libraries that were apart before 2.34. Other C libraries have none of these.
 */
const portably = ['-DOWN_START', '-nostartfiles', '-Wl,--no-as-needed', '-l:libdl.so.2', '-l:libpthread.so.0'];
const hasOwnStart = ['x64', 'arm64'].includes(process.arch);

/** Of libraries. Shared with the tests, which build the same sources with sanitizers. */
export const compilerFlags = [
  ...commonFlags,
  '-fPIC',
  '-shared',
  '-fvisibility=hidden',
  '-Wl,-z,nodelete', // a driver may call back while the process exits: the code must still be there
  '-Wl,-z,defs',
  '-Wl,-Bsymbolic', // two of our libraries in one process keep their own rings
];

/**
 * @typedef {object} Built
 * @property {string} name the library, such as `accelmeter-opencl-layer`
 * @property {'built' | 'current' | 'skipped' | 'failed'} outcome `current`: newer than its sources, left as it was
 * @property {string} [file] where it is
 * @property {string} [reason] why it was skipped or failed, with the compiler's words
 */

/**
 * Builds what is not up to date. Never throws for a machine that cannot build; the outcome says so.
 * @param {object} options
 * @param {string} options.root the package's folder, with `instrumentation/` in it
 * @param {string} [options.outDir] by default `<root>/dist/native`; libraries go to `<outDir>/<platform>-<arch>/`
 * @param {string} [options.compiler] by default `$CC`, else `cc`
 * @param {boolean} [options.force] build also what is up to date
 * @returns {Promise<Built[]>}
 */
export async function buildNative({
  root,
  outDir = join(root, 'dist', 'native'),
  compiler = process.env.CC || 'cc',
  force = false,
}) {
  const folder = join(outDir, `${process.platform}-${process.arch}`);
  const built = [];
  for (const library of libraries) {
    if (!library.platforms.includes(process.platform)) {
      built.push({ name: library.name, outcome: 'skipped', reason: `not made for ${process.platform}` });
      continue;
    }
    const file = join(folder, library.isProgram ? library.name : `lib${library.name}.so`);
    const { sources, newest } = await sourcesOf(library, root);
    if (!force && (await modified(file)) > newest) {
      built.push({ name: library.name, outcome: 'current', file });
      continue;
    }
    await mkdir(folder, { recursive: true });
    const reason = library.isProgram
      ? await compileProgram(compiler, sources, file)
      : await compile(compiler, compilerFlags, sources, file);
    built.push(
      reason === undefined
        ? { name: library.name, outcome: 'built', file }
        : { name: library.name, outcome: 'failed', reason },
    );
  }
  return built;
}

/** The C files of a library, and when one of its files, headers too, last changed. */
async function sourcesOf(library, root) {
  const sources = [];
  let newest = 0;
  for (const folder of library.folders) {
    for (const name of (await readdir(join(root, folder))).sort()) {
      if (!/\.[ch]$/.test(name)) continue;
      const path = join(root, folder, name);
      newest = Math.max(newest, await modified(path));
      if (name.endsWith('.c')) sources.push(path);
    }
  }
  return { sources, newest };
}

/** When a file last changed, in milliseconds; 0 for one that is not there. */
async function modified(path) {
  try {
    return (await stat(path)).mtimeMs;
  } catch {
    return 0;
  }
}

async function compileProgram(compiler, sources, file) {
  const failed = hasOwnStart ? await compile(compiler, [...programFlags, ...portably], sources, file) : '';
  return failed === undefined ? undefined : compile(compiler, programFlags, sources, file);
}

/** Gives why it failed, or undefined. The file appears whole or not at all: a process may have the old one loaded. */
async function compile(compiler, flags, sources, file) {
  const partial = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  try {
    const reason = await run(compiler, [...sources, ...flags, '-o', partial]);
    if (reason === undefined) await rename(partial, file);
    return reason;
  } finally {
    await rm(partial, { force: true });
  }
}

function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
    child.on('error', (error) =>
      resolve(error.code === 'ENOENT' ? `no C compiler: ${command} not found; install gcc or clang` : error.message),
    );
    child.on('close', (code) => resolve(code === 0 ? undefined : said.trim() || `${command} ended with ${code}`));
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  for (const { name, outcome, file, reason } of await buildNative({ root })) {
    console.log(`${name}: ${outcome}${file ? ` ${file}` : ''}${reason ? `: ${reason}` : ''}`);
    if (outcome === 'failed') process.exitCode = 1;
  }
}
