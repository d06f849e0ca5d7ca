import type { Durations, Window } from '../../profile/window.ts';
import { formatShare } from '../../quantity.ts';
import { shareBusy, temperatureOf } from '../in-use.ts';
import type { Observation, Rule } from '../rule.ts';

const fewest = 10;
/** A kernel that takes less of the device's kernel time than this varies without consequence. */
const leastShare = 0.05;
/** Of the window. Kernels that take no time vary without consequence, too. */
const leastBusy = 0.05;
/** What may be an accident at either end, and at least so many executions. */
const accidents = { share: 0.01, count: 2 };
const ranks = 16;

/** The same kernel takes very different times. */
export const highVariance: Rule = {
  code: 'high_variance',
  kind: 'bottleneck',
  severity: 'info',
  looksFor: 'The standard deviation of execution times over their mean (the coefficient of variation).',
  guard: `Of each kernel by itself, where it takes at least ${formatShare(leastShare)} of the device's kernel time and kernels run for ${formatShare(leastBusy)} of the window, and only where it varies as much without the outermost ${formatShare(accidents.share)} (at least ${accidents.count} executions) at either end: one execution in a thousand that takes eleven times as long gives 30 % by itself.`,
  thresholds: { cpu: 0.3, cuda: 0.3, opencl: 0.3, metal: 0.3, webgpu: 0.3 },
  unit: '1',
  samples: { fewest, of: 'executions' },
  fault: 'above',
  range: [0, 100],
  recommends: () => ['check_thermals', 'isolate_process', 'stabilise_workload', 'warm_up'],
  hides: [],
  find(window, { threshold, profile }) {
    if (profile === 'guide') return observations(window, window.kernels, threshold);
    if (!(shareBusy(window) >= leastBusy)) return [];
    return window.byKernel
      .filter(({ sum }) => sum > 0 && sum >= leastShare * window.kernels.sum)
      .sort((a, b) => cost(b) - cost(a))
      .flatMap((kernel) => {
        const found = observations(window, kernel, threshold, kernel.name);
        return found.filter(() => !(variationOfInner(kernel) <= threshold));
      });
  },
};

/** What varies most is seldom what matters most: its variation, by its share of the time. */
function cost({ deviation = 0, count }: Durations): number {
  return deviation * count;
}

function observations(
  window: Window,
  { count: samples, sum, mean, deviation }: Durations,
  threshold: number,
  kernel?: string,
): Observation[] {
  if (samples < fewest || mean === undefined || deviation === undefined) return [];
  const observed = deviation / mean;
  if (!(mean > 0 && observed > threshold)) return [];
  const share = Math.min(1, sum / window.kernels.sum);
  return [
    {
      observed,
      ...(kernel !== undefined && { kernel }),
      samples,
      sentence: `The time of ${kernel ?? 'kernels'} varies by ${formatShare(observed)} of its mean.`,
      counterEvidence: [`${formatShare(share)} of the kernels' time`, temperatureOf(window)],
    },
  ];
}

/** The coefficient of variation without accidents, from quantiles at even ranks. `NaN` where there are none. */
function variationOfInner(kernel: Durations): number {
  const cut = Math.max(accidents.share, accidents.count / kernel.count);
  const values = Array.from(
    { length: ranks },
    (_, i) => kernel.quantile(cut + ((1 - 2 * cut) * i) / (ranks - 1)) ?? Number.NaN,
  );
  const mean = values.reduce((sum, value) => sum + value, 0) / ranks;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (ranks - 1)) / mean;
}
