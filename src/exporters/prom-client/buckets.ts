/** Cumulative buckets of Prometheus as the buckets of OpenTelemetry, one by one. */
import type { Histogram } from '@opentelemetry/sdk-metrics';
import type { Sample } from './grouping.ts';

/** `undefined` for what is no histogram: without a count, or with buckets that fall, repeat or do not add up to it. */
export function histogramOf(samples: readonly Sample[]): Histogram | undefined {
  const count = samples.find(({ part }) => part === '_count')?.value;
  const sum = samples.find(({ part }) => part === '_sum')?.value;
  if (count === undefined || !isCount(count)) return undefined;

  const cumulative = samples
    .filter(({ part }) => part === '_bucket')
    .map(({ bound, value }) => ({ bound: boundOf(bound), value }))
    .sort((a, b) => a.bound - b.bound);
  if (cumulative.at(-1)?.bound !== Number.POSITIVE_INFINITY) {
    cumulative.push({ bound: Number.POSITIVE_INFINITY, value: count });
  }
  const boundaries: number[] = [];
  const counts: number[] = [];
  let below = 0;
  for (const [i, { bound, value }] of cumulative.entries()) {
    if (Number.isNaN(bound) || bound === cumulative[i - 1]?.bound || !isCount(value) || value < below) return undefined;
    if (bound !== Number.POSITIVE_INFINITY) boundaries.push(bound);
    counts.push(value - below);
    below = value;
  }
  if (below !== count) return undefined;
  return { buckets: { boundaries, counts }, count, ...(Number.isFinite(sum) && { sum: sum as number }) };
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** A number, or text as a page has it. NaN for what is neither. */
function boundOf(le: unknown): number {
  if (typeof le === 'number') return le;
  if (le === '+Inf') return Number.POSITIVE_INFINITY;
  return typeof le === 'string' && le.trim() !== '' ? Number(le) : Number.NaN;
}
