/**
 * Something to compute that every backend can do alike, so that they can be compared: two square matrices multiplied in
 * single precision. A file here for each backend; `all.ts` lists them.
 *
 * The matrices hold small whole numbers, of which every sum of products is exact in single precision, in whatever order
 * it is made: a right result is right to the bit.
 */
import type { BackendName } from '../backend.ts';
import type { Device } from '../device.ts';

/** Rows and columns of each matrix. */
export const size = 256;
/** The name under which a multiplication is measured. */
export const kernelName = `matmul_${size}`;

/** How one backend multiplies. */
export interface Workload {
  readonly backend: BackendName;
  /** How it computes, for people: "one thread of JavaScript". */
  readonly how: string;
  /** Makes ready on a device of that backend. Throws a ProbeError where it cannot be done. */
  open(device: Device, options: WorkloadOptions): Multiplication | Promise<Multiplication>;
}

export interface WorkloadOptions {
  /** OpenCL's loader library; by default the system's. */
  readonly openclLibrary: string | undefined;
}

/** The matrices on one device. */
export interface Multiplication {
  /** Multiplies, and has ended when it returns. accelmeter measures it as it measures any program's kernel. */
  run(): void | Promise<void>;
  /** What the last run gave, row by row. */
  product(): Float32Array | Promise<Float32Array>;
  /** Gives the device's memory back. */
  close(): void;
}

/** The left matrix: its elements are from -3 to 3. */
export const left: Float32Array = fill((row, column) => ((3 * row + 5 * column) % 7) - 3);
/** The right matrix: its elements are from -2 to 2. */
export const right: Float32Array = fill((row, column) => ((2 * row + 11 * column) % 5) - 2);

function fill(element: (row: number, column: number) => number): Float32Array {
  return Float32Array.from({ length: size * size }, (_, i) => element(Math.floor(i / size), i % size));
}

/** True where `result` is the product of the two, each element of it. */
export function isProduct(result: Float32Array): boolean {
  if (result.length !== size * size) return false;
  return result.every((element, i) => element === dot(Math.floor(i / size), i % size));
}

/** By the definition, in double precision. */
function dot(row: number, column: number): number {
  let sum = 0;
  for (let k = 0; k < size; k++) sum += (left[row * size + k] as number) * (right[k * size + column] as number);
  return sum;
}
