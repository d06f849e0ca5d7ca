import type { Rule } from '../rule.ts';

/** The device's memory or the device itself is failing. */
export const memoryErrors: Rule = {
  code: 'memory_errors',
  kind: 'bottleneck',
  severity: 'critical',
  looksFor: 'Memory errors that could not be corrected, critical XIDs, and rows that wait for a reset to be replaced.',
  thresholds: { cuda: 0 },
  unit: '{error}',
  samples: { fewest: 1, of: 'intervals' },
  fault: 'above',
  range: [0, 1e6],
  recommends: () => ['drain_device'],
  hides: ['failing_operations'],
  find({ hardware: { uncorrectedErrors = 0, criticalXids = 0, rowRemapPending = false }, intervals }, { threshold }) {
    const observed = uncorrectedErrors + criticalXids + (rowRemapPending ? 1 : 0);
    if (!(observed > threshold)) return [];
    const seen = [
      uncorrectedErrors > 0 ? counted(uncorrectedErrors, 'uncorrected memory error') : [],
      criticalXids > 0 ? counted(criticalXids, 'critical XID') : [],
      rowRemapPending ? 'one row of memory that waits for a reset to be replaced' : [],
    ].flat();
    return [{ observed, samples: intervals, sentence: `The device reports ${seen.join(', ')}.` }];
  },
};

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
