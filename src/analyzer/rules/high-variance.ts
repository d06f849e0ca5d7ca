import type { Rule } from '../rule.ts';

const fewest = 10;
/** A kernel that takes less of the device's kernel time than this varies without consequence. */
const leastShare = 0.05;

/** The same kernel takes very different times. */
export const highVariance: Rule = {
  code: 'high_variance',
  kind: 'bottleneck',
  severity: 'info',
  looksFor: `The standard deviation of a kernel's time over its mean, of at least ${fewest} executions.`,
  guard: `Of each kernel by itself, where it takes at least ${leastShare * 100} % of the device's kernel time.`,
  thresholds: { cpu: 0.3, cuda: 0.3, opencl: 0.3, metal: 0.3, webgpu: 0.3 },
  unit: '1',
  fault: 'above',
  range: [0, 100],
  recommends: () => ['check_thermals', 'isolate_process', 'stabilise_workload', 'warm_up'],
  hides: [],
  find({ kernels, byKernel }, { threshold }) {
    return byKernel
      .flatMap(({ name: kernel, count: samples, sum, mean, deviation }) => {
        if (samples < fewest || !mean || deviation === undefined || sum < leastShare * kernels.sum) return [];
        const observed = deviation / mean;
        if (observed <= threshold) return [];
        const sentence = `The time of ${kernel} varies by ${(observed * 100).toFixed(0)} % of its mean.`;
        return [{ observed, kernel, samples, sentence }];
      })
      .sort((a, b) => b.observed - a.observed);
  },
};
