import { formatShare } from '../../quantity.ts';
import { busyOf, temperatureOf } from '../in-use.ts';
import type { Rule } from '../rule.ts';

/** Below this share of its usual clock the limit costs more than what a full load always costs. */
const leastClock = 0.8;

/** The power limit holds the clock down. */
export const powerThrottling: Rule = {
  code: 'power_throttling',
  kind: 'bottleneck',
  severity: 'info',
  looksFor: 'The share of the time in which the power limit held the clock down.',
  guard: `The clock is below ${formatShare(leastClock)} of what it is while busy and not held down, and then it is a warning: a card that reaches its limit at full load is as it should be.`,
  thresholds: { cuda: 0.01 },
  unit: '1',
  samples: { fewest: 1, of: 'intervals' },
  fault: 'above',
  range: [0, 1],
  recommends: () => ['raise_power_limit'],
  hides: ['high_variance', 'regression'],
  find(window, { threshold, profile }) {
    const { powerThrottle: observed, clockRatio } = window.hardware;
    if (observed === undefined || !(observed > threshold)) return [];
    const isSlow = clockRatio !== undefined && clockRatio < leastClock;
    if (profile === 'production' && !isSlow) return [];
    const held = `The power limit held the clock down for ${formatShare(observed)} of the time`;
    return [
      {
        observed,
        severity: isSlow ? 'warning' : 'info',
        samples: window.intervals,
        sentence:
          clockRatio === undefined ? `${held}.` : `${held}, to ${formatShare(clockRatio)} of what it usually is.`,
        counterEvidence: [
          ...(clockRatio === undefined ? ['clock not read'] : []),
          busyOf(window),
          temperatureOf(window),
        ],
      },
    ];
  },
};
