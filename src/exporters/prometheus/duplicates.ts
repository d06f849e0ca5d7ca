/**
 * Series that a family would have twice: of two metrics whose names are one here (`a.b`, `a_b`), of two scopes where
 * pages do not tell them apart, of attributes that read alike (`'1'` and 1). OpenMetrics forbids it, and a server keeps
 * one sample of the two and warns at each scrape; so the first stays, in the order that families have.
 *
 * Looked for when a family has a series that it had not on the last page. While it has the same ones, which is known from
 * the identity of their attributes as in `series.ts`, what was found then holds.
 */
import type { Attributes } from '@opentelemetry/api';
import type { MetricData, MetricDescriptor } from '@opentelemetry/sdk-metrics';
import type { Family, Stream } from './families.ts';
import { labelsOf } from './naming.ts';
import { type SeriesOptions, sharedAttributes } from './series.ts';

/** What was found on the last page; it holds on to the attributes of that page until the next. */
interface Found {
  /** Of each stream what its series share, and how many these are. */
  readonly shares: readonly string[];
  /** Of all series, stream after stream. */
  readonly attributes: readonly Attributes[];
  /** Which of them repeat one before them. */
  readonly repeated: ReadonlySet<number>;
}

/** Points between two steps: labels of so many are rendered in some tenths of a millisecond. */
const pointsAStep = 200;

/**
 * Returns a function that takes from a family what repeats a series before it, and returns how many of its streams lost
 * any. A step at some hundred points that are new.
 */
export function createDuplicates(
  options: SeriesOptions,
): (family: Family, resource: Attributes) => Generator<void, number> {
  const known = new WeakMap<MetricDescriptor, Found>();

  return function* dropDuplicates(family, resource) {
    const { streams } = family;
    const [first] = streams;
    if (first === undefined || (streams.length === 1 && first.metric.dataPoints.length < 2)) return 0;
    const shared = streams.map((stream) => sharedAttributes(stream, resource, options));
    const shares = streams.map(({ metric }, i) => JSON.stringify([shared[i], metric.dataPoints.length]));
    let found = known.get(first.metric.descriptor);
    if (found === undefined || !holds(found, shares, streams)) {
      const reserved = family.type === 'histogram' ? 'le' : undefined;
      found = { shares, ...(yield* findRepeated(streams, shared, reserved, options.names.label)) };
      known.set(first.metric.descriptor, found);
    }
    return found.repeated.size === 0 ? 0 : dropRepeated(streams, found.repeated);
  };
}

/** Whether a family has the series that it had. */
function holds({ shares, attributes }: Found, now: readonly string[], streams: readonly Stream[]): boolean {
  if (shares.length !== now.length || !shares.every((share, i) => share === now[i])) return false;
  let i = 0;
  for (const { metric } of streams) {
    for (const point of metric.dataPoints) if (point?.attributes !== attributes[i++]) return false;
  }
  return true;
}

function* findRepeated(
  streams: readonly Stream[],
  shared: readonly Attributes[],
  reserved: string | undefined,
  nameOf: SeriesOptions['names']['label'],
): Generator<void, Pick<Found, 'attributes' | 'repeated'>> {
  const attributes: Attributes[] = [];
  const repeated = new Set<number>();
  const keys = new Set<string>();
  for (const [i, { metric }] of streams.entries()) {
    for (const point of metric.dataPoints) {
      const key = keyOf({ ...shared[i], ...point?.attributes }, reserved, nameOf);
      if (key !== undefined && keys.has(key)) repeated.add(attributes.length);
      else if (key !== undefined) keys.add(key);
      attributes.push(point?.attributes);
      if (attributes.length % pointsAStep === 0) yield;
    }
  }
  return { attributes, repeated };
}

/**
 * The same for the same series: a label's place says nothing, and an empty one is none. `undefined` for attributes that
 * cannot be read, which cost their family when it is written.
 */
function keyOf(
  attributes: Attributes,
  reserved: string | undefined,
  nameOf: SeriesOptions['names']['label'],
): string | undefined {
  try {
    const labels = Array.from(labelsOf(attributes, reserved, nameOf)).filter(([, value]) => value !== '');
    return JSON.stringify(labels.sort(([a], [b]) => (a < b ? -1 : 1)));
  } catch {
    return undefined;
  }
}

/** Puts streams without them in the place of those that had any; returns how many these were. */
function dropRepeated(streams: Stream[], repeated: ReadonlySet<number>): number {
  let losers = 0;
  let at = 0;
  for (const [i, { scope, metric }] of streams.entries()) {
    const points: readonly unknown[] = metric.dataPoints;
    const begun = at;
    const dataPoints = points.filter((_, j) => !repeated.has(begun + j));
    at += points.length;
    if (dataPoints.length === points.length) continue;
    losers++;
    streams[i] = { scope, metric: { ...metric, dataPoints } as MetricData };
  }
  return losers;
}
