/**
 * Statistics of a window of samples, computed when somebody asks. Percentiles are of type 7 of Hyndman and Fan (1996),
 * the default of NumPy and R: linear between the closest ranks.
 */

/** What the last samples of a stream say, in the samples' unit. */
export interface WindowStatistics {
  readonly count: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  /** Sample standard deviation (n − 1); `undefined` for one sample, of which it says nothing. */
  readonly stddev: number | undefined;
}

/** Statistics of the samples, in any order; `undefined` where there is none. Sorts the array it is given. */
export function windowStatistics(samples: Float32Array | Float64Array): WindowStatistics | undefined {
  const count = samples.length;
  if (count === 0) return undefined;
  samples.sort();
  return {
    count,
    mean: mean(samples),
    min: samples[0] as number,
    max: samples[count - 1] as number,
    p50: percentile(samples, 0.5),
    p95: percentile(samples, 0.95),
    p99: percentile(samples, 0.99),
    stddev: standardDeviation(samples),
  };
}

/** The `q`-quantile (0 to 1) of samples in ascending order, of which there is at least one. */
export function percentile(sorted: ArrayLike<number>, q: number): number {
  const position = (sorted.length - 1) * q;
  const below = Math.floor(position);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (high - low) * (position - below);
}

/** The arithmetic mean; NaN where there is no sample. */
function mean(samples: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += samples[i] as number;
  return sum / samples.length;
}

/**
 * Sample standard deviation (n − 1), `undefined` for fewer than two samples. In two passes, so that samples that
 * differ little from a large mean keep their digits; the second term takes back the rounding of the mean itself
 * (Chan, Golub and LeVeque 1983).
 */
export function standardDeviation(samples: ArrayLike<number>): number | undefined {
  const count = samples.length;
  if (count < 2) return undefined;
  const centre = mean(samples);
  let squares = 0;
  let rest = 0;
  for (let i = 0; i < count; i++) {
    const deviation = (samples[i] as number) - centre;
    squares += deviation * deviation;
    rest += deviation;
  }
  return Math.sqrt(Math.max(0, squares - (rest * rest) / count) / (count - 1));
}

/** Standard deviation over mean: the spread as a share. `undefined` where either says nothing. */
export function coefficientOfVariation(statistics: WindowStatistics): number | undefined {
  if (statistics.stddev === undefined || statistics.mean === 0) return undefined;
  return statistics.stddev / statistics.mean;
}
