/**
 * The real parts that some tests stand on and that npm does not bring: an OpenCL device, a C compiler, Prometheus.
 * `npm test` adds them where it may; this file only finds them.
 *
 * ```ts
 * describe.skipIf(lacks('pocl', 'cc'))('kernels of a real OpenCL device', () => {
 *   const compiler = requirePart('cc');
 * ```
 *
 * On a person's machine a test without its parts is skipped, and `npm test` says which and what to install. With
 * `CI=true` nothing is skipped: a missing part fails the file that needs it.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * The parts there are. `pocl` is PoCL with an OpenCL ICD loader; `cc` is a C compiler with libc's headers; `khronos` is
 * the other loader, Khronos' own; `prometheus3` is a Prometheus of at least 3.5, beside
 * whatever `prometheus` is; `node22` is the oldest Node.js that is supported, `node26` the newest;
 * `auto-instrumentations` is the file of OpenTelemetry's `auto-instrumentations-node` that a service preloads;
 * `nvidia-libraries` are NVIDIA's own libcuda and libnvidia-ml, without a driver; `nvml-headers` those of NVML and `cupti`
 * CUPTI, with its headers, of CUDA 11.8 and of CUDA 12.4.
 */
export const partNames = [
  'pocl',
  'cc',
  'khronos',
  'prometheus',
  'promtool',
  'prometheus3',
  'node22',
  'node26',
  'auto-instrumentations',
  'nvidia-libraries',
  'nvml-headers',
  'cupti',
] as const;
export type PartName = (typeof partNames)[number];

/** A part, found or not. */
export type Part = FoundPart | MissingPart;

export interface FoundPart {
  readonly name: PartName;
  readonly present: true;
  /**
   * The executable; for `pocl` and `khronos` the loader library (`libOpenCL.so.1`); for `nvidia-libraries` the folder of
   * both libraries; for `cupti` and `nvml-headers` the folder of two installations, `bookworm` and `trixie`.
   */
  readonly path: string;
}

export interface MissingPart {
  readonly name: PartName;
  readonly present: false;
  /** What a person does to have it. */
  readonly install: string;
}

const root = join(import.meta.dirname, '..');

const parts: Record<PartName, { find: () => string | undefined; install: string }> = {
  pocl: { find: findPocl, install: 'apt-get install pocl-opencl-icd ocl-icd-libopencl1' },
  cc: { find: findCompiler, install: 'apt-get install gcc libc6-dev' },
  khronos: {
    find: findKhronosLoader,
    install: 'Khronos’ OpenCL-ICD-Loader (Debian: khronos-opencl-icd-libopencl1), named in ACCELMETER_KHRONOS_LOADER',
  },
  prometheus: {
    find: () => findPrometheusTool('prometheus', process.env.ACCELMETER_PROMETHEUS),
    install: 'Prometheus 2.42 or newer from https://prometheus.io/download/, on PATH or in ACCELMETER_PROMETHEUS',
  },
  promtool: {
    find: () => findPrometheusTool('promtool', process.env.ACCELMETER_PROMTOOL),
    install: 'promtool 2.42 or newer from https://prometheus.io/download/, on PATH or in ACCELMETER_PROMTOOL',
  },
  prometheus3: {
    find: () => findPrometheusTool('prometheus', process.env.ACCELMETER_PROMETHEUS3, 'prometheus3'),
    install: 'Prometheus 3.5 or newer from https://prometheus.io/download/, named in ACCELMETER_PROMETHEUS3',
  },
  node22: { find: () => findNode('22.15.0'), install: 'npm test, with access to npm’s registry' },
  node26: { find: () => findNode('26.10.0'), install: 'npm test, with access to npm’s registry' },
  'auto-instrumentations': { find: findAutoInstrumentations, install: 'npm test, with access to npm’s registry' },
  'nvidia-libraries': { find: findNvidiaLibraries, install: 'npm test as root on Debian, with access to its mirror' },
  'nvml-headers': {
    find: () => findBothReleases('nvml-headers', 'nvml.h'),
    install: 'npm test as root on Debian, with access to its mirror',
  },
  cupti: {
    find: () => findBothReleases('cupti', 'cupti.h'),
    install: 'npm test as root on Debian, with access to its mirror',
  },
};

/** Looks for a part. */
export function part(name: PartName): Part {
  const path = parts[name].find();
  return path === undefined ? { name, present: false, install: parts[name].install } : { name, present: true, path };
}

/**
 * True where one of the parts is missing: the condition of `describe.skipIf`.
 * Throws with `CI=true`, so that the file fails instead of being skipped.
 */
export function lacks(...names: readonly PartName[]): boolean {
  const missing = names.map(part).filter((each) => !each.present);
  if (missing.length > 0 && process.env.CI === 'true') throw new Error(missing.map(describeMissing).join('\n'));
  return missing.length > 0;
}

