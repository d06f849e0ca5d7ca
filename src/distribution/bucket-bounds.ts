/**
 * Where the buckets of the sketch begin and end: at scale 5 of OpenTelemetry's exponential histogram, 32 an octave. Made
 * once, exactly, so that a value on a boundary is in the bucket that it ends.
 */

/** Scale of the sketch: its base is 2^(2^-5). */
export const sketchScale = 5;
export const octave = 1 << sketchScale;

/** Values from 2^-30 s (0.93 ns) to 2^10 s (17 min) have buckets of their own; what lies outside is in the edge ones. */
export const lowestExponent = -30;
const highestExponent = 10;
/** Slots count buckets from the lowest; bucket index = slot + firstIndex. */
export const firstIndex = lowestExponent * octave;
export const slots = (highestExponent - lowestExponent) * octave;

/**
 * `bounds[k]` is where slot `k` begins: the greatest double that is not above 2^(-30 + k/32). All but the powers of
 * two are irrational, so a double is above the true boundary exactly when it is above this one.
 */
export const bounds = exactBounds();

/** For each 64th of an octave, the boundary that may lie in it or, where none does, the next one above. */
export const boundOfCell = firstBoundOfCells();

function exactBounds(): Float64Array {
  const result = new Float64Array(slots + 1);
  for (let sub = 0; sub < octave; sub++) {
    const significand = floorOfPower(sub);
    for (let k = sub; k <= slots; k += octave) {
      result[k] = significand * 2 ** (lowestExponent + (k - sub) / octave);
    }
  }
  return result;
}

/** The greatest double not above 2^(sub/32). `Math.pow` is only near; integers decide. */
function floorOfPower(sub: number): number {
  const target = 2n ** BigInt(sub + 52 * octave);
  let mantissa = BigInt(Math.floor(2 ** (sub / octave) * 2 ** 52));
  while (mantissa ** BigInt(octave) > target) mantissa -= 1n;
  while ((mantissa + 1n) ** BigInt(octave) <= target) mantissa += 1n;
  return Number(mantissa) / 2 ** 52;
}

function firstBoundOfCells(): Uint8Array {
  const result = new Uint8Array(64);
  const base = -lowestExponent * octave;
  for (let cell = 0; cell < 64; cell++) {
    let bound = 0;
    while ((bounds[base + bound] as number) < 1 + cell / 64) bound += 1;
    result[cell] = bound;
  }
  return result;
}
