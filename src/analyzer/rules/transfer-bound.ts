import type { Rule } from '../finding.ts';

/** Fewer copies than this are a start-up, not a pattern. */
const fewest = 10;

/** Copies take longer than the kernels they feed. */
export const transferBound: Rule = {
  code: 'transfer_bound',
  severity: 'warning',
  recommends: ['keep_data_on_device', 'overlap_transfers', 'use_pinned_memory'],
  find({ backend, snapshot: { kernelStats, memoryStats } }) {
    const { hostToDeviceTransfers = 0, deviceToHostTransfers = 0, averageTransferTimeMs } = memoryStats ?? {};
    const copies = hostToDeviceTransfers + deviceToHostTransfers;
    const kernelMs = kernelStats?.totalExecutionTimeMs ?? 0;
    if (backend === 'cpu' || copies < fewest || averageTransferTimeMs === undefined || kernelMs === 0) return undefined;
    const observed = (copies * averageTransferTimeMs) / kernelMs;
    if (observed <= 1) return undefined;
    const sentence = `Copies took ${observed.toFixed(1)} times as long as kernels (${copies} copies).`;
    return { observed, threshold: 1, unit: '1', samples: copies, sentence };
  },
};