/** A part that must be there; throws with what to install where it is not. */
export function requirePart(name: PartName): FoundPart {
  const result = part(name);
  if (!result.present) throw new Error(describeMissing(result));
  return result;
}

function describeMissing({ name, install }: MissingPart): string {
  return `${name} is not on this machine: ${install}`;
}

/** The ICD loader, where PoCL is registered with it. A package that was removed may leave its .icd file behind. */
function findPocl(): string | undefined {
  const vendors = process.env.OCL_ICD_VENDORS ?? '/etc/OpenCL/vendors';
  const driver = icdFiles(vendors)
    .map((file) => readFileSync(file, 'utf8').trim())
    .find((library) => library.includes('pocl') && findLibrary(library) !== undefined);
  return driver === undefined ? undefined : findLibrary('libOpenCL.so.1');
}

function findLibrary(name: string): string | undefined {
  if (name.startsWith('/')) return existsSync(name) ? name : undefined;
  const folders = (process.env.LD_LIBRARY_PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  folders.push('/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib', '/usr/local/lib');
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}

/** `OCL_ICD_VENDORS` is a folder of .icd files, or one such file. */
function icdFiles(vendors: string): string[] {
  if (!existsSync(vendors)) return [];
  if (!statSync(vendors).isDirectory()) return [vendors];
  return readdirSync(vendors)
    .filter((file) => file.endsWith('.icd'))
    .map((file) => join(vendors, file));
}

/** Named by the environment, else the one that `npm test` unpacked; one that needs a newer libc than ours is none. */
function findKhronosLoader(): string | undefined {
  const named = process.env.ACCELMETER_KHRONOS_LOADER;
  if (named !== undefined && named !== '') return existsSync(named) ? named : undefined;
  const folder = join(root, '.cache/khronos/usr/lib');
  const file = ['x86_64-linux-gnu', 'aarch64-linux-gnu']
    .map((machine) => join(folder, machine, 'libOpenCL.so.1'))
    .find((path) => existsSync(path));
  if (file === undefined) return undefined;
  const { status, stdout, stderr } = spawnSync('/usr/bin/ldd', [file], { encoding: 'utf8', timeout: 10_000 });
  return status === 0 && !/not found/.test(stdout + stderr) ? file : undefined;
}

/** A compiler that has libc's headers: gcc alone, without libc6-dev, cannot build anything. */
function findCompiler(): string | undefined {
  return [process.env.CC ?? '', 'cc', 'gcc', 'clang']
    .map((compiler) => (compiler.includes('/') ? compiler : onPath(compiler)))
    .filter((compiler) => compiler !== undefined)
    .find((compiler) => {
      const input = '#include <stdint.h>\n#include <dlfcn.h>\n#include <pthread.h>\n';
      return spawnSync(compiler, ['-xc', '-fsyntax-only', '-'], { input, timeout: 10_000 }).status === 0;
    });
}

/** A program named by the environment, else the one that `npm test` unpacked, else, of no special part, the one on PATH. */
function findPrometheusTool(name: string, named: string | undefined, part?: 'prometheus3'): string | undefined {
  if (named !== undefined && named !== '') return isExecutable(named) ? named : undefined;
  const unpacked = join(root, '.cache', part ?? 'prometheus', 'usr/bin', name);
  if (isExecutable(unpacked)) return unpacked;
  return part === undefined ? onPath(name) : undefined;
}

const machines = ['x86_64-linux-gnu', 'aarch64-linux-gnu'];

/** The folder of libcuda.so.1 and libnvidia-ml.so.1. */
function findNvidiaLibraries(): string | undefined {
  return machines
    .map((machine) => join(root, '.cache/nvidia-libraries/bookworm/usr/lib', machine, 'nvidia/current'))
    .find((folder) => ['libcuda.so.1', 'libnvidia-ml.so.1'].every((name) => existsSync(join(folder, name))));
}

/** The folder of two folders: `bookworm/usr/include` has CUDA 11.8's headers, `trixie/usr/include` those of 12.4. */
function findBothReleases(part: string, header: string): string | undefined {
  const folder = join(root, '.cache', part);
  const isWhole = ['bookworm', 'trixie'].every((suite) => existsSync(join(folder, suite, 'usr/include', header)));
  return isWhole ? folder : undefined;
}

/** A Node.js that `npm test` unpacked. */
function findNode(version: string): string | undefined {
  const unpacked = join(root, `.cache/node-${version}/bin/node`);
  return isExecutable(unpacked) ? unpacked : undefined;
}

function findAutoInstrumentations(): string | undefined {
  const folder = '.cache/auto-instrumentations/node_modules/@opentelemetry/auto-instrumentations-node';
  const file = join(root, folder, 'dist/register.cjs');
  return existsSync(file) ? file : undefined;
}

function onPath(program: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, program))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
