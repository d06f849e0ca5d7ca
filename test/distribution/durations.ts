/** Generators of durations in seconds, of the shapes that real streams have and of the ones that break bucket code. */
import fc from 'fast-check';

/** Evenly over the whole range of the sketch, on a logarithmic scale. */
const logUniform = fc.double({ min: -30, max: 10, noNaN: true }).map((exponent) => 2 ** exponent);
const uniform = fc.double({ min: 2 ** -30, max: 1, noNaN: true });

/** 2^k in the sketch's range, the double before it, and the one after. */
const powerOrNeighbour = fc
  .tuple(fc.integer({ min: -29, max: 9 }), fc.constantFrom(-1, 0, 1))
  .map(([exponent, step]) => neighbour(2 ** exponent, step));

/** The double `steps` after a positive one. */
export function neighbour(value: number, steps: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + BigInt(steps));
  return view.getFloat64(0);
}

const twoModes = fc
  .tuple(logUniform, logUniform)
  .chain(([fast, slow]) => fc.array(fc.constantFrom(fast, slow, fast * 1.01, slow / 1.01), streamSize));
const streamSize = { minLength: 1, maxLength: 300 };

/** Whole streams within the sketch's range, in which its error bound holds. */
export const streamsInRange: fc.Arbitrary<number[]> = fc
  .oneof(
    fc.array(uniform, streamSize),
    fc.array(logUniform, streamSize),
    fc.array(powerOrNeighbour, streamSize),
    twoModes,
    fc.tuple(logUniform, fc.integer({ min: 1, max: 300 })).map(([value, count]) => Array<number>(count).fill(value)),
  )
  .map((stream) => stream.map((value) => Math.min(Math.max(value, 2 ** -30), 2 ** 10)));

const outside = fc.oneof(
  fc.constantFrom(0, -0, Number.MIN_VALUE, 2 ** -1022, 2 ** -31, 2 ** 11, 3.4e38),
  fc.double({ min: 0, max: 2 ** -1022, noNaN: true }),
);

/** Whole streams of anything that is a duration: zeros, subnormals and absurdly long ones among them. */
export const streams: fc.Arbitrary<number[]> = fc.oneof(
  streamsInRange,
  fc.array(fc.oneof(logUniform, outside, powerOrNeighbour), { maxLength: 300 }),
);

/** What is no duration, though a program may say it. */
export const noDurations = fc.oneof(
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -Number.MIN_VALUE, 1.7e308),
  fc.double({ max: -Number.MIN_VALUE, noNaN: true }),
);
