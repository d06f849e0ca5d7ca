import type { Window } from '../../profile/window.ts';
import { formatBytes, formatShare } from '../../quantity.ts';
import { isAfterStartUp } from '../in-use.ts';
import type { Observation, Rule } from '../rule.ts';

/** Of the limit: less is the breathing of a cache. */
const leastGrowth = 0.01;

/** Memory is nearly used up. */
export const memoryPressure: Rule = {
  code: 'memory_pressure',
  kind: 'bottleneck',
  severity: 'warning',
  looksFor: "Memory in use over its limit: of V8's heap or the container on the CPU, else of the device.",
  guard: `On devices only with failed allocations, or where the process holds more by ${formatShare(leastGrowth)} of the limit than a window before, the first minute left out: arenas take nearly all memory ahead.`,
  thresholds: { cpu: 0.9, cuda: 0.9, opencl: 0.9, metal: 0.9 },
  unit: '1',
  samples: { fewest: 1, of: 'intervals' },
  fault: 'above',
  range: [0, 1],
  recommends: () => ['reduce_memory'],
  hides: ['high_variance'],
  find(window, { threshold, profile }) {
    const found = window.device.backend === 'cpu' ? ofProcess(window) : ofDevice(window, profile === 'production');
    return found.filter(({ observed }) => observed > threshold).sort((a, b) => b.observed - a.observed);
  },
};

function ofProcess({ process, intervals }: Window): Observation[] {
  const { heapUsage, heapLimit, containerUsage, containerLimit } = process;
  return [
    ...used("V8's heap", heapUsage, heapLimit, intervals),
    ...used("The container's memory", containerUsage, containerLimit, intervals),
  ];
}

function ofDevice(window: Window, isGuarded: boolean): Observation[] {
  const { usage, limit, growth = 0, failedAllocations } = window.memory;
  const isGrowing = limit !== undefined && growth > leastGrowth * limit && isAfterStartUp(window);
  if (isGuarded && !isGrowing && !(failedAllocations > 0)) return [];
  const grown = growth < 0 ? `${formatBytes(-growth)} less` : `${formatBytes(growth)} more`;
  const counterEvidence = [`${failedAllocations} failed allocations`, `${grown} held than before the window`];
  return used("The device's memory", usage, limit, window.intervals).map((each) => ({ ...each, counterEvidence }));
}

function used(what: string, usage: number | undefined, limit: number | undefined, samples: number): Observation[] {
  if (usage === undefined || limit === undefined || !(limit > 0)) return [];
  const observed = usage / limit;
  const sentence = `${what} is ${formatShare(observed)} full (${formatBytes(usage)} of ${formatBytes(limit)}).`;
  return [{ observed, samples, sentence }];
}
