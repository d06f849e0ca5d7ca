/**
 * Real Prometheus servers, the oldest and the newest that are supported, take the pages of each format: the same numbers
 * from all, quantiles from native histograms, exemplars, and names with all their characters.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { trace } from '@opentelemetry/api';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { sketchError } from '../../../src/distribution/sketch.ts';
import { PrometheusExporter } from '../../../src/exporters/prometheus/exporter.ts';
import { createProfiler, type Profiler } from '../../../src/index.ts';
import { type PrometheusServer, startPrometheus } from '../../dashboards/prometheus-server.ts';
import { lacks } from '../../parts.ts';

/** What a scraper says that wants this format and no other, by the path that stands for it. */
const formats = {
  '/text': 'text/plain;version=0.0.4',
  '/text-utf-8': 'text/plain;version=1.0.0;escaping=allow-utf-8',
  '/openmetrics': 'application/openmetrics-text;version=1.0.0',
  '/openmetrics-utf-8': 'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8',
  '/protobuf': 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited',
} as const;
type Path = keyof typeof formats;

const kernels = ['matmul', 'softmax'];
/** Of each kernel, log-normal about a millisecond, by a generator that is the same in every run. */
const durations = logNormal(20_000);

function logNormal(count: number): number[] {
  let state = 42;
  const uniform = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  return Array.from(
    { length: count },
    () => 0.001 * Math.exp(0.8 * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())),
  );
}

let profiler: Profiler;
let exporter: PrometheusExporter;
let traceId = '';
let address = '';
const ending: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  const sdk = new NodeSDK({ autoDetectResources: false, metricReaders: [], logRecordProcessors: [] });
  sdk.start();
  ending.push(() => sdk.shutdown());
  profiler = await createProfiler({ backends: ['cpu'] });
  ending.push(() => profiler.close());
  exporter = new PrometheusExporter({
    preventServerStart: true,
    metricProducers: [profiler.metricProducer()],
    utf8Names: true,
    withoutScopeInfo: true,
  });
  const meter = new MeterProvider({ readers: [exporter] }).getMeter('service');
  meter.createCounter('http.server.requests').add(42, { 'http.route': '/é "x"', plain: 'a' });
  const device = profiler.devices[0];
  trace.getTracer('test').startActiveSpan('request', (span) => {
    traceId = span.spanContext().traceId;
    for (const name of kernels) for (const duration of durations) device?.kernel(name).record(duration);
    span.end();
  });
  // What each target gets is decided by its path, so that one server can scrape all formats.
  const server = createServer((request, response) => {
    request.headers.accept = formats[request.url as Path] ?? request.headers.accept ?? '';
    exporter.getMetricsRequestHandler(request, response);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  ending.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
}, 60_000);

afterAll(async () => {
  for (const end of ending.reverse()) await end();
});

const servers = [
  { version: '2.42', part: 'prometheus', lineFormats: ['/text', '/openmetrics'] },
  {
    version: '3.5',
    part: 'prometheus3',
    lineFormats: ['/text', '/openmetrics', '/text-utf-8', '/openmetrics-utf-8'],
  },
] as const;

