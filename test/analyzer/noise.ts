/** Noise that always falls the same: what kernels' times look like when nothing changes. */

/** Uniform from 0 (exclusive) to 1. Mulberry32: small, and good enough for a hundred million numbers. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (((mixed ^ (mixed >>> 14)) >>> 0) + 1) / 2 ** 32;
  };
}

/** A duration in seconds, about a millisecond. */
export type Noise = (random: () => number) => number;

/** `spread` is the standard deviation of the logarithm. */
export const lognormal =
  (spread: number): Noise =>
  (random) =>
    1e-3 * Math.exp(spread * normal(random));

/** One in eight takes four times as long: a second size of input. */
export const bimodal: Noise = (random) => (random() < 0.125 ? 4e-3 : 1e-3) * Math.exp(0.1 * normal(random));

/** Heavy-tailed: for a shape of up to 2 the deviation has no bound, and means jump by single executions. */
export const pareto =
  (shape: number): Noise =>
  (random) =>
    1e-3 * random() ** (-1 / shape);

/** Box and Muller (1958). */
export function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
}
