import type { Rule } from '../rule.ts';

/** Fewer copies than this are a start-up, not a pattern. */
const fewest = 10;

/** Copies take longer than the kernels they feed. */
export const transferBound: Rule = {
  code: 'transfer_bound',
  kind: 'bottleneck',
  severity: 'warning',
  looksFor: `The time in which copies ran over the time in which kernels ran, of at least ${fewest} copies.`,
  guard: 'Copies that overlap kernels do not count.',
  thresholds: { cuda: 1, opencl: 1, metal: 1, webgpu: 1 },
  unit: '1',
  fault: 'above',
  range: [0, 1000],
  recommends: () => ['keep_data_on_device', 'overlap_transfers', 'use_pinned_memory'],
  hides: ['low_utilization'],
  find({ busySeconds, transfers: { count: samples, exposedSeconds, seconds } }, { threshold, profile }) {
    const copying = profile === 'guide' ? seconds : exposedSeconds;
    if (samples < fewest || busySeconds === 0) return [];
    const observed = copying / busySeconds;
    if (observed <= threshold) return [];
    return [
      {
        observed,
        samples,
        sentence: `Copies took ${observed.toFixed(1)} times as long as kernels (${samples} copies).`,
      },
    ];
  },
};
