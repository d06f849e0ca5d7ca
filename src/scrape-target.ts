/** A profiler behind an endpoint of its own: what `register`, `serve` and `demo` start. */
import { PrometheusExporter } from './exporters/prometheus/exporter.ts';
import type { ResolvedOptions } from './options.ts';
import { type OpenOptions, openProfiler, type Profiler, type ProfilerState } from './profiler.ts';

/** What the last scrape was. */
export interface Scrape {
  readonly seconds: number;
  readonly bytes: number;
  readonly series: number;
}

export interface ScrapeTarget {
  readonly profiler: Profiler;
  /** What the profiler measures into. */
  readonly state: ProfilerState;
  /** Where the endpoint is, such as `http://127.0.0.1:9464`; after `listen`. */
  readonly url: string;
  readonly lastScrape: Scrape | undefined;
  /** Rejects with the system's error, such as EADDRINUSE. */
  listen(): Promise<void>;
  close(): Promise<void>;
}

export interface ScrapeTargetOptions extends OpenOptions {
  readonly host: string;
  readonly port: number;
}

/**
 * Opens the profiler, and an exporter that is not listening yet. No MeterProvider stands between them: the producer is
 * the exporter's source, so the SDK's instruments need not be loaded and the global provider is never touched.
 */
export async function openScrapeTarget(
  options: ResolvedOptions,
  { host, port, ...openOptions }: ScrapeTargetOptions,
): Promise<ScrapeTarget> {
  const { profiler, state } = await openProfiler(options, openOptions);
  let lastScrape: Scrape | undefined;
  const exporter = new PrometheusExporter({
    host,
    port,
    preventServerStart: true,
    withoutScopeInfo: true, // a version on every point would renew every series at each release
    status: profiler.status,
    onSerialised(seconds, bytes, series) {
      state.selfTime.add('serialise', seconds);
      lastScrape = { seconds, bytes, series };
    },
  });
  exporter.setMetricProducer(profiler.metricProducer());
  return {
    profiler,
    state,
    get url() {
      return (exporter.url ?? `http://${host}:${port}`).replace(/\/$/, '');
    },
    get lastScrape() {
      return lastScrape;
    },
    listen: () => exporter.startServer(),
    async close() {
      await exporter.shutdown();
      await profiler.close();
    },
  };
}
