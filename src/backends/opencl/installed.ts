/**
 * Which OpenCL drivers the machine has, from the files by which they register with loaders: known without loading
 * any of them.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';

/** Loaders read these too, instead of or beside the system's folder (ocl-icd, Khronos). */
const variables = ['OCL_ICD_VENDORS', 'OPENCL_VENDOR_PATH', 'OCL_ICD_FILENAMES'] as const;

/**
 * The file names of the drivers' libraries, such as `libpocl.so.2` or `libnvidia-opencl.so.1`. Each .icd file holds
 * one. Nowhere but on Linux do drivers register so; there the answer is empty.
 */
export function installedDrivers(environment: NodeJS.ProcessEnv = process.env): string[] {
  const named = variables.flatMap((variable) => (environment[variable] ?? '').split(delimiter));
  const places = ['/etc/OpenCL/vendors', ...named.filter((place) => place !== '')];
  return [...new Set(places.flatMap(driversAt))];
}

/** A folder of .icd files, one such file, or a library itself. */
function driversAt(place: string): string[] {
  try {
    if (statSync(place).isDirectory()) {
      return readdirSync(place)
        .filter((name) => name.endsWith('.icd'))
        .flatMap((name) => driversAt(join(place, name)));
    }
    if (!place.endsWith('.icd')) return [basename(place)];
    const library = readFileSync(place, 'utf8').trim();
    return library === '' ? [] : [basename(library)];
  } catch {
    return []; // not there, or not ours to read: then not the loader's either
  }
}
