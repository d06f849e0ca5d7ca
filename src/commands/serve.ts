/** `accelmeter serve`: the devices of this machine behind an endpoint, and what is found of them, until it is stopped. */
import { resolveOptions } from '../options.ts';
import { openScrapeTarget } from '../scrape-target.ts';
import { version } from '../version.ts';
import { asCommandError, type ListenOptions } from './port.ts';
import { backendLines, findingEvent } from './terminal.ts';

/** Resolves once stopped by SIGINT or SIGTERM. */
export async function serve({ host, port, 'web.config.file': webConfigFile }: ListenOptions): Promise<void> {
  const notify = (sentence: string) => void process.stderr.write(`accelmeter: ${sentence}\n`);
  const options = resolveOptions({}, process.env, notify);
  const service = process.env.OTEL_SERVICE_NAME;
  const target = await openScrapeTarget(options, { host, port, worker: true, webConfigFile, notify, service });
  try {
    await target.listen();
  } catch (error) {
    await target.close();
    throw asCommandError(error, port);
  }
  process.stdout.write(`accelmeter ${version}\n${backendLines(target.profiler.status().backends)}`);
  process.stdout.write(`Live     ${target.url}/\nMetrics  ${target.url}/metrics\n`);
  const quiet = target.profiler.on('finding', (finding) => void process.stdout.write(findingEvent(finding)));
  await stopped();
  quiet(); // that nobody looks any more clears no finding
  await target.close();
}

/** Resolves at SIGINT or SIGTERM; keeps the process alive until then. */
export function stopped(): Promise<void> {
  return new Promise((resolve) => {
    const alive = setInterval(() => {}, 1 << 30);
    const stop = () => {
      clearInterval(alive);
      resolve();
    };
    process.once('SIGINT', stop).once('SIGTERM', stop);
  });
}
