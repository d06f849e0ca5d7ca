import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { metricReference, seriesList } from '../../docs/build.ts';
import { catalogue } from '../../src/catalogue.ts';

const reference = readFileSync(join(import.meta.dirname, '../../docs/METRICS.md'), 'utf8');

test('docs/METRICS.md is what the catalogue makes: `node docs/build.ts` writes it', () => {
  expect(reference).toBe(metricReference());
});

test('docs/METRICS.md has a row for every metric, and one only', () => {
  for (const name of Object.keys(catalogue)) {
    expect(
      reference.split('\n').filter((line) => line.startsWith(`| \`${name}\` `)),
      name,
    ).toHaveLength(1);
  }
});

test('the names of all series in Prometheus are those of test/metric-names.golden.txt: renaming one breaks users', async () => {
  await expect(seriesList()).toMatchFileSnapshot('../metric-names.golden.txt');
});
