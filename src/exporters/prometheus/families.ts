/**
 * The metrics of one collection as Prometheus' families: streams of several scopes that have one name are one family,
 * with one HELP and one TYPE. No format is known here; every format is written from these.
 */
import { diag } from '@opentelemetry/api';
import {
  AggregationTemporality,
  DataPointType,
  type MetricData,
  type MetricDescriptor,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { createDuplicates } from './duplicates.ts';
import { type StreamKind, unitWord } from './naming.ts';
import type { SeriesOptions } from './series.ts';
import { createUnexported, type UnexportedReason } from './unexported.ts';

export type ScopeMetrics = ResourceMetrics['scopeMetrics'][number];

/** One family of a page. */
export interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Empty where no stream has a description. */
  help: string;
  /** As it may stand at the end of the name, such as `bytes_per_second`; empty for none. */
  readonly unit: string;
  readonly streams: Stream[];
}

/** The points of one instrument. */
export interface Stream {
  /** `undefined` for what the exporter itself says, such as `target_info`: it has no labels of a scope. */
  readonly scope: ScopeMetrics['scope'] | undefined;
  readonly metric: MetricData;
}

/**
 * Returns a function that sorts a collection into families, in the order of their scopes. The SDK gives a scope when its
 * callbacks have run, so in another order at each collection: where two scopes have the same series, the server would
 * keep now the one and now the other. `reserved`: names that the format writes itself; a metric of that name would
 * repeat its TYPE. What a page cannot have is left out, warned of once, and counted on the page. A step at some hundred
 * series that are new.
 */
export function createFamilies(
  options: SeriesOptions,
  reserved: readonly string[],
): (collected: ResourceMetrics) => Generator<void, Family[]> {
  const dropDuplicates = createDuplicates(options);
  const names = new WeakMap<MetricDescriptor, { kind: StreamKind; name: string | undefined }>();
  const unexported = createUnexported();
  let warned = new Set<string>();

  function nameOf(metric: MetricData): string | undefined {
    const kind = kindOf(metric);
    const known = names.get(metric.descriptor);
    if (known?.kind === kind) return known.name;
    const { name: given, unit } = metric.descriptor;
    const name = options.names.metric(text(given), text(unit), kind);
    names.set(metric.descriptor, { kind, name });
    return name;
  }

  /** Why a metric cannot be on a page, whatever else is there. */
  function refusal(
    metric: MetricData,
    name: string | undefined,
  ): [reason: UnexportedReason, sentence: string] | undefined {
    const given = metric.descriptor.name;
    if (name === undefined) return ['no_name', `metric ${JSON.stringify(given)} has no character of a name`];
    if (reserved.includes(name))
      return ['reserved_name', `metric ${given} would be ${name}, which the exporter writes`];
    if (isDelta(metric)) return ['delta', `${name} comes as differences, which are no counter`];
    return undefined;
  }

  return function* sort(collected) {
    const families = new Map<string, Family>();
    const conflicting = new Set<string>();
    // What is still wrong at the next scrape is not said again; what was mended and broke anew is.
    const warnings = new Set<string>();
    const warn = (sentence: string) => {
      warnings.add(sentence);
      if (!warned.has(sentence)) diag.warn(`Prometheus: ${sentence}`);
    };
    const leaveOut = (reason: UnexportedReason, sentence: string, metrics = 1) => {
      unexported.count(reason, metrics);
      warn(`${sentence}; not exported.`);
    };

    for (const { scope, metrics } of collected.scopeMetrics.toSorted(byScope)) {
      for (const metric of metrics) {
        const name = nameOf(metric);
        const refused = refusal(metric, name);
        if (refused !== undefined) leaveOut(...refused);
        if (name === undefined || refused !== undefined) continue;
        if (conflicting.has(name)) {
          unexported.count('conflicting_type');
          continue;
        }
        const type = typeOf(metric);
        const family = families.get(name);
        if (family === undefined) families.set(name, familyOf(name, scope, metric));
        else if (family.type === type) join(family, scope, metric, warn);
        else {
          // Two TYPE lines for one name make the server refuse the page, and neither stream is more right.
          families.delete(name);
          conflicting.add(name);
          leaveOut('conflicting_type', `${name} is both a ${family.type} and a ${type}`, family.streams.length + 1);
        }
      }
    }
    for (const part of partsOfHistograms(families)) {
      const { length } = families.get(part)?.streams ?? [];
      families.delete(part);
      leaveOut(
        'histogram_series',
        `${part} is a series of the histogram beside it; the metric of that name is`,
        length,
      );
    }
    for (const family of families.values()) {
      const streams = yield* dropDuplicates(family, collected.resource.attributes);
      if (streams === 0) continue;
      unexported.count('duplicate_series', streams);
      warn(`${family.name} has series twice; the first of each is exported.`);
    }
    warned = warnings;
    const counted = unexported.take();
    const name = counted && nameOf(counted);
    if (counted !== undefined && name !== undefined && !families.has(name)) {
      families.set(name, familyOf(name, undefined, counted));
    }
    return [...families.values()];
  };
}

function familyOf(name: string, scope: Stream['scope'], metric: MetricData): Family {
  const { description, unit } = metric.descriptor;
  return {
    ...{ name, type: typeOf(metric), help: text(description), unit: unitWord(text(unit), kindOf(metric)) },
    streams: [{ scope, metric }],
  };
}

/** One HELP is for all; another description costs nothing but itself. */
function join(family: Family, scope: Stream['scope'], metric: MetricData, warn: (sentence: string) => void): void {
  family.streams.push({ scope, metric });
  const help = text(metric.descriptor.description);
  if (family.help === '') family.help = help;
  else if (help !== '' && help !== family.help) {
    warn(`${family.name} has several descriptions; exported with ${JSON.stringify(family.help)}.`);
  }
}

function byScope(a: ScopeMetrics, b: ScopeMetrics): number {
  const key = ({ scope }: ScopeMetrics) => `${scope.name} ${scope.version ?? ''} ${scope.schemaUrl ?? ''}`;
  const [left, right] = [key(a), key(b)];
  return left < right ? -1 : Number(left > right);
}

/** Names of families that a histogram uses for its own series: the server would take one for the other. */
function partsOfHistograms(families: ReadonlyMap<string, Family>): string[] {
  const histograms = [...families.values()].filter(({ type }) => type === 'histogram');
  const parts = histograms.flatMap(({ name }) => [`${name}_bucket`, `${name}_sum`, `${name}_count`]);
  return parts.filter((part) => families.has(part));
}

/** Only a producer of the service's own gives these: the SDK heeds what the reader selects. */
function isDelta(metric: MetricData): boolean {
  return metric.dataPointType !== DataPointType.GAUGE && metric.aggregationTemporality === AggregationTemporality.DELTA;
}

/** A program without types can give a number or nothing, and the SDK passes it on. */
function text(given: unknown): string {
  return given === undefined || given === null ? '' : String(given);
}

function kindOf(metric: MetricData): StreamKind {
  if (metric.dataPointType === DataPointType.SUM) return metric.isMonotonic ? 'counter' : 'updowncounter';
  return metric.dataPointType === DataPointType.GAUGE ? 'gauge' : 'histogram';
}

function typeOf(metric: MetricData): Family['type'] {
  const kind = kindOf(metric);
  return kind === 'updowncounter' ? 'gauge' : kind;
}
