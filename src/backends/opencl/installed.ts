/**
 * Which OpenCL drivers the machine has, from the files by which they register with loaders: known without loading
 * any of them.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';

/** Folders of .icd files, or single ones, that loaders read instead of or beside the system's (ocl-icd, Khronos). */
const folderVariables = ['OCL_ICD_VENDORS', 'OPENCL_VENDOR_PATH'] as const;
/** Drivers named to Khronos' loader directly. */
const libraryVariable = 'OCL_ICD_FILENAMES';

/**
 * The file names of the drivers' libraries, such as `libpocl.so.2` or `libnvidia-opencl.so.1`. Each .icd file holds
 * one. Drivers register so on Linux only; elsewhere the answer is empty.
 */
export function installedDrivers(environment: NodeJS.ProcessEnv = process.env): string[] {
  const listed = (variable: string) => (environment[variable] ?? '').split(delimiter).filter((path) => path !== '');
  const places = ['/etc/OpenCL/vendors', ...folderVariables.flatMap(listed)];
  return [...new Set([...places.flatMap(driversAt), ...listed(libraryVariable).map((path) => basename(path))])];
}

/** What a folder of .icd files, or one such file, names. */
function driversAt(place: string): string[] {
  try {
    if (statSync(place).isDirectory()) {
      return readdirSync(place)
        .filter((name) => name.endsWith('.icd'))
        .flatMap((name) => driversAt(join(place, name)));
    }
    const library = readFileSync(place, 'utf8').trim();
    return library === '' ? [] : [basename(library)];
  } catch {
    return []; // not there, or not ours to read: then not the loader's either
  }
}
