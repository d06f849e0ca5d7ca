/**
 * What a program gives for a run of a kernel, looked at before Metal is told of any of it: what Metal does not take is an
 * exception of Objective-C, which ends the process.
 */
import type { Grid } from '../../metal-device.ts';

/** A grid with all of its dimensions. */
export type CheckedGrid = Readonly<Required<Grid>>;

/** A thread's position is of 32 bits in Metal's language (`uint`). */
const mostThreads = 2 ** 32 - 1;
/** Arguments that are buffers: Metal has a table of 31 (Apple, "Metal Feature Set Tables"). */
const mostBuffers = 31;

/** Throws a TypeError for what is no grid. */
export function checkedGrid(grid: Grid): CheckedGrid {
  if (typeof grid !== 'object' || grid === null) throw new TypeError('a grid is an object with a width');
  const { width, height = 1, depth = 1 } = grid;
  for (const [dimension, threads] of Object.entries({ width, height, depth })) {
    if (!Number.isSafeInteger(threads) || threads < 1 || threads > mostThreads) {
      throw new TypeError(`the ${dimension} of a grid is a whole number from 1 to ${mostThreads}`);
    }
  }
  return { width, height, depth };
}

/** A copy of the list: what the program does with its own later changes nothing. Throws a TypeError for what is none. */
export function checkedBuffers(buffers: readonly NodeJS.TypedArray[]): readonly NodeJS.TypedArray[] {
  if (!Array.isArray(buffers) || !buffers.every(isTypedArray))
    throw new TypeError('buffers are an array of typed arrays');
  if (buffers.length > mostBuffers) throw new TypeError(`a kernel has at most ${mostBuffers} buffers`);
  if (buffers.some(({ byteLength }) => byteLength === 0)) throw new TypeError('Metal has no buffer of no bytes');
  return [...buffers];
}

const isTypedArray = (value: unknown) => ArrayBuffer.isView(value) && !(value instanceof DataView);
