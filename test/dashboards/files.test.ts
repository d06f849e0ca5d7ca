import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { dashboardFiles } from '../../dashboards/build.ts';
import { overview } from '../../dashboards/overview/dashboard.ts';
import { allSeries } from '../../dashboards/series.ts';
import { catalogue, type MetricName } from '../../src/catalogue.ts';

const folder = join(import.meta.dirname, '../../dashboards');
const panels = (overview().panels ?? []).filter((panel) => panel.type !== 'row');
const expressions = panels.flatMap((panel) =>
  'targets' in panel ? (panel.targets ?? []).map((target) => (target as unknown as { expr: string }).expr) : [],
);

describe('the committed dashboards', () => {
  test('are what the sources make: `node dashboards/build.ts` writes them', () => {
    const files = dashboardFiles();
    expect(readdirSync(folder).filter((name) => name.endsWith('.json'))).toEqual(Object.keys(files));
    for (const [name, text] of Object.entries(files)) expect(readFileSync(join(folder, name), 'utf8')).toBe(text);
  });
});

describe('the overview', () => {
  test('says on every panel what it means, in which unit, and nothing twice', () => {
    for (const panel of panels) {
      expect(panel, panel.title).toMatchObject({
        description: expect.stringMatching(/.{40}/),
        fieldConfig: { defaults: { unit: expect.any(String) } },
      });
    }
    const ids = (overview().panels ?? []).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('fills the 24 columns of its grid without an overlap', () => {
    const taken = new Set<string>();
    for (const { gridPos, title } of overview().panels ?? []) {
      const { x, y, w, h } = gridPos ?? { x: 0, y: 0, w: 0, h: 0 };
      expect(x + w, title).toBeLessThanOrEqual(24);
      for (let column = x; column < x + w; column++) {
        for (let line = y; line < y + h; line++) {
          expect(taken, `${title} at ${column}, ${line}`).not.toContain(`${column} ${line}`);
          taken.add(`${column} ${line}`);
        }
      }
    }
    const bottom = Math.max(...[...taken].map((cell) => Number(cell.split(' ')[1])));
    expect(taken.size, 'cells without a hole').toBe(24 * (bottom + 1));
  });

  test('asks for nothing that neither the catalogue nor a scrape has', () => {
    const known = new Set(['up', ...(Object.keys(catalogue) as MetricName[]).flatMap(allSeries)]);
    const asked = expressions.flatMap((expression) => expression.match(/\w+(?=\{)/g) ?? []);
    expect(asked.length).toBeGreaterThan(panels.length);
    expect(asked.filter((name) => !known.has(name))).toEqual([]);
  });

  test('takes every rate over an interval that Grafana fits to the scrapes', () => {
    const windows = expressions.flatMap((expression) => expression.match(/\[[^\]]+\]/g) ?? []);
    expect(new Set(windows)).toEqual(new Set(['[$__rate_interval]', '[$__range]']));
    for (const expression of expressions) expect(expression).not.toMatch(/rate\([^[]*\[\$__range\]/);
  });
});
