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
import type { Names } from './escaping.ts';
import { type StreamKind, unitWord } from './naming.ts';

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
 * repeat its TYPE.
 */
export function createFamilies(
  naming: Pick<Names, 'metric'>,
  reserved: readonly string[],
): (collected: ResourceMetrics) => Family[] {
  const names = new WeakMap<MetricDescriptor, { kind: StreamKind; name: string | undefined }>();
  let warned = new Set<string>();

  function nameOf(metric: MetricData): string | undefined {
    const kind = kindOf(metric);
    const known = names.get(metric.descriptor);
    if (known?.kind === kind) return known.name;
    const { name: given, unit } = metric.descriptor;
    const name = naming.metric(text(given), text(unit), kind);
    names.set(metric.descriptor, { kind, name });
    return name;
  }

  return (collected) => {
    const families = new Map<string, Family>();
    const dropped = new Set<string>(reserved);
    // What is still wrong at the next scrape is not said again; what was mended and broke anew is.
    const warnings = new Set<string>();
    const warn = (message: string) => {
      warnings.add(message);
      if (!warned.has(message)) diag.warn(message);
    };

    for (const { scope, metrics } of collected.scopeMetrics.toSorted(byScope)) {
      for (const metric of metrics) {
        const name = nameOf(metric);
        if (name === undefined) {
          warn(
            `Prometheus: metric ${JSON.stringify(metric.descriptor.name)} has no character of a name; not exported.`,
          );
          continue;
        }
        if (reserved.includes(name)) {
          warn(
            `Prometheus: metric ${metric.descriptor.name} would be ${name}, which the exporter writes; not exported.`,
          );
          continue;
        }
        if (dropped.has(name)) continue;
        if (isDelta(metric)) {
          warn(`Prometheus: ${name} comes as differences, which are no counter; not exported.`);
          continue;
        }
        const type = typeOf(metric);
        const help = text(metric.descriptor.description);
        const family = families.get(name);
        if (family === undefined) {
          const unit = unitWord(text(metric.descriptor.unit), kindOf(metric));
          families.set(name, { name, type, help, unit, streams: [{ scope, metric }] });
        } else if (family.type !== type) {
          // Two TYPE lines for one name make the server refuse the page, and neither stream is more right.
          families.delete(name);
          dropped.add(name);
          warn(`Prometheus: ${name} is both a ${family.type} and a ${type}; not exported.`);
        } else {
          family.streams.push({ scope, metric });
          if (family.help === '') family.help = help;
          else if (help !== '' && help !== family.help) {
            warn(`Prometheus: ${name} has several descriptions; exported with ${JSON.stringify(family.help)}.`);
          }
        }
      }
    }
    for (const part of partsOfHistograms(families)) {
      families.delete(part);
      warn(`Prometheus: ${part} is a series of the histogram beside it; the metric of that name is not exported.`);
    }
    warned = warnings;
    return [...families.values()];
  };
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
