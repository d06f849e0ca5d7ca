/**
 * What a scraper gets: the format, the escaping of names and the compression that it likes best of those we have, by
 * the q-values of its `Accept` and `Accept-Encoding` (RFC 9110, 12.5.1 and 12.5.3).
 * https://prometheus.io/docs/instrumenting/content_negotiation/
 *
 * Nobody is refused: what asks for nothing that we have, or cannot be understood, gets text 0.0.4, not compressed.
 */
import { type Escaping, escapings } from './escaping.ts';

export const formatNames = ['text-0.0.4', 'text-1.0.0', 'openmetrics', 'protobuf'] as const;
export type FormatName = (typeof formatNames)[number];
export const encodings = ['identity', 'gzip', 'zstd'] as const;
export type Encoding = (typeof encodings)[number];

/** What a page is to be. */
export interface Representation {
  readonly format: FormatName;
  readonly escaping: Escaping;
  readonly encoding: Encoding;
  /** Whether the scraper named the escaping: then it is told in the answer. */
  readonly escapingAsked: boolean;
}

/** Headers longer than this are not read: those of Prometheus have some 400 characters. */
const longestHeader = 4096;
/** Ranges of one header that are looked at. */
const mostRanges = 32;

const contentTypes: Record<FormatName, string> = {
  'text-0.0.4': 'text/plain; version=0.0.4; charset=utf-8',
  'text-1.0.0': 'text/plain; version=1.0.0; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  protobuf: 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
};

/** The `Content-Type` of a page. */
export function contentTypeOf({ format, escaping, escapingAsked }: Omit<Representation, 'encoding'>): string {
  return `${contentTypes[format]}${escapingAsked ? `; escaping=${escaping}` : ''}`;
}

/** What the headers of a request ask for. */
export function negotiate(headers: {
  readonly accept?: string | undefined;
  readonly 'accept-encoding'?: string | string[] | undefined;
}): Representation {
  const encoding = encodingFor(headers['accept-encoding']);
  for (const range of rangesOf(headers.accept)) {
    const format = range.q > 0 ? formatOf(range) : undefined;
    if (format === undefined) continue;
    const asked = escapings.find((escaping) => escaping === range.parameters.get('escaping')?.toLowerCase());
    return { format, escaping: asked ?? 'underscores', encoding, escapingAsked: asked !== undefined };
  }
  return { format: 'text-0.0.4', escaping: 'underscores', encoding, escapingAsked: false };
}

/** One element of a header, such as `text/plain;version=0.0.4;q=0.5`. */
interface Range {
  /** In lower case. */
  readonly name: string;
  /** By their names in lower case, without quotes. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly q: number;
}

/** The ranges of a header, the best liked first and of equals the first named. */
function rangesOf(header: string | undefined): Range[] {
  if (header === undefined || header.length > longestHeader) return [];
  return header
    .split(',', mostRanges)
    .map(rangeOf)
    .sort((a, b) => b.q - a.q);
}

function rangeOf(text: string): Range {
  const [name = '', ...rest] = text.split(';');
  const parameters = new Map<string, string>();
  for (const parameter of rest) {
    const equals = parameter.indexOf('=');
    if (equals < 0) continue;
    const value = parameter.slice(equals + 1).trim();
    parameters.set(parameter.slice(0, equals).trim().toLowerCase(), value.replace(/^"(.*)"$/, '$1'));
  }
  return { name: name.trim().toLowerCase(), parameters, q: weightOf(parameters.get('q')) };
}

/** Without one it is 1; one that is no weight counts as "not acceptable", so that a slip cannot outdo the others. */
function weightOf(text: string | undefined): number {
  if (text === undefined) return 1;
  return /^(?:0(?:\.\d*)?|1(?:\.0*)?)$/.test(text) ? Number(text) : 0;
}

/** The format that a media range means, in a version that we write; `undefined` where we have none. */
function formatOf({ name, parameters }: Range): FormatName | undefined {
  const version = parameters.get('version');
  switch (name) {
    case 'application/vnd.google.protobuf': {
      const proto = parameters.get('proto') ?? '';
      return proto === 'io.prometheus.client.MetricFamily' && parameters.get('encoding') === 'delimited'
        ? 'protobuf'
        : undefined;
    }
    case 'application/openmetrics-text':
      return version === undefined || version === '1.0.0' ? 'openmetrics' : undefined;
    case 'text/plain':
      if (version === '1.0.0') return 'text-1.0.0';
      return version === undefined || version === '0.0.4' ? 'text-0.0.4' : undefined;
    case 'text/*':
    case '*/*':
      return 'text-0.0.4';
    default:
      return undefined;
  }
}

/**
 * Prometheus asks for gzip. Of equals zstd, which is faster. Compression is never ours to choose: who does not ask pays
 * for bytes and not for time.
 */
function encodingFor(header: string | string[] | undefined): Encoding {
  const ranges = rangesOf(Array.isArray(header) ? header.join(',') : header);
  const weight = (encoding: Encoding, aliases: readonly string[]) =>
    ranges.find(({ name }) => aliases.includes(name))?.q ?? (encoding === 'identity' ? 1e-4 : 0);
  const weights: readonly (readonly [Encoding, number])[] = [
    ['zstd', weight('zstd', ['zstd'])],
    ['gzip', weight('gzip', ['gzip', 'x-gzip'])],
    ['identity', weight('identity', ['identity'])],
  ];
  return weights.reduce((best, each) => (each[1] > best[1] ? each : best))[0];
}
