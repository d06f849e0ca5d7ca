/**
 * Families in OpenMetrics 1.0.0: what differs from Prometheus' own text.
 * https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md
 */
import type { Exemplar } from '../../distribution/exemplars.ts';
import type { Family } from './families.ts';
import type { Format, FormatOptions } from './format.ts';
import { escapeLabelValue } from './naming.ts';
import { createLineFormat, quotedName } from './text.ts';

export interface OpenMetricsOptions extends FormatOptions {
  /** Whether counters and histograms have a series `_created`, which tells since when they count. */
  readonly createdSeries: boolean;
}

/** A family as this format has it: counters and infos are called without the suffix of their series. */
interface OpenMetricsFamily {
  readonly name: string;
  readonly type: Family['type'] | 'info' | 'unknown';
  /** Whether its series can have one beside them that tells since when they count. */
  readonly created: boolean;
}

/** What series of a family may be called beyond its name. */
const suffixes = {
  counter: ['_total', '_created'],
  histogram: ['_bucket', '_sum', '_count', '_created'],
  info: ['_info'],
  gauge: [],
  unknown: [],
} as const satisfies Record<OpenMetricsFamily['type'], readonly string[]>;

/** Characters that labels of an exemplar may have together. */
const exemplarLimit = 128;

/** OpenMetrics 1.0.0. */
export function createOpenMetricsFormat(options: OpenMetricsOptions): Format {
  const known = new WeakMap<Family, OpenMetricsFamily>();
  const of = (family: Family): OpenMetricsFamily => known.get(family) ?? { ...family, created: false };

  return createLineFormat(options, {
    begin(families) {
      for (const [family, written] of openMetricsFamilies(families)) known.set(family, written);
    },
    head(family) {
      const { name, type } = of(family);
      const quoted = quotedName(name);
      const lines = [`# TYPE ${quoted} ${type}\n`];
      if (family.unit !== '' && name.endsWith(`_${family.unit}`)) lines.push(`# UNIT ${quoted} ${family.unit}\n`);
      if (family.help !== '') lines.push(`# HELP ${quoted} ${escapeLabelValue(family.help)}\n`);
      return lines.join('');
    },
    sample: ({ name }) => name,
    created: (family) => options.createdSeries && of(family).created,
    bound: canonicalFloat,
    timestamp: ([seconds, nanos]) => ` ${seconds}.${String(Math.floor(nanos / 1e6)).padStart(3, '0')}`,
    countNeedsSum: true,
    exemplar: exemplarText,
    end: () => '# EOF\n',
  });
}

/**
 * What families become. Where a counter or an info without its suffix would have the name of another family or of its
 * series, it keeps its whole name and a type that has no suffix: the series is the same.
 */
function openMetricsFamilies(all: readonly Family[]): Map<Family, OpenMetricsFamily> {
  const result = new Map<Family, OpenMetricsFamily>();
  const whole = new Set(all.map(({ name }) => name));
  const taken = new Set<string>();
  const add = (family: Family, name: string, type: OpenMetricsFamily['type']) => {
    for (const each of namesOf(name, type)) taken.add(each);
    const counts = type === 'counter' || type === 'histogram';
    result.set(family, { name, type, created: counts && !whole.has(`${name}_created`) });
  };
  for (const family of all) if (shorterType(family) === undefined) add(family, family.name, family.type);
  for (const family of all) {
    const type = shorterType(family);
    if (type === undefined) continue;
    const name = family.name.slice(0, -suffixes[type][0].length);
    const clashes = namesOf(name, type).some((each) => taken.has(each));
    if (name !== '' && !clashes) add(family, name, type);
    else add(family, family.name, type === 'counter' ? 'unknown' : 'gauge');
  }
  return result;
}

function namesOf(name: string, type: OpenMetricsFamily['type']): string[] {
  return [name, ...suffixes[type].map((suffix) => name + suffix)];
}

/** Counters, and gauges that say with the value 1 what is true of something, are called without their suffix. */
function shorterType({ name, type, streams }: Family): 'counter' | 'info' | undefined {
  if (type === 'counter') return name.endsWith('_total') ? 'counter' : undefined;
  if (type !== 'gauge' || !name.endsWith('_info')) return undefined;
  // A point that is none costs its family when it is written, and not the page here.
  return streams.every(({ metric }) => metric.dataPoints.every((point) => point?.value === 1)) ? 'info' : undefined;
}

/**
 * The one form that a bound has in this format, which is Go's: a whole number with `.0`, an exponent from a million up
 * and below a ten-thousandth, of at least two digits. In another form it would be another series.
 */
export function canonicalFloat(value: number): string {
  if (value === 0) return '0.0';
  const [digits = '', exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power < -4 || power >= 6) return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  const plain = String(value); // Without an exponent in this range.
  return plain.includes('.') ? plain : `${plain}.0`;
}

/** With its blank before it; empty where it is longer than a reader has to take. */
function exemplarText({ traceId, spanId, value, time }: Exemplar): string {
  if ('trace_idspan_id'.length + traceId.length + spanId.length > exemplarLimit) return '';
  return ` # {trace_id="${traceId}",span_id="${spanId}"} ${value} ${time.toFixed(3)}`;
}
