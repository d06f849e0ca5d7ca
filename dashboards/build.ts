/**
 * Writes the dashboards beside this file: `node dashboards/build.ts`. They are made from the catalogue alone, so the
 * same sources give the same bytes; a test fails when a committed file differs.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { overview } from './overview/dashboard.ts';

/** Every file, by its name, with its text. */
export function dashboardFiles(): Record<string, string> {
  return { 'overview.json': `${JSON.stringify(overview(), null, 2)}\n` };
}

if (import.meta.main) {
  for (const [name, text] of Object.entries(dashboardFiles())) writeFileSync(join(import.meta.dirname, name), text);
}
