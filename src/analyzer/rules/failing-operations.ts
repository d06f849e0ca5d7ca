import { formatShare } from '../../quantity.ts';
import type { Rule } from '../rule.ts';

const fewest = 20;

/** Executions fail. */
export const failingOperations: Rule = {
  code: 'failing_operations',
  kind: 'bottleneck',
  severity: 'error',
  looksFor: 'The share of kernel executions that succeed.',
  thresholds: { cpu: 0.95, cuda: 0.95, opencl: 0.95, metal: 0.95, webgpu: 0.95 },
  unit: '1',
  samples: { fewest, of: 'executions' },
  fault: 'below',
  range: [0, 1],
  recommends: () => ['inspect_failures'],
  // A failed execution has no duration: the device looks idler than it is.
  hides: ['low_utilization'],
  find({ kernels: { count, failures }, byKernel }, { threshold }) {
    const samples = count + failures;
    if (samples < fewest) return [];
    const observed = count / samples;
    if (!(observed < threshold)) return [];
    const sentence = `${failures} of ${samples} kernel executions failed (${formatShare(failures / samples)}).`;
    const [most] = byKernel.filter((kernel) => kernel.failures > 0).sort((a, b) => b.failures - a.failures);
    return [{ observed, samples, sentence, counterEvidence: most ? [`${most.failures} of ${most.name}`] : [] }];
  },
};
