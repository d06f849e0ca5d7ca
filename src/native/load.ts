/** Opens our own C libraries, each of which is a tracer with a ring in it. */
import { ProbeError } from '../errors.ts';
import { type Bound, type CallTable, openLibrary } from '../ffi.ts';
import { type NativeLibrary, prebuiltLibrary } from './prebuilt.ts';
import { createRing, type Ring, ringCalls } from './ring.ts';

/** A tracer: its ring, and the calls of its own. */
export interface Tracer<T extends CallTable> {
  readonly ring: Ring;
  readonly calls: Bound<T>;
}

/**
 * Opens a tracer. Where a driver has loaded the same file, it is the same library with the same ring.
 * Throws a ProbeError: `absent` where it has not been built for this platform, `broken` where it cannot be loaded.
 */
export function openTracer<T extends CallTable>(name: NativeLibrary, calls: T): Tracer<T> {
  const path = prebuiltLibrary(name);
  if (path === undefined) {
    const message = `${name} has not been built for ${process.platform}-${process.arch}`;
    throw new ProbeError('absent', message, { remedy: 'accelmeter build-native' });
  }
  const names = [path];
  return { ring: createRing(openLibrary(ringCalls, { names })), calls: openLibrary(calls, { names }) };
}
