/** The second half of `register`, once the program's main module has run: opens what there is, listens, and says so. */
import type { Push } from '../src/exporters/otlp/push.ts';
import { resolveOptions } from '../src/options.ts';
import { parseResourceAttributes } from '../src/otel/resource.ts';
import { boundedText } from '../src/profile/kernel-names.ts';
import { openScrapeTarget, type ScrapeTarget } from '../src/scrape-target.ts';
import { version } from '../src/version.ts';
import { say } from './say.ts';
import type { On } from './switches.ts';

export interface Started {
  readonly target: ScrapeTarget;
  /** Where metrics are pushed to an OTLP receiver. */
  readonly push: Push | undefined;
}

export async function start(switches: On): Promise<Started> {
  const warnings = [...switches.warnings];
  const warn = (problem: string) => void warnings.push(problem);
  const options = resolveOptions({}, process.env, warn);
  parseResourceAttributes(process.env.OTEL_RESOURCE_ATTRIBUTES, warn);
  const { exporters, host, port, service } = switches;
  const onBudgetExceeded = (sentence: string) => say(`accelmeter: ${sentence}`);
  const target = await openScrapeTarget(options, { lazy: true, host, port, service, onBudgetExceeded });
  // For who operates the process: pause() and resume(), from code of the service's own or from a debugger.
  Object.defineProperty(globalThis, Symbol.for('accelmeter'), { value: target.profiler, configurable: true });
  const where: string[] = [];
  if (exporters.includes('prometheus')) where.push(await listen(target, port));
  const push = exporters.includes('otlp') ? await startOtlp(target, warn) : undefined;
  if (push) where.push(`OTLP to ${push.endpoint}`);
  if (where.length === 0) await target.close(); // nobody would ever see what is measured
  const seen = target.profiler
    .status()
    .backends.map(({ name, present, detail }) => `${present ? '✓' : '–'} ${name} ${detail}`);
  // A value of any length and with any characters is quoted in them: it stays one line.
  const told = warnings.map((warning) => boundedText(warning, 200));
  say([`accelmeter ${version}`, ...where, ...(where.length > 0 ? seen : ['off']), ...told].join('  '));
  return { target, push };
}

async function listen(target: ScrapeTarget, port: number): Promise<string> {
  try {
    await target.listen();
    return `${target.url}/metrics`;
  } catch (error) {
    const busy = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    return busy
      ? `not served, port ${port} is taken (OTEL_EXPORTER_PROMETHEUS_PORT sets another)`
      : `not served, ${(error as Error).message}`;
  }
}

/** Loaded only where it is asked for. */
async function startOtlp(
  { profiler, state }: ScrapeTarget,
  warn: (problem: string) => void,
): Promise<Push | undefined> {
  const { readOtlpSettings } = await import('../src/exporters/otlp/settings.ts');
  const { startPush } = await import('../src/exporters/otlp/push.ts');
  try {
    const settings = readOtlpSettings(process.env, warn);
    return startPush({
      settings,
      producer: profiler.metricProducer(settings.producer),
      say: (line) => say(`accelmeter: ${line}`),
      paused: () => profiler.paused,
      onSerialised: (seconds) => state.selfTime.add('serialise', seconds),
    });
  } catch (error) {
    warn((error as Error).message);
    return undefined;
  }
}
