/**
 * From C to JavaScript. A binding is a table: one row a call, its symbols newest first, what it takes and gives.
 *
 * ```ts
 * const calls = {
 *   deviceCount: { symbols: ['nvmlDeviceGetCount_v2', 'nvmlDeviceGetCount'], takes: ['memory'], gives: 'i32' },
 * } as const satisfies CallTable;
 * const nvml: Bound<typeof calls> = openLibrary(calls, { names: ['libnvidia-ml.so.1'] });
 * ```
 *
 * The only file that imports koffi, and only when a library is opened: it takes some milliseconds to load, which a
 * program that has no device need not spend.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import type { LibraryHandle, load as loadLibrary, struct as makeStructure, TypeObject } from 'koffi';
import { ProbeError } from './errors.ts';

/** How each type of a call is written for koffi. Pointers are `void *`, whatever they point to. */
const koffiTypes = {
  void: 'void',
  u8: 'uint8_t',
  i32: 'int32_t',
  u32: 'uint32_t',
  /** Given, it is a number, or a BigInt where a number cannot hold it. */
  i64: 'int64_t',
  u64: 'uint64_t',
  size: 'size_t',
  f64: 'double',
  /** An opaque pointer of the library's: a BigInt, or null. */
  handle: 'void *',
  /** Memory of ours that C reads or writes during the call: a typed array, or null. */
  memory: 'void *',
  /** A NUL-terminated string in UTF-8, copied; bytes that are not UTF-8 become U+FFFD. */
  text: 'const char *',
  /** An array of such strings, good for the time of the call. */
  texts: 'const char **',
} as const;
type NativeType = keyof typeof koffiTypes;

/** A structure that is passed and given by value, as the platform's calling convention has it: its members in order. */
export interface Structure {
  readonly [member: string]: 'i64' | 'u64' | 'f64';
}

/** What a call can take, and give. */
export type Taken = Exclude<NativeType, 'void'> | Structure;
export type Given = Exclude<NativeType, 'memory' | 'texts'> | Structure;

/** One call of a library. */
export interface Call {
  /** Its names, newest first; the first that the library has is taken. */
  readonly symbols: readonly string[];
  readonly takes: readonly Taken[];
  readonly gives: Given;
}
export type CallTable = Readonly<Record<string, Call>>;

interface Values {
  void: undefined;
  u8: number;
  i32: number;
  u32: number;
  i64: number | bigint;
  u64: number | bigint;
  size: number;
  f64: number;
  handle: bigint | null;
  memory: NodeJS.TypedArray | null;
  text: string | null;
  texts: readonly string[];
}
/** What a type is in JavaScript. */
export type ValueOf<T extends NativeType | Structure> = T extends NativeType
  ? Values[T]
  : { readonly [Member in keyof T]: T[Member] extends NativeType ? Values[T[Member]] : never };
export type ValuesOf<T extends readonly Taken[]> = { -readonly [I in keyof T]: ValueOf<T[I]> };

/** The functions of a call table. Calling one that the library lacks throws a ProbeError `unsupported`. */
export type Bound<T extends CallTable> = {
  readonly [Name in keyof T]: (...values: ValuesOf<T[Name]['takes']>) => ValueOf<T[Name]['gives']>;
};

export interface LibraryOptions {
  /** File names for the system's search, or paths; the first that can be opened is taken. */
  readonly names: readonly string[];
  /** What gives a person the library, where it is absent. */
  readonly remedy?: string;
}

/**
 * Opens a library and binds its calls. It stays open for the life of the process.
 * Throws a ProbeError: `absent` where none of the names is found, `broken` where one is found and cannot be loaded
 * (another architecture, a truncated file, a library that it needs is missing), with the system's own words;
 * `unsupported` in a Worker.
 */
export function openLibrary<T extends CallTable>(calls: T, { names, remedy }: LibraryOptions): Bound<T> {
  const library = load(names, remedy);
  const bound = Object.entries(calls).map(([name, call]) => [name, bind(library, call, names)]);
  // The table's types are the functions' types: this is where the one becomes the other.
  return Object.fromEntries(bound) as Bound<T>;
}

type Koffi = { readonly load: typeof loadLibrary; readonly struct: typeof makeStructure };
let loaded: Koffi | undefined;

function requireKoffi(): Koffi {
  if (loaded) return loaded;
  if (!isMainThread) {
    // After a call from a Worker into a library that has threads, process.exit() would never return (koffi#274).
    const message = 'native libraries are not called from a Worker';
    throw new ProbeError('unsupported', message, { remedy: 'create the profiler on the main thread' });
  }
  try {
    const required: Koffi = createRequire(import.meta.url)('koffi');
    loaded = required;
    return required;
  } catch (cause) {
    const message = `koffi, which calls native libraries, cannot be loaded on ${process.platform}-${process.arch}`;
    throw new ProbeError('absent', message, { cause, remedy: 'reinstall koffi for this platform: npm rebuild koffi' });
  }
}

function load(names: readonly string[], remedy: string | undefined): LibraryHandle {
  const { load: open } = requireKoffi();
  for (const name of names) {
    try {
      return open(name);
    } catch (cause) {
      if (isAbsent(name, cause)) continue;
      throw new ProbeError('broken', `${name} cannot be loaded: ${wordsOf(cause)}`, { cause });
    }
  }
  throw new ProbeError('absent', `${names.join(', ')} not found`, remedy === undefined ? {} : { remedy });
}

/**
 * The system gives words and no code. A path is there or not; for a name that it searched itself only its words tell
 * (glibc, musl and macOS, Windows). So they do for a path on macOS, whose own libraries are no files: dlopen finds them
 * in the cache of the dynamic linker. It says of each path that it tried what is wrong with it, and of a library that
 * this one needs that it is not loaded.
 */
export function isAbsent(name: string, error: unknown): boolean {
  const words = wordsOf(error);
  const isThere = /' \((?!no such file)|library not loaded/i.test(words);
  const saysSo = !isThere && /no such file|could not be found/i.test(words);
  if (!/[\\/]/.test(name)) return saysSo;
  return !existsSync(name) && (process.platform !== 'darwin' || saysSo);
}

const wordsOf = (error: unknown) =>
  (error instanceof Error ? error.message : String(error)).replace(/^Failed to load shared library: /, '');

function bind(library: LibraryHandle, call: Call, names: readonly string[]): (...values: unknown[]) => unknown {
  const takes = call.takes.map(koffiTypeOf);
  for (const symbol of call.symbols) {
    try {
      return library.func(symbol, koffiTypeOf(call.gives), takes);
    } catch (error) {
      if (!/cannot find function/i.test(wordsOf(error))) throw ProbeError.from(error);
    }
  }
  return () => {
    throw new ProbeError('unsupported', `${names[0]} has no ${call.symbols[0]}`);
  };
}

/** Made once each: koffi keeps every type for the life of the process. */
const structures = new Map<Structure, TypeObject>();

function koffiTypeOf(type: NativeType | Structure): string | TypeObject {
  if (typeof type === 'string') return koffiTypes[type];
  const known = structures.get(type);
  if (known !== undefined) return known;
  const members = Object.entries(type).map(([name, member]) => [name, koffiTypes[member]]);
  const made = requireKoffi().struct(Object.fromEntries(members));
  structures.set(type, made);
  return made;
}
