/** Objectives in PromQL: when a kernel is over one. */
import { label, series } from '../dashboards/series.ts';
import { type ObjectiveQuantile, quantileShares } from '../src/profile/objective-counts.ts';

/**
 * One result for each kernel and device of which more executions took longer than the objective of `quantile` allows,
 * and that share. `range`: within so long before now, such as "5m"; without it since the process began.
 */
export function overObjective(quantile: ObjectiveQuantile, range?: string): string {
  const exceeded = `${series('accelmeter.kernel.objective.exceeded')}{${label('accelmeter.quantile')}="${quantile}"}`;
  const executions = series('accelmeter.kernel.duration', 'count');
  const over = (counter: string) => (range === undefined ? counter : `rate(${counter}[${range}])`);
  const share = `${over(exceeded)}\n  / ignoring (${label('accelmeter.quantile')}) ${over(executions)}`;
  return `${share} > ${quantileShares[quantile]}`;
}
