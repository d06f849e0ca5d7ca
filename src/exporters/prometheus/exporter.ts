/**
 * The entry `accelmeter/prometheus`: a metric reader that serves what its MeterProvider has to Prometheus.
 *
 * Options and public methods are those of `PrometheusExporter` from `@opentelemetry/exporter-prometheus`, so a service
 * changes one import; what is ours is marked so. Differences that show: names carry their unit, as on the OTLP path
 * (`withoutUnitSuffix` gives the old names), port 0 is any free port, and a failed collection is a 500.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { resolve } from 'node:path';
import { diag } from '@opentelemetry/api';
import { AggregationTemporality, type MetricProducer, MetricReader } from '@opentelemetry/sdk-metrics';
import { catalogue } from '../../catalogue.ts';
import type { Status } from '../../status.ts';
import { createEndpoint, type Endpoint, fault } from './endpoint.ts';
import { createFormatOf } from './formats.ts';
import { listenAddress } from './listen-address.ts';
import { metricName } from './naming.ts';
import { negotiate, type Representation } from './negotiate.ts';
import { contentSecurityPolicy, renderLanding } from './page.ts';
import { createPartialCollections } from './partial-collections.ts';
import type { ProtobufHistograms } from './protobuf-histogram.ts';
import { createScraper, type Page, type Scraper, ScrapeTimeout } from './scrape.ts';
import { answer } from './server/answer.ts';
import { scrapeTimeoutOf } from './server/scrape-timeout.ts';
import { guard } from './server/server.ts';
import { targetOf } from './server/target.ts';

/** Options of the exporter; each may be left out. */
export interface ExporterConfig {
  /** Put before every metric's name, with an underscore. None by default. */
  prefix?: string;
  /** Whether samples carry the time of their collection. Off by default: fresh values need none. */
  appendTimestamp?: boolean;
  /** Path of the metrics; `/metrics` by default. */
  endpoint?: string;
  /** Address to listen on; by default `OTEL_EXPORTER_PROMETHEUS_HOST`, else `localhost` (127.0.0.1). */
  host?: string;
  /** Port to listen on, 0 for any free one; by default `OTEL_EXPORTER_PROMETHEUS_PORT`, else 9464. */
  port?: number;
  /** If true nothing listens until `startServer()`. */
  preventServerStart?: boolean;
  /** Further producers, whose metrics stand beside those of the MeterProvider. */
  metricProducers?: MetricProducer[];
  /** Resource attributes whose names match become labels of every series. None by default. */
  withResourceConstantLabels?: RegExp;
  /** If true series have no `otel_scope_*` labels. */
  withoutScopeInfo?: boolean;
  /** If true there is no `target_info`. */
  withoutTargetInfo?: boolean;
  /** Ours: if true names do not carry their unit, as those of the official exporter do not. */
  withoutUnitSuffix?: boolean;
  /**
   * Ours: if true names keep their dots and all other characters, for scrapers that ask for `escaping=allow-utf-8`;
   * others get them escaped as they ask. Off by default: Prometheus 3 then has the names that are in its dashboards.
   */
  utf8Names?: boolean;
  /**
   * Ours: if true counters and histograms have a series `_created` in OpenMetrics text, which tells since when they
   * count. Off by default: most servers store it as a series like any other. In protobuf it costs no series.
   */
  createdSeries?: boolean;
  /**
   * Ours: which buckets histograms have in protobuf, which a server asks for that wants native histograms. `both` by
   * default, so that a server finds what it is set up for; `native` is a tenth of the bytes; `classic` is what the other
   * formats have. Histograms of explicit boundaries that are not accelmeter's are classic in any case.
   */
  protobufHistograms?: ProtobufHistograms;
  /**
   * Ours: if true a Worker listens, which serves the last page, with its age, while the event loop does not turn. Off by
   * default: it takes some megabytes.
   */
  worker?: boolean;
  /**
   * Ours: a web configuration file of Prometheus' exporter-toolkit, by which the endpoint has TLS, passwords, headers and
   * a rate limit. A Worker then listens in any case.
   */
  webConfigFile?: string;
  /**
   * Ours: if true a process that has nothing else to do ends while the Worker starts or stops, and does not wait for it.
   * Off by default: a promise that was given settles.
   */
  detached?: boolean;
  /** Ours: told in a sentence what an operator should know of the endpoint: who can reach it, what was refused. */
  onNotice?: (sentence: string) => void;
  /** Ours: the profiler's state, for the landing page. */
  status?: () => Status;
  /** Ours: told after each page what writing it took (in seconds), its size and its number of series. */
  onSerialised?: (seconds: number, bytes: number, series: number) => void;
}

