import type { Window } from '../../profile/window.ts';
import { formatRate, formatSeconds, formatShare } from '../../quantity.ts';
import { busyOf, isInUse, leastInFlight } from '../in-use.ts';
import type { Rule } from '../rule.ts';

const fewest = 100;
/** Many short kernels that keep the device busy are no bottleneck. */
const mostBusy = 0.7;
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
  guard: `While work is in flight the gaps are longer than the kernels and the device is busy for less than ${formatShare(mostBusy)} of the time. Where the program waits for each kernel, gaps up to ${formatSeconds(longestLaunch)} count whatever is in flight. A device that has work for less than ${formatShare(leastInFlight)} of the time does not count.`,
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
  // The event loop is busy with launching then.
  hides: ['event_loop_starves_device', 'low_utilization'],
  find(window, { threshold, profile }) {
    const { count: samples, mean: observed } = window.kernels;
    if (samples < fewest || observed === undefined || !(observed < threshold)) return [];
    if (profile === 'production' && !(isInUse(window) && waitsForLaunches(window, observed))) return [];
    const ran = `${formatRate(samples)} kernels ran for ${formatSeconds(observed)} on average`;
    const sentence = `${ran}, with gaps of ${formatSeconds(gapIn(window, stretch(window)))}.`;
    return [{ observed, samples, sentence, counterEvidence: [busyOf(window)] }];
  },
};

function waitsForLaunches(window: Window, mean: number): boolean {
  const time = stretch(window);
  const gap = gapIn(window, time);
  const isLaunch = gap > mean && (time < window.seconds || gap <= longestLaunch);
  return isLaunch && window.busySeconds < mostBusy * time;
}

/**
 * The time in which a kernel could have run. Where several are enqueued ahead that is the time in flight. Where each is
 * waited for, the launch of the next is a gap as well.
 */
function stretch({ seconds, inFlightSeconds, kernels, waits }: Window): number {
  const isOneAtATime = waits.count === 0 || waits.sum + kernels.sum <= oneAtATime * inFlightSeconds;
  return isOneAtATime ? seconds : Math.min(seconds, inFlightSeconds);
}

/** Time a kernel in which nothing ran, in seconds. */
function gapIn({ busySeconds, transfers, kernels }: Window, time: number): number {
  return Math.max(0, time - busySeconds - transfers.exposedSeconds) / kernels.count;
}
