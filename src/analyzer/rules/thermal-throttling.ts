import type { Window } from '../../profile/window.ts';
import { formatShare } from '../../quantity.ts';
import { temperatureOf } from '../in-use.ts';
import type { Observation, Rule } from '../rule.ts';

/** A shorter share of the window is a peak, not a state. */
const leastShare = 0.01;
const metalStates = ['nominal', 'fair', 'serious', 'critical'];
/** Metal's "fair": from "serious" on it slows down. */
const metalThreshold = 1;

/** The device slows down because it is too hot. */
export const thermalThrottling: Rule = {
  code: 'thermal_throttling',
  kind: 'bottleneck',
  severity: 'error',
  looksFor: 'The temperature; on Metal the thermal state, of which 1 is fair and 2 serious.',
  guard: `Where the device tells when it was throttled for its temperature, that counts in place of the temperature: at least ${formatShare(leastShare)} of the time.`,
  thresholds: { cuda: 80, metal: metalThreshold },
  unit: 'Cel',
  units: { metal: '{state}' },
  samples: { fewest: 1, of: 'intervals' },
  fault: 'above',
  range: [0, 150],
  recommends: () => ['check_cooling'],
  hides: ['high_variance', 'power_throttling', 'regression'],
  find(window, { threshold, profile }) {
    const { thermalThrottle, temperature } = window.hardware;
    if (window.device.backend === 'metal') return metal(window);
    const flag = thermalThrottle === undefined ? [] : throttled(window, thermalThrottle);
    if (profile === 'production' && thermalThrottle !== undefined) return flag;
    if (temperature === undefined || !(temperature > threshold)) return flag;
    return [
      {
        observed: temperature,
        samples: window.intervals,
        sentence: `The device reached ${Math.round(temperature)} °C.`,
        counterEvidence: [
          thermalThrottle === undefined
            ? 'throttling not read'
            : `throttled for ${formatShare(thermalThrottle)} of the time`,
        ],
      },
    ];
  },
};

function throttled(window: Window, share: number): Observation[] {
  if (!(share > leastShare)) return [];
  return [
    {
      observed: share,
      threshold: leastShare,
      unit: '1',
      samples: window.intervals,
      sentence: `The device was throttled for its temperature during ${formatShare(share)} of the time.`,
      counterEvidence: [temperatureOf(window)],
    },
  ];
}

function metal({ hardware: { thermalState: observed }, intervals: samples }: Window): Observation[] {
  if (observed === undefined || !(observed > metalThreshold)) return [];
  const sentence = `The device is throttled for its temperature: its thermal state is ${metalStates[observed] ?? 'critical'}.`;
  return [{ observed, samples, sentence }];
}
