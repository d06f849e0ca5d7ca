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
    const busy = totalExecutionTimeMs / 1000 / seconds;
    if (busy >= busyShare) return undefined;
    const ran = `${totalExecutions} kernels ran for ${(mean * 1000).toFixed(0)} µs on average`;
    const sentence = `${ran}, and for ${((1 - busy) * 100).toFixed(0)} % of the time the device waited for the next.`;
    return { observed: mean / 1000, threshold: threshold / 1000, unit: 's', samples: totalExecutions, sentence };
  },
};
