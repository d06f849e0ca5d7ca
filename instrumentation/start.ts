/**
 * The second half of `register`, once the program's main module has run: opens what there is, finds who is to have its
 * metrics, and says so. That is the service's own MeterProvider where there is one, now or later; else an OTLP
 * receiver, who scrapes our endpoint, or the primary of the cluster that this process is a worker of.
 */
import cluster from 'node:cluster';
import type { MeterProvider } from '@opentelemetry/api';
import { resolveOptions } from '../src/options.ts';
import { parseResourceAttributes } from '../src/otel/resource.ts';
import { boundedText } from '../src/profile/kernel-names.ts';
import { type OpenedProfiler, openProfiler, type Profiler } from '../src/profiler.ts';
import { leaveProfiler } from '../src/registered-profiler.ts';
import { version } from '../src/version.ts';
import { answerPrimary, gatherWorkers } from './cluster.ts';
import { startEvents } from './events.ts';
import { say } from './say.ts';
import { serve } from './serving.ts';
import type { On } from './switches.ts';

/** The primary asks every few seconds. One that has not by now runs without us. */
const primaryPatienceSeconds = 15;

/** Where the metrics of this process go. */
interface Outlet {
  /** For the line on stderr. */
  readonly where: string;
  stop(): void | Promise<void>;
  flush?(milliseconds: number): Promise<void>;
}

export interface Started {
  /** Gives receivers that are pushed to what they do not have yet, in so many milliseconds at most. Never rejects. */
  flush(milliseconds: number): Promise<void>;
}

const provided = 'metrics go to the MeterProvider of the service, nothing is served here';

/** `registered` gives the MeterProvider that the program registers; it stays pending in one that never does. */
export async function start(switches: On, registered: Promise<MeterProvider>): Promise<Started> {
  const warnings = [...switches.warnings];
  const warn = (problem: string) => {
    if (!warnings.includes(problem)) warnings.push(problem); // metrics and events have variables in common
  };
  const options = resolveOptions({}, process.env, warn);
  parseResourceAttributes(process.env.OTEL_RESOURCE_ATTRIBUTES, warn);
  const { service } = switches;
  const opened = await openProfiler(options, { lazy: true, service, onBudgetExceeded: tell });
  const { profiler } = opened;
  // For who operates the process: pause() and resume(), from code of the service's own or from a debugger.
  leaveProfiler(profiler);

  const present = switches.exporters.length > 0 ? await Promise.race([registered, undefined]) : undefined;
  if (present) await attach(profiler, present);
  let outlets = present ? [] : await openOutlets(opened, switches, warn);
  const events = await startEvents(opened, switches, { say: tell, warn });
  const metricsWhere = present ? [provided] : outlets.map((outlet) => outlet.where);
  const where = [...metricsWhere, events?.where].filter((each) => each !== undefined);
  if (where.length === 0) await profiler.close(); // nobody would ever see what is measured
  const seen = where.length > 0 ? seenBy(profiler) : ['off'];
  // In a cluster the primary speaks for its workers.
  if (!cluster.isWorker || warnings.length > 0)
    say([`accelmeter ${version}`, ...where, ...seen, ...warnings.map(quoted)].join('  '));

  if (!present && metricsWhere.length > 0) {
    registered
      .then(async (provider) => {
        const stopped = outlets;
        outlets = [];
        await Promise.all(stopped.map((outlet) => outlet.stop()));
        await attach(profiler, provider);
        tell(provided);
      })
      .catch((error: Error) => tell(`the MeterProvider of the service is of no use: ${error.message}`));
  }
  return {
    async flush(milliseconds) {
      await Promise.all([...outlets, events].map((outlet) => outlet?.flush?.(milliseconds)));
    },
  };
}

/** A value of any length and with any characters may be quoted in a warning: it stays one line. */
function quoted(warning: string): string {
  return boundedText(warning, 200);
}

async function openOutlets(opened: OpenedProfiler, switches: On, warn: (problem: string) => void): Promise<Outlet[]> {
  const { exporters } = switches;
  const outlets: Outlet[] = [];
  if (exporters.includes('prometheus')) {
    outlets.push(cluster.isWorker ? toPrimary(opened) : await toEndpoint(opened, switches));
  }
  if (exporters.includes('otlp')) {
    try {
      outlets.push(await toReceiver(opened, warn));
    } catch (error) {
      warn((error as Error).message);
    }
  }
  return outlets;
}

async function toEndpoint(opened: OpenedProfiler, { host, port, worker, webConfigFile }: On): Promise<Outlet> {
  const { createScrapeTarget } = await import('../src/scrape-target.ts');
  const others = gatherWorkers(cluster, opened.state.options.tickSeconds);
  return serve(
    createScrapeTarget(opened, { host, port, worker, webConfigFile, detached: true, notify: tell, others }),
    port,
    tell,
  );
}

function toPrimary({ state }: OpenedProfiler): Outlet {
  const stop = answerPrimary(state, primaryPatienceSeconds, () =>
    tell('not served: this is a worker of a cluster whose primary runs without accelmeter/register'),
  );
  return { where: 'to the primary of the cluster', stop };
}

/** Loaded only where it is asked for. Throws an Error for settings that cannot be followed. */
async function toReceiver({ profiler, state }: OpenedProfiler, warn: (problem: string) => void): Promise<Outlet> {
  const { readMetricSettings } = await import('../src/exporters/otlp/settings.ts');
  const { pushMetrics } = await import('../src/exporters/otlp/push-metrics.ts');
  const settings = readMetricSettings(process.env, warn);
  const { endpoint, flush, stop } = pushMetrics({
    settings,
    producer: profiler.metricProducer(settings.producer),
    say: tell,
    paused: () => profiler.paused,
    onSerialised: (seconds) => state.selfTime.add('serialise', seconds),
  });
  return { where: `OTLP to ${endpoint}`, flush, stop };
}

async function attach(profiler: Profiler, meterProvider: MeterProvider): Promise<void> {
  const { bridgeToApi } = await import('../src/otel/api-bridge.ts');
  bridgeToApi(profiler, { meterProvider });
}

function seenBy(profiler: Profiler): string[] {
  return profiler.status().backends.map(({ name, present, detail }) => `${present ? '✓' : '–'} ${name} ${detail}`);
}

function tell(what: string): void {
  say(`accelmeter: ${what}`);
}
