/**
 * Families in Prometheus' text format 0.0.4.
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 *
 * What a series has between its braces is rendered when it is first seen, and kept by the identity of its attributes
 * object: the SDK keeps one object for a series from its first collection on, and so does our producer. An object
 * that is new is only rendered anew. The cache is weak, so it goes with the series.
 */
import { type Attributes, diag, type HrTime } from '@opentelemetry/api';
import { DataPointType, type ExponentialHistogram, type Histogram } from '@opentelemetry/sdk-metrics';
import { createFamilies, type Family, type ScopeMetrics } from './families.ts';
import type { FamilyCount, Format } from './format.ts';
import { escapeHelp, labelText, type MetricNaming } from './naming.ts';
import { octaveBuckets } from './octaves.ts';
import type { PageBuffer } from './page-buffer.ts';

export interface TextOptions extends MetricNaming {
  /** Whether every sample carries the time of its collection, in milliseconds. */
  readonly appendTimestamp: boolean;
  /** Whether `otel_scope_*` labels are left out. */
  readonly withoutScopeInfo: boolean;
  /** Whether `target_info` is left out. */
  readonly withoutTargetInfo: boolean;
  /** Which resource attributes are labels of every series; `undefined` for none. */
  readonly withResourceConstantLabels: RegExp | undefined;
}

/** Points between two steps: some tens of microseconds of gauges, half a millisecond of histograms. */
const pointsAStep = 100;

/** Labels rendered for one scope, and for the constant labels that held at the time. */
interface RenderedLabels {
  readonly constants: string;
  readonly shared: Attributes;
  readonly samples: WeakMap<Attributes, string>;
  readonly histograms: WeakMap<Attributes, HistogramLabels>;
}

/** What stands between name and value. A series without labels has a blank there, and no braces. */
interface HistogramLabels {
  /** Of sum and count: `{a="1"} `. */
  readonly whole: string;
  /** Of a bucket, up to its `le`: `{a="1",`. */
  readonly open: string;
}

/** Text format 0.0.4. */
export function createTextFormat(options: TextOptions): Format {
  const familiesOf = createFamilies({ ...options, reserved: options.withoutTargetInfo ? [] : ['target_info'] });
  const rendered = new WeakMap<ScopeMetrics['scope'], RenderedLabels>();
  const bucketEnds = createBucketEnds();
  const unwritable = new Set<string>();

  function sayOnce(name: string, error: unknown): void {
    if (unwritable.has(name)) return;
    unwritable.add(name);
    diag.warn(`Prometheus: ${name} could not be written; not exported.`, error);
  }

  function labelsOf(scope: ScopeMetrics['scope'], constants: Attributes): RenderedLabels {
    const key = JSON.stringify(constants);
    const known = rendered.get(scope);
    if (known?.constants === key) return known;
    const shared = options.withoutScopeInfo ? constants : { ...constants, ...scopeAttributes(scope) };
    const fresh = { constants: key, shared, samples: new WeakMap(), histograms: new WeakMap() };
    rendered.set(scope, fresh);
    return fresh;
  }

  function* writeStream(
    page: PageBuffer,
    { name }: Family,
    { metric }: Family['streams'][number],
    labels: RenderedLabels,
  ): Generator<void, number> {
    let series = 0;
    let points = 0;
    switch (metric.dataPointType) {
      case DataPointType.SUM:
      case DataPointType.GAUGE:
        for (const point of metric.dataPoints) {
          writeSample(page, name, sampleLabels(labels, point.attributes), point.value, ending(point.endTime));
          series++;
          if (++points % pointsAStep === 0) yield;
        }
        return series;
      case DataPointType.HISTOGRAM:
      case DataPointType.EXPONENTIAL_HISTOGRAM: {
        const names = { bucket: `${name}_bucket`, sum: `${name}_sum`, count: `${name}_count` };
        for (const point of metric.dataPoints) {
          const text = histogramLabels(labels, point.attributes);
          series += writeHistogram(page, names, text, point.value, bucketEnds, ending(point.endTime));
          if (++points % pointsAStep === 0) yield;
        }
        return series;
      }
    }
  }

  const ending = (time: HrTime) =>
    options.appendTimestamp ? ` ${time[0] * 1000 + Math.floor(time[1] / 1e6)}\n` : '\n';

  return {
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    *write(collected, page) {
      const resource = collected.resource.attributes;
      const constants = matching(resource, options.withResourceConstantLabels);
      const counts: FamilyCount[] = [];
      if (!options.withoutTargetInfo && Object.keys(resource).length > 0) {
        writeHead(page, { name: 'target_info', type: 'gauge', help: 'Target metadata' });
        writeSample(page, 'target_info', braced(labelText(resource)), 1, '\n');
        counts.push({ name: 'target_info', type: 'gauge', series: 1 });
      }
      for (const family of familiesOf(collected)) {
        if (family.streams.every(({ metric }) => metric.dataPoints.length === 0)) continue;
        const start = page.length;
        try {
          writeHead(page, family);
          let series = 0;
          for (const stream of family.streams) {
            series += yield* writeStream(page, family, stream, labelsOf(stream.scope, constants));
          }
          counts.push({ name: family.name, type: family.type, series });
        } catch (error) {
          page.cut(start); // What a program or a producer gave that is no point costs its family, not the page.
          sayOnce(family.name, error);
        }
        yield;
      }
      if (counts.length === 0) page.text('# no registered metrics\n');
      return counts;
    },
  };
}

