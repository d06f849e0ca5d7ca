import type { Rule } from '../rule.ts';

const fewest = 100;
/** Many short kernels that keep the device busy are no bottleneck. */
const busyShare = 0.7;

/** Many very short kernels, with gaps between them. */
export const launchBound: Rule = {
  code: 'launch_bound',
  kind: 'bottleneck',
  severity: 'warning',
  looksFor: `The mean time of at least ${fewest} kernel executions: under it starting a kernel weighs more than running it.`,
  guard: `Gaps longer than the kernels, and the device busy for less than ${busyShare * 100} % of the time.`,
  thresholds: { cpu: 0.5e-3, cuda: 0.1e-3, opencl: 0.2e-3, metal: 0.1e-3, webgpu: 0.1e-3 },
  unit: 's',
  fault: 'below',
  range: [0, 1],
  recommends: (backend) => [
    'fuse_kernels',
    'batch_operations',
    ...(backend === 'cuda' ? (['use_graphs'] as const) : []),
  ],
  hides: [],
  find({ seconds, busySeconds, kernels: { count: samples, mean: observed } }, { threshold }) {
    if (samples < fewest || observed === undefined || observed >= threshold) return [];
    const busy = busySeconds / seconds;
    if (busy >= busyShare) return [];
    const ran = `${samples} kernels ran for ${(observed * 1e6).toFixed(0)} µs on average`;
    const sentence = `${ran}, and for ${((1 - busy) * 100).toFixed(0)} % of the time the device waited for the next.`;
    return [{ observed, samples, sentence }];
  },
};
