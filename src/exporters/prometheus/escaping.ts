/**
 * How names are written for a scraper that cannot read every character, by the scheme that it asks for.
 * https://prometheus.io/docs/instrumenting/escaping_schemes/
 */
import {
  labelName,
  labelNameInUtf8,
  type MetricNaming,
  metricName,
  metricNameInUtf8,
  type StreamKind,
} from './naming.ts';

/** In the order of what is lost: with the last nothing is. */
export const escapings = ['underscores', 'dots', 'values', 'allow-utf-8'] as const;
/**
 * - `underscores`: what is not allowed becomes `_`. The default.
 * - `dots`: `.` becomes `_dot_` and `_` becomes `__`, so that both can be told apart; the rest becomes `__`.
 * - `values`: `U__` and then each character that is not allowed as `_<code point in hexadecimal>_`, `_` as `__`:
 *   the name can be read back.
 * - `allow-utf-8`: nothing is escaped.
 */
export type Escaping = (typeof escapings)[number];

/** How the names of a page are made. */
export interface Names {
  /** Of a family; `undefined` where there is nothing to name. */
  metric(name: string, unit: string, kind: StreamKind): string | undefined;
  /** Of a label; `undefined` where there is nothing to name. */
  label(attribute: string): string | undefined;
  /** Of a family that the exporter itself names, as Prometheus has it. */
  own(name: string): string;
}

export interface NamingOptions extends MetricNaming {
  /** Whether names keep all characters up to here, as the scheme allows. */
  readonly utf8: boolean;
}

/**
 * Names by these rules for readers of one scheme. Without `utf8` a name has only letters, digits, underscores and colons
 * before the scheme sees it, so that every reader gets the same series (but for `dots`, which escapes underscores).
 */
export function createNames(options: NamingOptions, escaping: Escaping): Names {
  const metric = options.utf8 ? metricNameInUtf8 : metricName;
  const label = options.utf8 ? labelNameInUtf8 : labelName;
  return {
    metric(name, unit, kind) {
      const full = metric(name, unit, kind, options);
      return full === undefined ? undefined : escapeName(full, escaping, /[a-zA-Z0-9_:]/);
    },
    label(attribute) {
      const full = label(attribute);
      if (full === undefined) return undefined;
      const escaped = escapeName(full, escaping, /[a-zA-Z0-9_]/);
      return escaped.startsWith('__') ? `key${escaped}` : escaped; // "é_name__" must not become the series' own name.
    },
    own: (name) => escapeName(name, escaping, /[a-zA-Z0-9_:]/),
  };
}

/** True where a name can stand without quotes, and is read by scrapers of every age. */
export function isPlain(name: string): boolean {
  return /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name);
}

/** A name by one of the schemes; `allowed` are the characters that every reader takes, digits not in the first place. */
export function escapeName(name: string, escaping: Escaping, allowed: RegExp): string {
  if (escaping === 'allow-utf-8') return name;
  const characters = Array.from(name);
  const takes = (character: string, i: number) => allowed.test(character) && !(i === 0 && /[0-9]/.test(character));
  if (escaping !== 'dots' && characters.every(takes)) return name;
  const escaped = characters.map((character, i) => {
    if (escaping === 'underscores') return takes(character, i) ? character : '_';
    if (character === '_') return '__';
    if (escaping === 'dots' && character === '.') return '_dot_';
    if (takes(character, i)) return character;
    return escaping === 'dots' ? '__' : `_${character.codePointAt(0)?.toString(16)}_`;
  });
  return `${escaping === 'values' ? 'U__' : ''}${escaped.join('')}`;
}
