/** Thresholds that an operator sets in place of the rules' own. Each is in its rule's unit, and for all backends. */
import type { BottleneckCode } from './finding.ts';
import { allRules } from './rules/all.ts';

export type Thresholds = Readonly<Partial<Record<BottleneckCode, number>>>;

/** A copy. Throws a TypeError for a code that no rule has, a RangeError for a number out of the rule's range. */
export function checkThresholds(thresholds: Readonly<Record<string, unknown>>): Thresholds {
  if (typeof thresholds !== 'object' || thresholds === null || Array.isArray(thresholds)) {
    throw new TypeError('thresholds must be an object, such as { low_utilization: 0.2 }');
  }
  const given = Object.entries(thresholds).filter(([, value]) => value !== undefined);
  return Object.freeze(Object.fromEntries(given.map(([code, value]) => [code, checked(code, value)])));
}

/** Reads a variable: `code=number,…`. Throws as `checkThresholds` does, and a TypeError for another form. */
export function thresholdsIn(text: string): Thresholds {
  const pairs = text
    .split(',')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '')
    .map((pair) => {
      const [, code, value] = /^([^=]+?)\s*=\s*(\S+)$/.exec(pair) ?? [];
      if (code === undefined) throw new TypeError(`"${pair}" is not of the form code=number`);
      return [code, Number(value)] as const;
    });
  return checkThresholds(Object.fromEntries(pairs));
}

function checked(code: string, value: unknown): number {
  const rule = allRules.find((each) => each.code === code);
  if (rule === undefined) {
    throw new TypeError(`no rule is called "${code}"; there are ${allRules.map((each) => each.code).join(', ')}`);
  }
  const [from, to] = rule.range;
  if (typeof value === 'number' && value >= from && value <= to) return value;
  const unit = rule.unit === '1' ? '' : ` (in ${rule.unit})`;
  throw new RangeError(`the threshold of ${code} must be a number from ${from} to ${to}${unit}, not ${String(value)}`);
}
