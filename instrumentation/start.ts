/** The second half of `register`, once the program's main module has run: opens what there is, listens, and says so. */
import { resolveOptions } from '../src/options.ts';
import { parseResourceAttributes } from '../src/otel/resource.ts';
import { openScrapeTarget, type ScrapeTarget } from '../src/scrape-target.ts';
import { version } from '../src/version.ts';
import { say } from './say.ts';
import type { On } from './switches.ts';

export async function start(switches: On): Promise<ScrapeTarget> {
  const warnings = [...switches.warnings];
  const options = resolveOptions({}, process.env, (problem) => warnings.push(problem));
  parseResourceAttributes(process.env.OTEL_RESOURCE_ATTRIBUTES, (problem) => warnings.push(problem));
  const { host, port, service } = switches;
  const onBudgetExceeded = (sentence: string) => say(`accelmeter: ${sentence}`);
  const target = await openScrapeTarget(options, { lazy: true, host, port, service, onBudgetExceeded });
  // For who operates the process: pause() and resume(), from code of the service's own or from a debugger.
  Object.defineProperty(globalThis, Symbol.for('accelmeter'), { value: target.profiler, configurable: true });
  let where: string;
  try {
    await target.listen();
    where = `${target.url}/metrics`;
  } catch (error) {
    const busy = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    where = busy
      ? `not served, port ${port} is taken (OTEL_EXPORTER_PROMETHEUS_PORT sets another)`
      : `not served, ${(error as Error).message}`;
  }
  const seen = target.profiler
    .status()
    .backends.map(({ name, present, detail }) => `${present ? '✓' : '–'} ${name} ${detail}`);
  say([`accelmeter ${version}  ${where}`, ...seen, ...warnings].join('  '));
  return target;
}
