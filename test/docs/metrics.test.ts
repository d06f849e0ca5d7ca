import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { metricReference, seriesList } from '../../docs/build.ts';
import { catalogue } from '../../src/catalogue.ts';
import { eventCatalogue } from '../../src/otel/event-catalogue.ts';

const reference = readFileSync(join(import.meta.dirname, '../../docs/METRICS.md'), 'utf8');

test('docs/METRICS.md is what the catalogue makes: `node docs/build.ts` writes it', () => {
  expect(reference).toBe(metricReference());
});

test('docs/METRICS.md has a row for every metric, and one only', () => {
  const [metrics = ''] = reference.split('## Events'); // attributes of events may be called as metrics are
  for (const name of Object.keys(catalogue)) {
    expect(
      metrics.split('\n').filter((line) => line.startsWith(`| \`${name}\` `)),
      name,
    ).toHaveLength(1);
  }
});

test('docs/METRICS.md has every event, with every attribute that it has and what they mean', () => {
  const [, events = ''] = reference.split('## Events');
  const lines = events.split('\n');
  for (const [name, { attributes }] of Object.entries(eventCatalogue)) {
    const row = lines.find((line) => line.startsWith(`| \`${name}\` `)) ?? '';
    const general = lines.find((line) => line.includes('Every event carries')) ?? '';
    for (const attribute of attributes) {
      expect(row + general, name).toContain(`\`${attribute}\``);
      expect(
        lines.filter((line) => line.startsWith(`| \`${attribute}\` `)),
        attribute,
      ).toHaveLength(1);
    }
  }
});

test('the names of all series in Prometheus are those of test/metric-names.golden.txt: renaming one breaks users', async () => {
  await expect(seriesList()).toMatchFileSnapshot('../metric-names.golden.txt');
});
