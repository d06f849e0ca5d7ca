/**
 * The points of several processes as those of one service: work is added up, devices are told once, what is true of
 * one process is true of the service, and what belongs to one is told apart by `process.pid`. Pure; how points travel
 * is `instrumentation/cluster.ts`.
 */
import type { Attributes } from '@opentelemetry/api';
import { catalogue, type Metric, type MetricName } from '../catalogue.ts';
import { Distribution, type PackedDistribution } from '../distribution/distribution.ts';
import type { CollectedPoint } from '../points.ts';
import { otherName } from '../profile/kernel-names.ts';

/** One point as plain data. */
export interface SharedPoint {
  readonly name: MetricName;
  readonly attributes: Attributes;
  /** Since when it counts, in seconds of the epoch: processes share no other clock. */
  readonly since: number;
  readonly value?: number;
  readonly distribution?: PackedDistribution;
}

/** What one process measured. */
export interface Share {
  readonly pid: number;
  readonly points: readonly SharedPoint[];
}

/** The other processes of a service, as far as this one speaks for them. */
export interface OtherProcesses {
  /** Asks what they measured. Settles soon, also where one does not answer. Never rejects. */
  update(): Promise<void>;
  /** The points of this process together with what they answered last. */
  merge(own: readonly CollectedPoint[]): CollectedPoint[];
}

export interface Merger {
  /** The points of this process together with those of the others. */
  merge(own: readonly CollectedPoint[], others: Iterable<Share>): CollectedPoint[];
  /** Keeps what an ended process added to sums, so that they do not fall. */
  keep(ended: Share): void;
}

/** Series of ended processes that are kept apart; kernels beyond count as "other". */
const mostKept = 4096;

const origin = performance.timeOrigin / 1000;

export function shareOf(pid: number, points: readonly CollectedPoint[]): Share {
  return {
    pid,
    points: points.flatMap((point): SharedPoint[] => {
      const { name, attributes } = point;
      const since = point.since + origin;
      if ('value' in point) return [{ name, attributes, since, value: point.value }];
      const distribution = point.distribution.pack();
      return distribution === undefined ? [] : [{ name, attributes, since, distribution }];
    }),
  };
}

export function createMerger(pid: number): Merger {
  const kept = new Map<string, Sum>();
  /** As it was merged last. */
  let before = new Map<string, Merged>();

  return {
    merge(own, others) {
      const sums = new Map<string, Sum>();
      const take = (from: number, point: SharedPoint) => {
        const how = rule(point.name);
        const attributes = how === 'each' ? { ...point.attributes, 'process.pid': from } : point.attributes;
        const key = keyOf(point.name, attributes);
        const sum = sums.get(key);
        // The same object for the same attributes at every merge: an exporter renders each once.
        if (sum === undefined) sums.set(key, begin(point, before.get(key)?.attributes ?? attributes));
        else if (how === 'sum') add(sum, point);
        else if (how === 'max') sum.value = Math.max(sum.value, point.value ?? sum.value);
      };
      for (const point of shareOf(pid, own).points) take(pid, point);
      for (const share of others) for (const point of share.points) take(share.pid, point);
      for (const { distribution, ...sum } of kept.values()) {
        const packed = distribution?.pack();
        take(pid, { ...sum, ...(packed && { distribution: packed }) });
      }
      const merged = new Map<string, Merged>();
      for (const [key, sum] of sums) {
        if (rises(sum.name)) levelRounding(sum, before.get(key)?.total);
        else if (isCounter(sum.name)) sum.value = Math.max(sum.value, before.get(key)?.total ?? 0);
        merged.set(key, { attributes: sum.attributes, total: totalOf(sum) });
      }
      before = merged;
      return Array.from(sums.values(), collected);
    },
    keep({ points }) {
      for (const point of points) {
        if (!rises(point.name)) continue;
        const place = placeOf(point);
        const sum = kept.get(place.key);
        if (sum === undefined) kept.set(place.key, begin(point, place.attributes));
        else add(sum, point);
      }
    },
  };

  /** Where a point of an ended process is kept: under its own attributes, or as one of the other kernels. */
  function placeOf({ name, attributes }: SharedPoint): { key: string; attributes: Attributes } {
    const key = keyOf(name, attributes);
    if (kept.has(key) || kept.size < mostKept || !('accelmeter.kernel.name' in attributes)) return { key, attributes };
    const other = { ...attributes, 'accelmeter.kernel.name': otherName };
    return { key: keyOf(name, other), attributes: other };
  }
}

/** What is remembered of a series from one merge to the next. */
interface Merged {
  readonly attributes: Attributes;
  /** Its value, or the sum of its distribution. */
  readonly total: number;
}

/** A series while it is added up. */
interface Sum {
  readonly name: MetricName;
  readonly attributes: Attributes;
  since: number;
  value: number;
  readonly distribution: Distribution | undefined;
}

function begin({ name, since, value = 0, distribution }: SharedPoint, attributes: Attributes): Sum {
  const sum = { name, attributes, since, value, distribution: distribution && new Distribution() };
  if (distribution) sum.distribution?.unpack(distribution);
  return sum;
}

function add(sum: Sum, { since, value = 0, distribution }: SharedPoint): void {
  sum.since = Math.min(sum.since, since);
  sum.value += value;
  if (distribution) sum.distribution?.unpack(distribution);
}

function collected({ name, attributes, since: epoch, value, distribution }: Sum): CollectedPoint {
  const since = epoch - origin;
  if (distribution) return { name, attributes, since, distribution } as CollectedPoint;
  // Shares of a device's time that overlap, of several processes.
  const most = catalogue[name].unit === '1' ? 1 : Number.POSITIVE_INFINITY;
  return { name, attributes, since, value: Math.min(value, most) } as CollectedPoint;
}

/**
 * Added up in another order, as when a process has ended, the same numbers can give a sum that is lower in its last
 * digits, and a counter that falls by its last digit is a reset to who reads it.
 */
function levelRounding(sum: Sum, before = 0): void {
  const total = totalOf(sum);
  const lost = before - total;
  if (!(lost > 0 && lost < before * 1e-9)) return;
  if (sum.distribution) sum.distribution.unpack({ ...nothing, sum: lost });
  else sum.value = before;
}

const nothing = { min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY, zeros: 0, buckets: [] };

const totalOf = ({ value, distribution }: Sum) => distribution?.sum ?? value;

/** What never falls, also where the process that had counted most is gone. */
function isCounter(name: MetricName): boolean {
  return catalogue[name].instrument === 'counter';
}

/** What adds up and never falls. */
function rises(name: MetricName): boolean {
  const { instrument }: Metric = catalogue[name];
  return rule(name) === 'sum' && (instrument === 'counter' || instrument === 'histogram');
}

/** As the catalogue says, or else by what the metric is; see `Metric.inCluster`. */
export function rule(name: MetricName): 'sum' | 'max' | 'once' | 'each' {
  const { inCluster, about, from, instrument }: Metric = catalogue[name];
  if (inCluster !== undefined) return inCluster;
  if (about === 'process') return 'each';
  // Of a counter of the hardware each process has counted what came since it began: the longest has all of it.
  if (about === 'device' && from === 'reading') return instrument === 'counter' ? 'max' : 'once';
  return instrument === 'counter' || instrument === 'histogram' ? 'sum' : 'each';
}

const keyOf = (name: MetricName, attributes: Attributes) => `${name} ${JSON.stringify(attributes)}`;
