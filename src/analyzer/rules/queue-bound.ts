import { formatRate, formatSeconds } from '../../quantity.ts';
import { busyOf } from '../in-use.ts';
import type { Rule } from '../rule.ts';

const fewest = 10;
/** Seconds. A shorter queue keeps the device fed, and nobody notices it. */
const leastWait = 0.01;

/** Work waits in the queue for longer than it runs. */
export const queueBound: Rule = {
  code: 'queue_bound',
  kind: 'bottleneck',
  severity: 'info',
  looksFor: 'The median time that kernels wait in the queue over the median time that they run.',
  guard: `The median wait is at least ${formatSeconds(leastWait)}, since launching ahead is healthy; a warning where a kernel is over its objective, however long the wait.`,
  thresholds: { cuda: 1, opencl: 1, metal: 1, webgpu: 1 },
  unit: '1',
  samples: { fewest, of: 'executions' },
  fault: 'above',
  range: [0, 1e6],
  recommends: () => ['use_multiple_queues', 'reduce_queue_depth'],
  hides: [],
  find(window, { threshold, profile }) {
    const { waits, kernels, overObjective } = window;
    const wait = waits.quantile(0.5);
    const run = kernels.quantile(0.5);
    if (waits.count < fewest || wait === undefined || run === undefined || !(run > 0)) return [];
    const observed = wait / run;
    const [missed] = overObjective;
    if (!(observed > threshold) || (profile === 'production' && missed === undefined && !(wait >= leastWait)))
      return [];
    const waited = `Kernels wait for ${formatSeconds(wait)} and run for ${formatSeconds(run)} (medians)`;
    return [
      {
        observed,
        severity: missed === undefined ? 'info' : 'warning',
        samples: waits.count,
        sentence: `${waited}: ${formatRate(observed)} times as long.`,
        counterEvidence: [
          busyOf(window),
          missed === undefined
            ? 'no kernel is over its objective'
            : `${missed.kernel} is over its ${missed.quantile} objective of ${formatSeconds(missed.objective)}`,
        ],
      },
    ];
  },
};
