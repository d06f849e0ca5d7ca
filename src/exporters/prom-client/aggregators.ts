/**
 * How the processes of a cluster become one service on the page of an `AggregatorRegistry`. It has no label for the
 * process, so what our own page tells apart by `process.pid` has to become one number there.
 */
import { catalogue, type Metric, type MetricName } from '../../catalogue.ts';
import { rule } from '../../cluster/merge.ts';
import type { PromClientFamily } from './registry.ts';

/** Of these the lowest is the worst. */
const lowestIsWorst: ReadonlySet<MetricName> = new Set(['accelmeter.source.up', 'accelmeter.health.score']);

/** All processes are in one control group, and each tells of it as a whole. */
const ofTheContainer = /^accelmeter\.container\./;

/**
 * Devices and what they are: the first. Work: the sum. Of what belongs to one process the sum where the instrument
 * says that sums mean something (CPU time, memory, threads), else the worst process: the longest delay of an event
 * loop, the fullest thread pool, a source that is down in any of them.
 */
export function aggregatorOf(name: MetricName): PromClientFamily['aggregator'] {
  const how = rule(name);
  if (how === 'once' || ofTheContainer.test(name)) return 'first';
  if (how !== 'each') return how;
  const { instrument }: Metric = catalogue[name];
  if (instrument !== 'gauge') return 'sum';
  return lowestIsWorst.has(name) ? 'min' : 'max';
}
