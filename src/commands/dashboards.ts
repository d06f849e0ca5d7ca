/** `accelmeter dashboards --out DIR`: the Grafana dashboards of the package as files to import or to provision. */
import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommandError } from './failure.ts';

export interface DashboardsOptions {
  /** The folder; made where it is not there. */
  readonly out: string;
  /** Replace files that are there. */
  readonly force?: boolean;
}

/** Writes all of them, or none where one is there already. */
export function dashboards({ out, force = false }: DashboardsOptions): void {
  const bundled = join(dirname(fileURLToPath(import.meta.resolve('accelmeter/package.json'))), 'dashboards');
  const names = readdirSync(bundled).filter((name) => name.endsWith('.json'));
  const taken = names.map((name) => join(out, name)).filter((file) => existsSync(file));
  if (taken.length > 0 && !force) throw new CommandError(`${taken.join(', ')} is there already; --force replaces it`);
  try {
    mkdirSync(out, { recursive: true });
    for (const name of names) {
      copyFileSync(join(bundled, name), join(out, name));
      process.stdout.write(`${join(out, name)}\n`);
    }
  } catch (error) {
    throw new CommandError(`the dashboards could not be written: ${(error as Error).message}`);
  }
}
