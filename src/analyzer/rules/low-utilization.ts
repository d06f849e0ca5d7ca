import type { Window } from '../../profile/window.ts';
import { formatShare } from '../../quantity.ts';
import { isHeldByOthers, shareInFlight } from '../in-use.ts';
import type { Rule } from '../rule.ts';

const fewest = 10;
/** With less work than this the device has nothing to do, which is no fault of it. */
const leastDemand = 0.25;

/** The device idles although there is work for it. */
export const lowUtilization: Rule = {
  code: 'low_utilization',
  kind: 'bottleneck',
  severity: 'warning',
  looksFor: 'The share of the time in which kernels ran; on the CPU, the share of its cores that the process used.',
  guard: `Of the time in which work was in flight, which is at least ${formatShare(leastDemand)} of the window, and not where another process holds the device: an idle night is no finding.`,
  thresholds: { cpu: 0.3, cuda: 0.5, opencl: 0.4, metal: 0.3, webgpu: 0.4 },
  unit: '1',
  samples: { fewest, of: 'executions' },
  fault: 'below',
  range: [0, 1],
  recommends: (backend) =>
    backend === 'cpu'
      ? ['increase_parallelism', 'enable_simd']
      : ['increase_work_group_size', 'batch_operations', 'use_multiple_queues', 'minimize_synchronization'],
  hides: [],
  find(window, { threshold, profile }) {
    const { utilization, hardware, kernels } = window;
    const isGuarded = profile === 'production';
    if (utilization === undefined || kernels.count < fewest) return [];
    const inFlight = shareInFlight(window);
    if (isGuarded && (inFlight < leastDemand || isHeldByOthers(window))) return [];
    const observed = isGuarded ? whileInFlight(window, inFlight, utilization) : utilization;
    if (!(observed >= 0 && observed < threshold)) return [];
    const used = window.device.backend === 'cpu' ? 'The process used' : 'Kernels ran for';
    const ofWhat = window.device.backend === 'cpu' ? 'its cores' : 'the time';
    const sentence = `${used} ${formatShare(observed)} of ${ofWhat}${isGuarded ? ' while work was in flight' : ''}.`;
    const byAll = hardware.utilization === undefined ? 'not read' : formatShare(hardware.utilization);
    return [
      {
        observed,
        samples: kernels.count,
        sentence,
        counterEvidence: [`work in flight ${formatShare(inFlight)}`, `utilization by all processes ${byAll}`],
      },
    ];
  },
};

/** The CPU's is the process's whole CPU time, so it is at least what the operations used. */
function whileInFlight(
  { device, busySeconds, inFlightSeconds }: Window,
  inFlight: number,
  utilization: number,
): number {
  return device.backend === 'cpu' ? Math.min(1, utilization / inFlight) : busySeconds / inFlightSeconds;
}
