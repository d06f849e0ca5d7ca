/** Where `register` and `accelmeter run` leave the profiler of this process, for the program and for who debugs it. */
import type { Profiler } from './profiler.ts';

/** A symbol, because the program's copy of accelmeter may be another one than that which was registered. */
const place = Symbol.for('accelmeter');

/**
 * The profiler of `accelmeter/register` or of `accelmeter run` in this process; `undefined` where there is none, or none
 * yet: under `register` it begins shortly after the program's main module has run. What a program records with it stands
 * in the same metrics and reports as what is seen of its libraries.
 */
export function registeredProfiler(): Profiler | undefined {
  return (globalThis as unknown as Readonly<Record<symbol, Profiler | undefined>>)[place];
}

export function leaveProfiler(profiler: Profiler): void {
  Object.defineProperty(globalThis, place, { value: profiler, configurable: true });
}