describe.each(servers)('Prometheus $version', ({ part, lineFormats }) => {
  const paths = [...lineFormats, '/protobuf', '/as-it-asks'];
  describe.skipIf(lacks(part))('takes every format', () => {
    let prometheus: PrometheusServer;
    /** The one value of an expression. */
    const value = async (expression: string) => (await prometheus.query(expression))[0]?.values[0];

    beforeAll(async () => {
      const targets = paths.map((path) => ({ targets: [address], labels: { __metrics_path__: path, format: path } }));
      prometheus = await startPrometheus([address], {
        part,
        flags: ['--enable-feature=native-histograms,exemplar-storage'],
        job: { static_configs: targets, scrape_interval: '500ms', scrape_timeout: '500ms' },
      });
      await vi.waitFor(async () => expect(await value('count(up == 1)')).toBe(paths.length), {
        timeout: 20_000,
        interval: 200,
      });
    }, 60_000);
    afterAll(() => prometheus?.close());

    test('without an error', async () => {
      for (const { health, lastError } of await prometheus.targets()) expect([health, lastError]).toEqual(['up', '']);
    });

    test('with the same numbers', async () => {
      for (const path of lineFormats) {
        const of = `{accelmeter_kernel_name="matmul",format="${path}"}`;
        const named = path.endsWith('-utf-8') ? inUtf8 : plainly;
        expect(await value(named('accelmeter.kernel.duration_seconds_count', of))).toBe(durations.length);
        expect(await value(named('accelmeter.kernel.duration_seconds_bucket', of, 'le="+Inf"'))).toBe(durations.length);
      }
    });

    test('with native histograms, of which the quantiles are within the bound of the sketch', async () => {
      const sorted = durations.toSorted((a, b) => a - b);
      const of = '{accelmeter_kernel_name="matmul",format="/protobuf"}';
      const histogram = plainly('accelmeter.kernel.duration_seconds', of);
      expect(await value(`histogram_count(${histogram})`)).toBe(durations.length);
      for (const q of [0.1, 0.5, 0.9, 0.95, 0.99]) {
        const exact = sorted[Math.ceil(q * sorted.length) - 1] ?? Number.NaN;
        const answer = (await value(`histogram_quantile(${q}, ${histogram})`)) ?? Number.NaN;
        expect(Math.abs(answer / exact - 1), `quantile ${q}`).toBeLessThan(sketchError);
      }
      expect(await value(`histogram_sum(${histogram})`)).toBeCloseTo(
        durations.reduce((a, b) => a + b, 0),
        9,
      );
    });

    test('with native histograms where it chooses itself', async () => {
      const of = '{accelmeter_kernel_name="softmax",format="/as-it-asks"}';
      expect(await value(`histogram_count(${plainly('accelmeter.kernel.duration_seconds', of)})`)).toBe(
        durations.length,
      );
    });

    test('with exemplars', async () => {
      const ask = async (query: string) => {
        const now = Date.now() / 1000;
        const range = new URLSearchParams({ query, start: String(now - 60), end: String(now + 1) });
        const answer = await fetch(`${prometheus.url}/api/v1/query_exemplars?${range}`);
        return ((await answer.json()) as { data: { exemplars: { labels: Record<string, string>; value: string }[] }[] })
          .data;
      };
      const protobuf = await ask('accelmeter_kernel_duration_seconds{format="/protobuf"}');
      const text = await ask('accelmeter_kernel_duration_seconds_bucket{format="/openmetrics"}');
      for (const found of [protobuf, text]) {
        const exemplars = found.flatMap(({ exemplars: each }) => each);
        expect(exemplars.length).toBeGreaterThan(0);
        for (const { labels, value: duration } of exemplars) {
          expect(labels).toEqual({ trace_id: traceId, span_id: expect.stringMatching(/^[0-9a-f]{16}$/) });
          expect(durations).toContain(Number(duration));
        }
      }
    });

    if (part === 'prometheus3') {
      test('with names and labels that keep all their characters, where it takes them', async () => {
        for (const path of ['/openmetrics-utf-8', '/text-utf-8']) {
          const [series] = await prometheus.query(`{"http.server.requests_total", format="${path}"}`);
          expect(series?.values).toEqual([42]);
          expect(series?.labels).toMatchObject({ 'http.route': '/é "x"', plain: 'a' });
        }
      });
    }

    test('with names that are escaped, where it does not ask for more', async () => {
      for (const path of ['/text', '/openmetrics', '/protobuf']) {
        const [series] = await prometheus.query(`http_server_requests_total{format="${path}"}`);
        expect(series?.values).toEqual([42]);
        expect(series?.labels).toMatchObject({ http_route: '/é "x"', plain: 'a' });
      }
    });
  });
});

/** A selector of a metric whose name was escaped on the way. */
function plainly(name: string, of: string, further = ''): string {
  return `${name.replaceAll('.', '_')}${further === '' ? of : of.replace('}', `,${further}}`)}`;
}

/** The same of one that was not; its labels were not either. */
function inUtf8(name: string, of: string, further = ''): string {
  const labels = plainly('', of, further).slice(1, -1).replace('accelmeter_kernel_name', '"accelmeter.kernel.name"');
  return `{"${name}",${labels}}`;
}
