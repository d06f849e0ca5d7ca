import type { Rule } from '../rule.ts';

const fewest = 20;

/** Executions fail. */
export const failingOperations: Rule = {
  code: 'failing_operations',
  kind: 'bottleneck',
  severity: 'error',
  looksFor: `The share of kernel executions that succeed, of at least ${fewest}.`,
  thresholds: { cpu: 0.95, cuda: 0.95, opencl: 0.95, metal: 0.95, webgpu: 0.95 },
  unit: '1',
  fault: 'below',
  range: [0, 1],
  recommends: () => ['inspect_failures'],
  hides: [],
  find({ kernels: { count, failures } }, { threshold }) {
    const samples = count + failures;
    const observed = count / samples;
    if (samples < fewest || observed >= threshold) return [];
    return [{ observed, samples, sentence: `${failures} of ${samples} kernel executions failed.` }];
  },
};