const plainText: Representation = negotiate({});

/** Serves the metrics of a MeterProvider, and of further producers, to Prometheus. */
export class PrometheusExporter extends MetricReader {
  static readonly DEFAULT_OPTIONS = {
    host: 'localhost',
    port: 9464,
    endpoint: '/metrics',
    prefix: '',
    appendTimestamp: false,
    withResourceConstantLabels: undefined,
    withoutScopeInfo: false,
    withoutTargetInfo: false,
  };

  readonly #endpoint: Endpoint;
  readonly #scraper: Scraper;
  readonly #path: string;
  readonly #status: (() => Status) | undefined;

  /**
   * Starts to listen, unless `preventServerStart`. `callback` is called once, when it listens or with the error why
   * it does not; without listening, at once.
   */
  constructor(config: ExporterConfig = {}, callback: (error?: Error) => void = () => {}) {
    super({
      aggregationTemporalitySelector: () => AggregationTemporality.CUMULATIVE,
      ...(config.metricProducers === undefined ? {} : { metricProducers: config.metricProducers }),
    });
    const defaults = PrometheusExporter.DEFAULT_OPTIONS;
    this.#path = (config.endpoint || defaults.endpoint).replace(/^(?!\/)/, '/');
    this.#status = config.status;
    this.#scraper = createScraper({
      collect: (options) => this.collect(options),
      formatOf: createFormatOf({
        prefix: config.prefix ?? defaults.prefix,
        unitSuffixes: config.withoutUnitSuffix !== true,
        utf8: config.utf8Names === true,
        createdSeries: config.createdSeries === true,
        protobufHistograms: config.protobufHistograms ?? 'both',
        appendTimestamp: config.appendTimestamp ?? defaults.appendTimestamp,
        withResourceConstantLabels: config.withResourceConstantLabels,
        withoutScopeInfo: config.withoutScopeInfo ?? defaults.withoutScopeInfo,
        withoutTargetInfo: config.withoutTargetInfo ?? defaults.withoutTargetInfo,
      }),
      amend: createPartialCollections(),
      ...(config.onSerialised === undefined ? {} : { onSerialised: config.onSerialised }),
    });
    this.#endpoint = createEndpoint({
      ...listenAddress(config, defaults),
      path: this.#path,
      worker: config.worker === true,
      webConfigFile: config.webConfigFile ? resolve(config.webConfigFile) : undefined,
      detached: config.detached === true,
      age: ageMetric(config),
      say: noticesTo(config.onNotice),
      metrics: (request, response) => this.#serveMetrics(request, response),
      landing: (request, response) => this.#serveLanding(request, response),
    });
    if (config.preventServerStart === true) queueMicrotask(() => tell(callback));
    else {
      this.startServer().then(
        () => tell(callback),
        (error: Error) => {
          diag.error('Prometheus: the server did not start.', error);
          tell(callback, error);
        },
      );
    }
  }

  /** Ours: the port that it listens on; `undefined` while it does not. */
  get port(): number | undefined {
    return this.#endpoint.address()?.port;
  }

  /** Ours: where a browser on this machine finds the landing page, with the slash; `undefined` while not listening. */
  get url(): string | undefined {
    const address = this.#endpoint.address();
    if (address === undefined) return undefined;
    const host = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[address.host] ?? address.host;
    const scheme = address.secure ? 'https' : 'http';
    return `${scheme}://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${address.port}/`;
  }

  /** Ours: the URL that Prometheus scrapes; `undefined` while not listening. */
  get metricsUrl(): string | undefined {
    const url = this.url;
    return url === undefined ? undefined : new URL(this.#path, url).href;
  }

  /**
   * Listens. Rejects with the system's error (`EADDRINUSE`, `EACCES`, …) or with the line of the web configuration that
   * is wrong, and can then be called again.
   */
  startServer(): Promise<void> {
    return this.#endpoint.start();
  }

  /** Stops listening; scrapes under way get a second to end. */
  stopServer(): Promise<void> {
    return this.#endpoint.stop();
  }

  /** Answers a request of another server with the metrics, whatever its path and method. */
  getMetricsRequestHandler(request: IncomingMessage, response: ServerResponse): void {
    guard((asked, answered) => this.#serveMetrics(asked, answered), request, response, fault);
  }

  /** Nothing waits in a reader that is read at each scrape. */
  override async onForceFlush(): Promise<void> {}

  override onShutdown(): Promise<void> {
    return this.stopServer();
  }

  async #serveMetrics(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const asked = negotiate(request.headers);
      await this.#scraper.scrape(asked, timeoutOf(request), (page, signal) => send(response, page, signal));
    } catch (error) {
      if (response.headersSent || response.destroyed) return void response.destroy(); // Half a page is no page.
      const reason = error instanceof Error ? error.message : String(error);
      if (error instanceof ScrapeTimeout) answer(response, 503, reason);
      else answer(response, 500, `Metrics could not be collected: ${reason}`);
    }
  }

  async #serveLanding(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // The first view counts series too; a collection that fails is told by the metrics page, not here.
    if (this.#scraper.latest() === undefined)
      await this.#scraper.scrape(plainText, 1000, async () => {}).catch(() => {});
    const html = renderLanding({
      status: this.#status?.(),
      page: this.#scraper.latest(),
      target: targetOf(request.headers.host, request.socket.localPort),
      path: this.#path,
    });
    response.writeHead(200, {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Length': Buffer.byteLength(html),
      'Content-Security-Policy': contentSecurityPolicy(),
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cache-Control': 'no-store',
    });
    response.end(html);
  }
}

