import type { Observation, Rule } from '../finding.ts';

const fewest = 10;
const threshold = 0.3;
/** A kernel that takes less of the device's kernel time than this varies without consequence. */
const leastShare = 0.05;

/** The same kernel takes very different times. */
export const highVariance: Rule = {
  code: 'high_variance',
  severity: 'info',
  recommends: ['check_thermals', 'isolate_process', 'stabilise_workload', 'warm_up'],
  find({ kernels, snapshot }) {
    const least = leastShare * (snapshot.kernelStats?.totalExecutionTimeMs ?? 0);
    let worst: Observation | undefined;
    for (const [kernel, stats] of kernels) {
      const { windowAverageExecutionTimeMs: mean, standardDeviationMs: deviation, totalExecutions: samples } = stats;
      if (samples < fewest || !mean || deviation === undefined) continue;
      if (stats.totalExecutionTimeMs < least) continue;
      const observed = deviation / mean;
      if (observed <= Math.max(threshold, worst?.observed ?? 0)) continue;
      const sentence = `The time of ${kernel} varies by ${(observed * 100).toFixed(0)} % of its mean.`;
      worst = { observed, threshold, unit: '1', kernel, samples, sentence };
    }
    return worst;
  },
};
