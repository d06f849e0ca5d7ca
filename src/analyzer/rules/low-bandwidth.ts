import type { Window } from '../../profile/window.ts';
import { formatBytes, formatShare } from '../../quantity.ts';
import { isInUse, leastInFlight } from '../in-use.ts';
import type { Rule } from '../rule.ts';

/** The guide's megabytes and gigabytes are powers of two. */
const gigabyte = 2 ** 30;
const fewest = 10;
/** Pageable memory and small copies stay below this share of what the link carries. */
const leastShareOfLink = 0.5;

/** Copies are slower than the link. */
export const lowBandwidth: Rule = {
  code: 'low_bandwidth',
  kind: 'bottleneck',
  severity: 'warning',
  looksFor: 'Bytes a second of copies of 1 MiB and more, while they run.',
  guard: `Where the link is known the threshold is ${formatShare(leastShareOfLink)} of what it carries, unless one is set. A device that is the CPU has no link, and one that has work for less than ${formatShare(leastInFlight)} of the time lets it sleep.`,
  thresholds: { cuda: 10 * gigabyte, opencl: gigabyte },
  unit: 'By/s',
  samples: { fewest, of: 'copies' },
  fault: 'below',
  range: [0, 1e13],
  recommends: () => ['use_pinned_memory', 'check_pcie_link', 'enlarge_transfers', 'verify_driver'],
  hides: [],
  find(window, { threshold, isSet, profile }) {
    const { link } = window.hardware;
    const { count, bytes } = window.transfers.large;
    const isGuarded = profile === 'production';
    if (count < fewest || (isGuarded && (window.device.type === 'cpu' || !isInUse(window)))) return [];
    const observed = bytes / copyingSeconds(window);
    const asked = isGuarded && !isSet && link !== undefined ? leastShareOfLink * link.bandwidth : threshold;
    if (!(observed < asked)) return [];
    const linkIs = link ? `the link carries ${formatBytes(link.bandwidth)}/s` : 'what the link carries is not read';
    const sentence = `${count} copies of 1 MiB and more ran at ${formatBytes(observed)}/s; ${formatBytes(asked)}/s is expected.`;
    return [{ observed, threshold: asked, samples: count, sentence, counterEvidence: [linkIs] }];
  },
};

/** Copies that run beside each other share the link, so their time counts once. */
function copyingSeconds({ transfers: { seconds, large } }: Window): number {
  return seconds > 0 ? Math.min(seconds, large.seconds) : large.seconds;
}