/** A callback of the service that throws must not become its unhandled rejection. */
function tell(callback: (error?: Error) => void, error?: Error): void {
  try {
    callback(error);
  } catch (thrown) {
    diag.error('Prometheus: the callback of the exporter threw.', thrown);
  }
}

/** Bytes given to a socket at once: the system copies them while we wait. */
const chunkBytes = 256 * 1024;

/** Sends a page, and settles when its bytes are no longer needed: sent, or the reader gone. */
async function send(response: ServerResponse, page: Page, signal: AbortSignal): Promise<void> {
  if (response.destroyed) return;
  const closed = new Promise<void>((resolve) => response.once('close', resolve));
  const cut = () => response.destroy();
  signal.addEventListener('abort', cut, { once: true });
  response.writeHead(200, {
    'Content-Type': page.contentType,
    'Content-Length': page.bytes.length,
    ...(page.contentEncoding === 'identity' ? {} : { 'Content-Encoding': page.contentEncoding }),
    Vary: 'Accept, Accept-Encoding',
    'X-Content-Type-Options': 'nosniff',
  });
  for (let at = 0; at < page.bytes.length && !response.destroyed; at += chunkBytes) {
    // No chunk before the reader has taken the one before it.
    const taken = response.write(page.bytes.subarray(at, at + chunkBytes));
    if (!taken) await Promise.race([new Promise((resolve) => response.once('drain', resolve)), closed]);
  }
  response.end();
  await closed;
  signal.removeEventListener('abort', cut);
}

/** The metric of the pages that a Worker serves. */
function ageMetric({ prefix = '', withoutUnitSuffix }: ExporterConfig): { name: string; help: string } {
  const { unit, brief } = catalogue['accelmeter.page.age'];
  const naming = { prefix, unitSuffixes: withoutUnitSuffix !== true };
  return { name: metricName('accelmeter.page.age', unit, 'gauge', naming) as string, help: brief };
}

/** To whoever wants to hear, else to OpenTelemetry's log. */
function noticesTo(hear: ExporterConfig['onNotice']): (sentence: string) => void {
  return (sentence) => {
    try {
      if (hear === undefined) diag.warn(`Prometheus: ${sentence}`);
      else hear(sentence);
    } catch {
      // Theirs.
    }
  };
}

/** When an answer is due, in milliseconds: the scrape's own timeout less what the way back takes. */
function timeoutOf({ headers }: IncomingMessage): number {
  const timeout = scrapeTimeoutOf(headers);
  return timeout - Math.min(500, timeout / 10);
}
