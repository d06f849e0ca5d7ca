import { formatSeconds, formatShare } from '../../quantity.ts';
import type { Rule } from '../rule.ts';

/** Seconds that a trivial task waits. */
const leastWait = 0.01;

/** All workers of libuv's pool have tasks, and further ones wait. */
export const threadPoolExhausted: Rule = {
  code: 'thread_pool_exhausted',
  kind: 'bottleneck',
  severity: 'warning',
  looksFor: "The share of libuv's workers that have a task.",
  guard: `A trivial task waits for longer than ${formatSeconds(leastWait)}: a pool that is full and keeps up is well used.`,
  thresholds: { cpu: 0.8 },
  unit: '1',
  samples: { fewest: 1, of: 'intervals' },
  fault: 'above',
  range: [0, 1],
  recommends: () => ['resize_thread_pool'],
  hides: ['high_variance', 'low_utilization'],
  find({ process: { threadPoolUtilization: observed, threadPoolWait: wait }, intervals }, { threshold, profile }) {
    if (observed === undefined || !(observed > threshold)) return [];
    if (profile === 'production' && !(wait !== undefined && wait > leastWait)) return [];
    const full = `The thread pool is busy for ${formatShare(observed)} of the time`;
    return [
      {
        observed,
        samples: intervals,
        sentence:
          wait === undefined ? `${full}.` : `${full}, and a trivial task waits for up to ${formatSeconds(wait)}.`,
        counterEvidence: wait === undefined ? ['wait of a task not measured'] : [],
      },
    ];
  },
};
