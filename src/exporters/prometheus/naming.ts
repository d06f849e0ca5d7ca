/**
 * How names, units and attributes of OpenTelemetry are written in Prometheus.
 *
 * The rules are those of the OpenTelemetry specification ("Prometheus and OpenMetrics Compatibility", OTLP metric
 * points to Prometheus), in the reading of Prometheus' own OTLP receiver: a service that is scraped here and pushed
 * there gets the same series.
 */
import type { Attributes, AttributeValue } from '@opentelemetry/api';

/** What kind of stream a name is built for; only counters take `_total`, and only gauges take `_ratio`. */
export type StreamKind = 'counter' | 'updowncounter' | 'gauge' | 'histogram';

export interface MetricNaming {
  /** Put before every name, with an underscore between. Empty for none. */
  readonly prefix: string;
  /** Whether the unit is part of the name, as on the OTLP path. */
  readonly unitSuffixes: boolean;
}

/** UCUM units that Prometheus spells out. A unit that is not listed stands as it is. */
const unitWords: ReadonlyMap<string, string> = new Map([
  ['d', 'days'],
  ['h', 'hours'],
  ['min', 'minutes'],
  ['s', 'seconds'],
  ['ms', 'milliseconds'],
  ['us', 'microseconds'],
  ['ns', 'nanoseconds'],
  ['By', 'bytes'],
  ['KiBy', 'kibibytes'],
  ['MiBy', 'mebibytes'],
  ['GiBy', 'gibibytes'],
  ['TiBy', 'tebibytes'],
  ['kBy', 'kilobytes'],
  ['KBy', 'kilobytes'],
  ['MBy', 'megabytes'],
  ['GBy', 'gigabytes'],
  ['TBy', 'terabytes'],
  ['m', 'meters'],
  ['V', 'volts'],
  ['A', 'amperes'],
  ['J', 'joules'],
  ['W', 'watts'],
  ['g', 'grams'],
  ['Cel', 'celsius'],
  ['Hz', 'hertz'],
  ['1', ''],
  ['%', 'percent'],
]);

/** The same after a slash, where `m` is a minute. */
const perUnitWords: ReadonlyMap<string, string> = new Map([
  ['s', 'second'],
  ['m', 'minute'],
  ['h', 'hour'],
  ['d', 'day'],
  ['w', 'week'],
  ['mo', 'month'],
  ['y', 'year'],
]);

/**
 * The name of the family: words joined by `_`, the unit, then `_total` or `_ratio`. A word of the unit that the name
 * already has is not repeated. `undefined` where the name has no character that Prometheus allows.
 */
export function metricName(name: string, unit: string, kind: StreamKind, naming: MetricNaming): string | undefined {
  let words = wordsOf(name);
  if (words.length === 0) return undefined;
  if (naming.unitSuffixes) {
    for (const suffix of unitSuffixes(unit)) if (!words.includes(suffix)) words.push(suffix);
    if (unit === '1' && kind === 'gauge') words = atEnd(words, 'ratio');
  }
  if (kind === 'counter') words = atEnd(words, 'total');
  const joined = [...wordsOf(naming.prefix), ...words].join('_');
  return startsWithDigit(joined) ? `_${joined}` : joined;
}

/**
 * The same for readers that take any character: the name stays as it is, and only what it lacks is added. `undefined`
 * where it is empty.
 */
export function metricNameInUtf8(
  name: string,
  unit: string,
  kind: StreamKind,
  naming: MetricNaming,
): string | undefined {
  if (name === '') return undefined;
  let whole = utf8(name);
  if (naming.unitSuffixes) {
    const words = wordsOf(name);
    for (const suffix of unitSuffixes(unit)) if (!words.includes(suffix)) whole = endingIn(whole, suffix);
    if (unit === '1' && kind === 'gauge') whole = endingIn(whole, 'ratio');
  }
  if (kind === 'counter') whole = endingIn(whole, 'total');
  return naming.prefix === '' ? whole : `${utf8(naming.prefix)}_${whole}`;
}

/** The name of a label for the same readers. What begins with two underscores belongs to the server there as well. */
export function labelNameInUtf8(attribute: string): string | undefined {
  if (attribute === '') return undefined;
  return attribute.startsWith('__') ? `key${utf8(attribute)}` : utf8(attribute);
}

