import type { Window } from '../../profile/window.ts';
import { formatRate, formatSeconds, formatShare } from '../../quantity.ts';
import { busyOf, isInUse, leastInFlight } from '../in-use.ts';
import type { Rule } from '../rule.ts';

const fewest = 100;
/** Of the time looked at. Short kernels between long copies have gaps too, which cost nothing. */
const leastIdle = 0.25;
/** Seconds. Where the program waits for each kernel, a longer gap is not the launch of the next. */
const longestLaunch = 0.5e-3;
/** Where waits and runs are together no longer than this times the time in flight, there is one kernel at a time. */
const oneAtATime = 1.5;

/** Many very short kernels, with gaps between them. */
export const launchBound: Rule = {
  code: 'launch_bound',
  kind: 'bottleneck',
  severity: 'warning',
  looksFor: 'The mean time of a kernel: under it starting a kernel weighs more than running it.',
  guard: `While work is in flight the gaps are longer than the kernels, and together at least ${formatShare(leastIdle)} of that time. Where the program waits for each kernel, or waits are not known, also over the whole window, in which gaps are no longer than ${formatSeconds(longestLaunch)}. A device that has work for less than ${formatShare(leastInFlight)} of the time does not count.`,
  thresholds: { cpu: 0.5e-3, cuda: 0.1e-3, opencl: 0.2e-3, metal: 0.1e-3, webgpu: 0.1e-3 },
  unit: 's',
  samples: { fewest, of: 'executions' },
  fault: 'below',
  range: [0, 1],
  recommends: (backend) => [
    'fuse_kernels',
    'batch_operations',
    ...(backend === 'cuda' ? (['use_graphs'] as const) : []),
  ],
  // The event loop is busy with launching then, and what takes microseconds varies as the scheduler does.
  hides: ['event_loop_starves_device', 'high_variance', 'low_utilization'],
  find(window, { threshold, profile }) {
    const { count: samples, mean: observed } = window.kernels;
    if (samples < fewest || observed === undefined || !(observed < threshold)) return [];
    const gap = profile === 'guide' ? gapIn(window, window.seconds) : launchGap(window, observed);
    if (gap === undefined || (profile === 'production' && !isInUse(window))) return [];
    const ran = `${formatRate(samples)} kernels ran for ${formatSeconds(observed)} on average`;
    const sentence = `${ran}, with gaps of ${formatSeconds(gap)}.`;
    return [{ observed, samples, sentence, counterEvidence: [busyOf(window)] }];
  },
};

/** The gap that launching makes, where it is longer than the kernels. */
function launchGap(window: Window, mean: number): number | undefined {
  const { seconds, inFlightSeconds, kernels, waits } = window;
  const isWide = (gap: number, time: number) => gap > mean && gap * kernels.count >= leastIdle * time;
  const inFlight = gapIn(window, inFlightSeconds);
  if (isWide(inFlight, inFlightSeconds)) return inFlight;
  const isOneAtATime = waits.sum + kernels.sum <= oneAtATime * inFlightSeconds;
  const gap = gapIn(window, seconds);
  return isOneAtATime && gap <= longestLaunch && isWide(gap, seconds) ? gap : undefined;
}

/** Time a kernel in which nothing ran, in seconds. */
function gapIn({ busySeconds, transfers, kernels }: Window, time: number): number {
  return Math.max(0, time - busySeconds - transfers.exposedSeconds) / kernels.count;
}
