import type { Rule } from '../finding.ts';

const fewest = 20;
const threshold = 0.95;

/** Executions fail. */
export const failingOperations: Rule = {
  code: 'failing_operations',
  severity: 'error',
  recommends: ['inspect_failures'],
  find({ snapshot: { kernelStats } }) {
    if (!kernelStats || kernelStats.totalExecutions < fewest || kernelStats.successRate >= threshold) return undefined;
    const { successRate: observed, totalExecutions: samples, failedExecutions } = kernelStats;
    const sentence = `${failedExecutions} of ${samples} kernel executions failed.`;
    return { observed, threshold, unit: '1', samples, sentence };
  },
};