/** Prometheus takes any character in a name, but its parser ends at the character 0. */
function utf8(name: string): string {
  return name.toWellFormed().replaceAll('\0', '_');
}

/**
 * The name of a label. One that would start with a digit or an underscore gets `key` before it: labels that start
 * with two underscores belong to the server. `undefined` where there is nothing to name.
 */
export function labelName(attribute: string): string | undefined {
  if (attribute === '') return undefined;
  const name = attribute.replace(/[^a-zA-Z0-9]+/gu, '_');
  if (startsWithDigit(name)) return `key_${name}`;
  return name.startsWith('_') ? `key${name}` : name;
}

/**
 * The labels of a series. Attributes whose names become the same label are one label, their values joined by `;` in the
 * order of the original names. A label in `reserved` (a histogram's `le`) belongs to the format, and an attribute of
 * that name is called `exported_…`, as Prometheus does with labels of a target that clash with its own.
 */
export function labelsOf(attributes: Attributes, reserved?: string, nameOf = labelName): Map<string, string> {
  const labels = new Map<string, string>();
  for (const key of Object.keys(attributes).sort()) {
    const value = attributes[key];
    let name = nameOf(key);
    if (name === undefined || value === undefined || value === null) continue;
    if (name === reserved) name = `exported_${name}`;
    const other = labels.get(name);
    const text = attributeText(value);
    labels.set(name, other === undefined ? text : `${other};${text}`);
  }
  return labels;
}

/** The labels of a series as they stand between the braces: `a="1",b="2"`. `reserved`: as of `labelsOf`. */
export function labelText(attributes: Attributes, reserved?: string): string {
  let labels = '';
  for (const [name, value] of labelsOf(attributes, reserved)) {
    labels += `${labels === '' ? '' : ','}${name}="${escapeLabelValue(value)}"`;
  }
  return labels;
}

/** A label's value as text 0.0.4 wants it between quotes: backslash, quote and line feed escaped. */
export function escapeLabelValue(value: string): string {
  if (!/[\\"\n]/.test(value)) return value;
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/** A HELP text as text 0.0.4 wants it: backslash and line feed escaped, quotes left alone. */
export function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

/** Strings as they are; numbers, booleans and arrays as JSON, which is the specification's string form of them. */
function attributeText(value: AttributeValue): string {
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value); // Not an attribute by the specification (a BigInt, a cycle), but it must not cost the page.
  }
}

/** Runs of letters, digits and colons; all else separates. */
function wordsOf(name: string): string[] {
  return name.match(/[a-zA-Z0-9:]+/g) ?? [];
}

/** The unit as it stands at the end of a name: "bytes_per_second", "ratio". Empty where a name gets none. */
export function unitWord(unit: string, kind: StreamKind): string {
  return unit === '1' && kind === 'gauge' ? 'ratio' : unitSuffixes(unit).join('_');
}

/** "By/s" gives "bytes" and "per_second". A part with an annotation in braces gives nothing. */
function unitSuffixes(unit: string): string[] {
  const slash = unit.indexOf('/');
  const main = unitSuffix(slash < 0 ? unit : unit.slice(0, slash), unitWords);
  const per = withoutUnderscore(unitSuffix(slash < 0 ? '' : unit.slice(slash + 1), perUnitWords));
  const suffixes = per === '' ? [main] : [withoutUnderscore(main), `per_${per}`];
  return suffixes.filter((suffix) => suffix !== '');
}

/** Only what comes last may end with an underscore, where a unit ends with what a name cannot have: `[degF]`. */
function unitSuffix(part: string, words: ReadonlyMap<string, string>): string {
  if (/[{}]/.test(part)) return '';
  const unit = part.trim();
  return (words.get(unit) ?? unit).replace(/[^a-zA-Z0-9:]+/g, '_').replace(/^_/, '');
}

function withoutUnderscore(text: string): string {
  return text.replace(/_$/, '');
}

function atEnd(words: string[], last: string): string[] {
  return [...words.filter((word) => word !== last), last];
}

function endingIn(name: string, last: string): string {
  return /[._]/.test(name.at(-last.length - 1) ?? '') && name.endsWith(last) ? name : `${name}_${last}`;
}

function startsWithDigit(text: string): boolean {
  return /^[0-9]/.test(text);
}
