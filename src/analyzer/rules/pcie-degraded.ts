import { formatShare } from '../../quantity.ts';
import { busyOf, shareBusy } from '../in-use.ts';
import type { Rule } from '../rule.ts';

/** An idle device lets its link sleep. */
const leastBusy = 0.5;

/** The link to the host is slower than it could be. */
export const pcieDegraded: Rule = {
  code: 'pcie_degraded',
  kind: 'bottleneck',
  severity: 'warning',
  looksFor: `What the PCIe link can carry, of what it could at its greatest generation and width, while the device is busy for at least ${formatShare(leastBusy)} of the time.`,
  thresholds: { cuda: 1 },
  unit: '1',
  samples: { fewest: 1, of: 'intervals' },
  fault: 'below',
  range: [0, 1],
  recommends: () => ['check_pcie_link'],
  hides: ['low_bandwidth'],
  find(window, { threshold }) {
    const { link, utilization = 0 } = window.hardware;
    if (link === undefined || !(Math.max(utilization, shareBusy(window)) >= leastBusy)) return [];
    const { generation, maxGeneration, width, maxWidth } = link;
    // Each generation carries twice as much as the one before.
    const observed = (2 ** (generation - maxGeneration) * width) / maxWidth;
    if (!(observed < threshold)) return [];
    const is = `The PCIe link runs at generation ${generation} with ${width} lanes`;
    const sentence = `${is}; it could at generation ${maxGeneration} with ${maxWidth}.`;
    return [{ observed, samples: window.intervals, sentence, counterEvidence: [busyOf(window)] }];
  },
};
