/** A profiler behind an endpoint of its own: what `register`, `serve` and `demo` start. */
import type { OtherProcesses } from './cluster/merge.ts';
import { PrometheusExporter } from './exporters/prometheus/exporter.ts';
import type { ResolvedOptions } from './options.ts';
import { createMetricProducer } from './otel/metric-producer.ts';
import { type OpenedProfiler, type OpenOptions, openProfiler, type Profiler, type ProfilerState } from './profiler.ts';

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
  /** The port that is listened on; `undefined` while there is none. */
  readonly port: number | undefined;
  /** Rejects with the system's error, such as EADDRINUSE, and can then be called again. */
  listen(): Promise<void>;
  /** The port is free when this returns, before its promise settles. Measuring goes on. */
  stopListening(): Promise<void>;
  close(): Promise<void>;
}

export interface EndpointOptions {
  readonly host: string;
  readonly port: number;
  /** Whether a Worker listens, which answers also while the event loop is blocked. */
  readonly worker?: boolean;
  /** Prometheus' web configuration: TLS, passwords and so on. */
  readonly webConfigFile?: string | undefined;
  /** Whether a process that has nothing else to do may end while the Worker starts. */
  readonly detached?: boolean;
  /** Told what an operator should know of the endpoint. */
  readonly notify?: (sentence: string) => void;
  /** What is served beside this process. */
  readonly others?: OtherProcesses;
}

/** Opens the profiler, and an exporter that is not listening yet. */
export async function openScrapeTarget(
  options: ResolvedOptions,
  how: Omit<EndpointOptions, 'others'> & OpenOptions,
): Promise<ScrapeTarget> {
  return createScrapeTarget(await openProfiler(options, how), how);
}

/**
 * Puts a profiler behind an exporter that is not listening yet. No MeterProvider stands between them: the producer is
 * the exporter's source, so the SDK's instruments need not be loaded and the global provider is never touched.
 */
export function createScrapeTarget(
  { profiler, state }: OpenedProfiler,
  { host, port, worker = false, webConfigFile, detached = false, notify, others }: EndpointOptions,
): ScrapeTarget {
  let lastScrape: Scrape | undefined;
  const exporter = new PrometheusExporter({
    host,
    port,
    worker,
    detached,
    ...(webConfigFile !== undefined && { webConfigFile }),
    ...(notify !== undefined && { onNotice: notify }),
    preventServerStart: true,
    withoutScopeInfo: true, // a version on every point would renew every series at each release
    status: profiler.status,
    onSerialised(seconds, bytes, series) {
      state.selfTime.add('serialise', seconds);
      lastScrape = { seconds, bytes, series };
    },
  });
  exporter.setMetricProducer(createMetricProducer(state, {}, others));
  return {
    profiler,
    state,
    get url() {
      return (exporter.url ?? `http://${host}:${port}`).replace(/\/$/, '');
    },
    get lastScrape() {
      return lastScrape;
    },
    get port() {
      return exporter.port;
    },
    listen: () => exporter.startServer(),
    stopListening: () => exporter.stopServer(),
    async close() {
      await exporter.shutdown();
      await profiler.close();
    },
  };
}
