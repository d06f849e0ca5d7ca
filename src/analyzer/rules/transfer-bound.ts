import { formatRate, formatShare } from '../../quantity.ts';
import { busyOf, isInUse, leastInFlight } from '../in-use.ts';
import type { Rule } from '../rule.ts';

/** Fewer copies than this are a start-up, not a pattern. */
const fewest = 10;

/** Copies take longer than the kernels they feed. */
export const transferBound: Rule = {
  code: 'transfer_bound',
  kind: 'bottleneck',
  severity: 'warning',
  looksFor: 'The time in which copies ran over the time in which kernels ran.',
  guard: `Copies that overlap kernels do not count, nor does a device that has work for less than ${formatShare(leastInFlight)} of the time.`,
  thresholds: { cuda: 1, opencl: 1, metal: 1, webgpu: 1 },
  unit: '1',
  samples: { fewest, of: 'copies' },
  fault: 'above',
  range: [0, 1000],
  recommends: () => ['keep_data_on_device', 'overlap_transfers', 'use_pinned_memory'],
  hides: ['low_utilization'],
  find(window, { threshold, profile }) {
    const { busySeconds, transfers } = window;
    if (transfers.count < fewest || !(busySeconds > 0)) return [];
    const isGuarded = profile === 'production';
    const observed = (isGuarded ? transfers.exposedSeconds : transfers.seconds) / busySeconds;
    if (!(observed > threshold) || (isGuarded && !isInUse(window))) return [];
    const overlapped = transfers.seconds > 0 ? 1 - transfers.exposedSeconds / transfers.seconds : 0;
    return [
      {
        observed,
        samples: transfers.count,
        sentence: `Copies ran for ${formatRate(observed)} times as long as kernels (${formatRate(transfers.count)} copies).`,
        counterEvidence: [
          busyOf(window),
          `${formatShare(Math.max(0, overlapped))} of the copies' time overlaps kernels`,
        ],
      },
    ];
  },
};