function sampleLabels(labels: RenderedLabels, attributes: Attributes): string {
  const known = labels.samples.get(attributes);
  if (known !== undefined) return known;
  const text = braced(labelText(allOf(labels, attributes)));
  labels.samples.set(attributes, text);
  return text;
}

function histogramLabels(labels: RenderedLabels, attributes: Attributes): HistogramLabels {
  const known = labels.histograms.get(attributes);
  if (known !== undefined) return known;
  const text = labelText(allOf(labels, attributes), 'le');
  const both = { whole: braced(text), open: text === '' ? '{' : `{${text},` };
  labels.histograms.set(attributes, both);
  return both;
}

/** Of a key that the point and its scope or resource both have, the point's own value is the more specific. */
function allOf(labels: RenderedLabels, attributes: Attributes): Attributes {
  return { ...labels.shared, ...attributes };
}

function braced(labels: string): string {
  return labels === '' ? ' ' : `{${labels}} `;
}

function writeHead(page: PageBuffer, family: Pick<Family, 'name' | 'type' | 'help'>): void {
  if (family.help !== '') page.text(`# HELP ${family.name} ${escapeHelp(family.help)}\n`);
  page.text(`# TYPE ${family.name} ${family.type}\n`);
}

function writeSample(page: PageBuffer, name: string, labels: string, value: number, ending: string): void {
  page.text(name);
  page.text(labels);
  page.number(value);
  page.text(ending);
}

/** Buckets, sum and count of one point; returns how many lines these are. */
function writeHistogram(
  page: PageBuffer,
  names: { readonly bucket: string; readonly sum: string; readonly count: string },
  labels: HistogramLabels,
  value: Histogram | ExponentialHistogram,
  bucketEnds: BucketEnds,
  ending: string,
): number {
  const { boundaries, counts } = 'buckets' in value ? value.buckets : octaveBuckets(value);
  const bounds = bucketEnds(boundaries);
  page.text(names.bucket);
  page.text(labels.open);
  // From one bucket's value to the next bound all is the same: the end of a line, and the start of the next.
  let start = 0;
  let end = 0;
  let cumulative = 0;
  for (let i = 0; i < bounds.length; i++) {
    if (i === 1) {
      start = page.length;
      page.text(ending);
      page.text(names.bucket);
      page.text(labels.open);
      end = page.length;
    } else if (i > 1) {
      page.again(start, end);
    }
    cumulative += counts[i] ?? 0;
    page.bytes(bounds[i] as Uint8Array);
    page.number(cumulative);
  }
  page.text(ending);
  // The SDK leaves the sum out where values may be negative: such a sum can fall, and would read as a reset.
  if (value.sum !== undefined) writeSample(page, names.sum, labels.whole, value.sum, ending);
  writeSample(page, names.count, labels.whole, value.count, ending);
  return bounds.length + (value.sum === undefined ? 1 : 2);
}

/** The bytes that end the labels of each bucket, `+Inf` last: `le="0.5"} `. */
type BucketEnds = (boundaries: readonly number[]) => readonly Uint8Array[];

/**
 * The streams of a process have few different lists of bounds, mostly one array each; an equal list in another array
 * is recognised while it is the latest.
 */
function createBucketEnds(): BucketEnds {
  let latest: { boundaries: readonly number[]; ends: readonly Uint8Array[] } | undefined;
  const known = new WeakMap<readonly number[], readonly Uint8Array[]>();

  return (boundaries) => {
    const cached = known.get(boundaries);
    if (cached !== undefined) return cached;
    let ends = latest !== undefined && equal(latest.boundaries, boundaries) ? latest.ends : undefined;
    if (ends === undefined) {
      const finite = boundaries.filter((bound) => bound !== Number.POSITIVE_INFINITY);
      const texts = [...finite.map((bound) => (bound === Number.NEGATIVE_INFINITY ? '-Inf' : String(bound))), '+Inf'];
      ends = texts.map((text) => Buffer.from(`le="${text}"} `));
    }
    latest = { boundaries, ends };
    known.set(boundaries, ends);
    return ends;
  };
}

function equal(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

function scopeAttributes(scope: ScopeMetrics['scope']): Attributes {
  return {
    'otel.scope.name': scope.name,
    ...(scope.version ? { 'otel.scope.version': scope.version } : {}),
    ...(scope.schemaUrl ? { 'otel.scope.schema_url': scope.schemaUrl } : {}),
  };
}

/** `search` and not `test`: an expression with the flag `g` would remember where it was. */
function matching(attributes: Attributes, pattern: RegExp | undefined): Attributes {
  if (pattern === undefined) return {};
  return Object.fromEntries(Object.entries(attributes).filter(([key]) => key.search(pattern) >= 0));
}
