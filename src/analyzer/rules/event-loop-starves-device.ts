import { formatShare } from '../../quantity.ts';
import { shareInFlight } from '../in-use.ts';
import type { Rule } from '../rule.ts';
import { lowUtilization } from './low-utilization.ts';

const fewest = 10;
/** Above this the device has work, and the loop is busy with giving it or waiting for it. */
const mostInFlight = 0.5;

/** The event loop is too busy to feed the device. */
export const eventLoopStarvesDevice: Rule = {
  code: 'event_loop_starves_device',
  kind: 'bottleneck',
  severity: 'warning',
  looksFor:
    'How busy the event loop is, while the device is busy for less of the time than `low_utilization` asks for.',
  guard: `Work is in flight for less than ${formatShare(mostInFlight)} of the time, so that the loop does not wait for the device, and by all processes the device is no busier either.`,
  thresholds: { cuda: 0.9, opencl: 0.9, metal: 0.9, webgpu: 0.9 },
  unit: '1',
  samples: { fewest, of: 'executions' },
  fault: 'above',
  range: [0, 1],
  recommends: () => ['move_work_off_event_loop'],
  hides: ['low_utilization'],
  find(window, { threshold, profile, thresholdOf }) {
    const { kernels, process, hardware, utilization } = window;
    const observed = process.eventLoopUtilization;
    const asked = thresholdOf(lowUtilization);
    if (kernels.count < fewest || observed === undefined || !(observed > threshold)) return [];
    if (utilization === undefined || asked === undefined || !(utilization < asked)) return [];
    const inFlight = shareInFlight(window);
    if (profile === 'production' && (inFlight >= mostInFlight || (hardware.utilization ?? 0) >= asked)) return [];
    const sentence = `The event loop is busy for ${formatShare(observed)} of the time, the device for ${formatShare(utilization)}.`;
    return [
      { observed, samples: kernels.count, sentence, counterEvidence: [`work in flight ${formatShare(inFlight)}`] },
    ];
  },
};
