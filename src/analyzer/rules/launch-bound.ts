import type { Rule } from '../finding.ts';

/** Mean execution time under which starting a kernel weighs more than running it, in milliseconds. */
const shortestMeanMs = { cpu: 0.5, opencl: 0.2 } as const;
const fewest = 100;
/** Many short kernels that keep the device busy are no bottleneck. */
const busyShare = 0.7;

/** Many very short kernels, with gaps between them. */
export const launchBound: Rule = {
  code: 'launch_bound',
  severity: 'warning',
  recommends: ['fuse_kernels', 'batch_operations'],
  find({ backend, seconds, snapshot: { kernelStats } }) {
    const { totalExecutions = 0, averageExecutionTimeMs: mean, totalExecutionTimeMs = 0 } = kernelStats ?? {};
    const threshold = shortestMeanMs[backend];
    if (totalExecutions < fewest || mean === undefined || mean >= threshold) return undefined;
    if (totalExecutionTimeMs / 1000 / seconds >= busyShare) return undefined;
    const sentence = `${totalExecutions} kernels ran for ${(mean * 1000).toFixed(0)} µs on average, and the device waited for the next most of the time.`;
    return { observed: mean / 1000, threshold: threshold / 1000, unit: 's', samples: totalExecutions, sentence };
  },
};
