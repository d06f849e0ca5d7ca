/** The rules for names, on every character, unit and kind that they are about. */
import { expect, it } from 'vitest';
import { labelsOf, metricName } from '../../../src/exporters/prometheus/naming.ts';
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
