/** The rules for names, on every character, unit and kind that they are about. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { labelName, labelsOf, metricName, type StreamKind } from '../../../src/exporters/prometheus/naming.ts';
import { labelCases, nameCases } from './name-rules.ts';

const naming = { prefix: '', unitSuffixes: true };

it(`${nameCases.length} names of metrics are what the rules say`, () => {
  const wrong = nameCases
    .map((each) => ({ ...each, given: metricName(each.name, each.unit, each.kind, naming) }))
    .filter(({ given, expected }) => given !== expected);
  expect(wrong).toEqual([]);
  expect(nameCases.length).toBeGreaterThan(600);
});

it(`${labelCases.length} label sets are what the rules say`, () => {
  const wrong = labelCases
    .map((each) => ({ ...each, given: Object.fromEntries(labelsOf(each.attributes)) }))
    .filter(({ given, expected }) => JSON.stringify(given) !== JSON.stringify(expected));
  expect(wrong).toEqual([]);
  expect(labelCases.length).toBeGreaterThan(300);
});

/**
 * What Prometheus 3.5.3 makes of the same names when they are pushed over OTLP, recorded from its receiver's own library
 * (github.com/prometheus/otlptranslator in the version that it has, 2573485683d5); decision 0142 says how.
 */
type Recorded =
  | { readonly name: string; readonly unit: string; readonly kind: StreamKind; readonly becomes: string }
  | { readonly attribute: string; readonly becomes: string };

const recorded = readFileSync(join(import.meta.dirname, 'receiver-3.5.3.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded);

it('a real receiver makes the same of them, but for what is known and meant', () => {
  const units = new Set<string>();
  const attributes: string[] = [];
  for (const each of recorded) {
    if ('attribute' in each) {
      if ((labelName(each.attribute) ?? '') !== each.becomes) attributes.push(each.attribute);
    } else if ((metricName(each.name, each.unit, each.kind, naming) ?? '') !== each.becomes) {
      units.add(each.unit);
    }
  }
  expect(recorded.length).toBeGreaterThan(900);
  expect(units).toEqual(new Set(['TiBy', 'kBy']));
  const reserved = ['__name__', '__address__', '__x'];
  const severalInARow = ['http..method', 'http__method', 'http.-_method', '名前.x', 'x名前', 'a..b'];
  expect(attributes.toSorted()).toEqual([...reserved, ...severalInARow].toSorted());
});
