/**
 * Label sets and requests of any kind: Prometheus' own parsers take every page, and every request is answered. Some
 * thousands of each in every run; `ACCELMETER_FUZZ=100000` for a hundred thousand.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { Attributes } from '@opentelemetry/api';
import { diag } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { DataPointType, type MetricData, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Distribution } from '../../../src/distribution/distribution.ts';
import { explicitHistogram, exponentialHistogram } from '../../../src/otel/histograms.ts';
import { startPrometheus } from '../../dashboards/prometheus-server.ts';
import { lacks, requirePart } from '../../parts.ts';
import { readPage } from './client-model.ts';
import { formatIn, write } from './pages.ts';
import { serve, speak } from './service.ts';

const wanted = Number(process.env.ACCELMETER_FUZZ ?? 3000);
const seed = Number(process.env.ACCELMETER_FUZZ_SEED ?? Date.now() % 2 ** 31);
const setsAPage = 500;
const minutes = (count: number) => count * 60_000;

const key = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.constantFrom(
    'le',
    'quantile',
    '__name__',
    'job',
    'a.b',
    'a_b',
    'a-b',
    '1',
    '',
    '__proto__',
    'constructor',
    'exported_le',
  ),
);
const value = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.constantFrom('', '\n', '\\', '"', '\\n"', '# EOF', '} 1\n', '\r', '\0', '\u2028', '\ud800'),
  fc.double(),
  fc.boolean(),
  fc.array(fc.string({ unit: 'binary', maxLength: 5 }), { maxLength: 3 }),
);
const labelSet = fc.dictionary(key, value, { maxKeys: 6 });
const metric = fc.record({
  name: fc.oneof(
    key,
    fc.constantFrom('http.server.duration', 'x_total', 'x_info', 'x_bucket', 'x_count', 'x', 'target.info'),
  ),
  unit: fc.oneof(
    fc.constantFrom('', 's', 'By', '1', '%', 'By/s', '{things}', 'm/s'),
    fc.string({ unit: 'binary', maxLength: 5 }),
  ),
  description: fc.string({ unit: 'binary', maxLength: 40 }),
  kind: fc.constantFrom('gauge', 'counter', 'explicit', 'exponential', 'ours'),
  number: fc.oneof(fc.double(), fc.integer(), fc.constantFrom(0, -0, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY)),
});

/** A collection of so many label sets, each in a series of one of these metrics, and each told apart. */
function collectionOf(sets: readonly Attributes[], drawn: readonly MetricDrawn[]): ResourceMetrics {
  const each = Math.ceil(sets.length / drawn.length);
  const metrics = drawn.map((one, i) => metricOf(one, sets.slice(i * each, (i + 1) * each), i * each));
  return {
    resource: resourceFromAttributes({ 'service.name': 'é"\\\n' }),
    scopeMetrics: [{ scope: { name: 'fuzz' }, metrics }],
  };
}

type MetricDrawn = Parameters<Parameters<(typeof metric)['map']>[0]>[0];

function metricOf(
  { name, unit, description, kind, number }: MetricDrawn,
  sets: readonly Attributes[],
  from: number,
): MetricData {
  const points = sets.map((attributes, i) => ({
    attributes: { ...attributes, i: String(from + i) },
    startTime: [1_700_000_000, 0],
    endTime: [1_700_000_060, 5e6],
    value: pointValue(kind, number),
  }));
  const dataPointType = {
    gauge: DataPointType.GAUGE,
    counter: DataPointType.SUM,
    ours: DataPointType.HISTOGRAM,
    explicit: DataPointType.HISTOGRAM,
    exponential: DataPointType.EXPONENTIAL_HISTOGRAM,
  }[kind];
  return {
    descriptor: { name, unit, description, valueType: 1 },
    aggregationTemporality: 1,
    dataPointType,
    isMonotonic: true,
    dataPoints: points,
  } as unknown as MetricData;
}

function pointValue(kind: MetricDrawn['kind'], number: number): unknown {
  if (kind === 'gauge') return number;
  if (kind === 'counter') return Math.abs(number);
  const finite = Number.isFinite(number) ? Math.abs(number) : 1;
  if (kind === 'explicit') {
    const boundaries = [-finite - 1, 0, finite + 1, finite * 2 + 3];
    return { buckets: { boundaries, counts: [0, 1, 2, 0, 1] }, count: 4, ...(number > 5 ? {} : { sum: finite }) };
  }
  const distribution = new Distribution();
  for (const seconds of [0, finite, 1e-6, 0.25, 0.25]) distribution.record(seconds);
  distribution.exemplars.take(0.25, { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }, 1_700_000_050);
  return kind === 'ours' ? explicitHistogram(distribution, 0) : exponentialHistogram(distribution);
}

/** The collections of a run, a page each. */
function* collections(): Generator<ResourceMetrics> {
  for (let done = 0; done < wanted; done += setsAPage) {
    const sets = fc.sample(labelSet, {
      numRuns: Math.min(setsAPage, wanted - done),
      seed: seed + done,
    }) as Attributes[];
    yield collectionOf(sets, fc.sample(metric, { numRuns: 20, seed: seed - done }));
  }
}

const all = { withoutTargetInfo: false, withoutScopeInfo: false, appendTimestamp: true, createdSeries: true };

describe.skipIf(lacks('promtool'))(`label sets of any kind (seed ${seed})`, () => {
  const promtool = (args: string[], input = '') => {
    const { status, stderr } = spawnSync(requirePart('promtool').path, args, { input, encoding: 'utf8' });
    return { status, stderr };
  };
  diag.disable(); // What cannot be written is said once for each, and there are many.

  test(
    'give text that promtool reads',
    () => {
      for (const collected of collections()) {
        const page = write(formatIn('text underscores', all), collected).toString();
        // It also has opinions on names, which are the program's here; then it ends with 3.
        expect(promtool(['check', 'metrics'], page)).toMatchObject({
          status: expect.toSatisfy((code) => code === 0 || code === 3),
        });
      }
    },
    minutes(10),
  );

  test.each(['underscores', 'dots', 'values'] as const)(
    'give OpenMetrics that promtool makes blocks from (%s)',
    (escaping) => {
      const folder = mkdtempSync(join(tmpdir(), 'accelmeter-fuzz-'));
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      const file = join(folder, 'page');
      for (const collected of collections()) {
        const page = write(
          formatIn(`openmetrics ${escaping}`, { ...all, utf8: true, withoutTargetInfo: true }),
          collected,
        ).toString();
        // What the exporter says of itself has no timestamp, and promtool wants one in each line.
        writeFileSync(file, page.replaceAll(/^.*accelmeter\w+export\w+dropped.*\n/gm, ''));
        const made = promtool(['tsdb', 'create-blocks-from', 'openmetrics', file, join(folder, 'data')]);
        expect(made).toEqual({ status: 0, stderr: '' });
        rmSync(join(folder, 'data'), { recursive: true, force: true });
      }
    },
    minutes(10),
  );

  test.each(['underscores', 'allow-utf-8'] as const)(
    'give protobuf that protobufjs reads (%s)',
    (escaping) => {
      for (const collected of collections()) {
        const families = readPage(write(formatIn(`protobuf ${escaping}`, { ...all, utf8: true }), collected));
        for (const { name, metric: metrics } of families) {
          expect(name).not.toBe('');
          for (const { label = [] } of metrics) {
            const names = label.map((each) => each.name);
            expect(new Set(names).size, names.join()).toBe(names.length);
          }
        }
      }
    },
    minutes(10),
  );
});

describe.skipIf(lacks('prometheus3'))(`a server of today (seed ${seed})`, () => {
  test(
    'reads the pages of every format and escaping',
    async () => {
      const layouts = ['text', 'openmetrics', 'protobuf'].flatMap((kind) =>
        ['underscores', 'values', 'allow-utf-8'].map((escaping) => `${kind} ${escaping}` as const),
      ) as Parameters<typeof formatIn>[0][];
      const types = {
        text: 'text/plain; version=1.0.0',
        openmetrics: 'application/openmetrics-text; version=1.0.0',
        protobuf: 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
      };
      const pages = Array.from(collections())
        .slice(0, 3)
        .flatMap((collected) =>
          layouts.map((layout) => ({
            type: types[layout.split(' ')[0] as keyof typeof types],
            page: write(formatIn(layout, { ...all, utf8: true, appendTimestamp: false }), collected),
          })),
        );
      const server = createServer(({ url = '' }, response) => {
        const { type, page } = pages[Number(url.slice(1))] ?? { type: '', page: '' };
        response.writeHead(200, { 'Content-Type': type }).end(page);
      });
      await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
      const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      const targets = pages.map((_, i) => ({
        targets: [address],
        labels: { __metrics_path__: `/${i}`, page: String(i) },
      }));
      const prometheus = await startPrometheus([address], {
        part: 'prometheus3',
        flags: ['--enable-feature=native-histograms,exemplar-storage'],
        job: { static_configs: targets, honor_labels: false, scrape_interval: '2s', scrape_timeout: '2s' },
      });
      onTestFinished(async () => {
        await prometheus.close();
        server.closeAllConnections();
        server.close();
      });
      await vi.waitFor(
        async () => {
          const [samples] = await prometheus.query('count(scrape_samples_scraped)');
          expect(samples?.values).toEqual([pages.length]);
        },
        { timeout: 30_000, interval: 250 },
      );
      const failed = (await prometheus.targets()).filter(({ health }) => health !== 'up');
      expect(failed.map(({ lastError }) => lastError)).toEqual([]);
    },
    minutes(2),
  );
});

const decoders: Record<string, ((body: Buffer) => Buffer) | undefined> = { gzip: gunzipSync, zstd: zstdDecompressSync };

describe(`requests of any kind (seed ${seed})`, () => {
  const token = fc.string({ unit: fc.constantFrom(...'abcdef/;=,.*+-_0123456789 "q'), maxLength: 40 });
  const range = fc.constantFrom(
    'text/plain',
    'text/plain;version=0.0.4',
    'text/plain;version=1.0.0;escaping=allow-utf-8',
    '*/*',
    'text/html',
    'application/openmetrics-text;version=1.0.0',
    'application/openmetrics-text;version=1.0.0;escaping=dots',
    'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited',
  );
  const weighted = fc
    .tuple(range, fc.constantFrom('', ';q=0', ';q=0.5', ';q=1', ';q=x'))
    .map((parts) => parts.join(''));
  const accept = fc.oneof(
    { weight: 3, arbitrary: fc.array(weighted, { maxLength: 5 }).map((all) => all.join(',')) },
    { weight: 1, arbitrary: token },
  );
  const asked = fc.record({
    method: fc.constantFrom('GET', 'GET', 'GET', 'GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS', 'PUT'),
    path: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom('/metrics', '/metrics?x=1', '/metrics#x', '/', '/healthz') },
      { weight: 1, arbitrary: token.map((text) => `/${encodeURI(text)}`) },
    ),
    accept,
    encoding: fc.oneof(fc.constantFrom('', 'gzip', 'zstd', 'gzip;q=0.5,zstd', 'identity;q=0', '*'), token),
    timeout: fc.constantFrom('', '10', '0.001', '-1', 'NaN', '1e9', 'x'),
  });
  type Asked = Parameters<Parameters<(typeof asked)['map']>[0]>[0];

  test(
    'are answered',
    async () => {
      const { port, meter } = await serve({ utf8Names: true });
      const counter = meter.createCounter('hits');
      for (let i = 0; i < 40; i++) counter.add(i, { route: `/${i}` });
      meter.createHistogram('run', { unit: 's' }).record(0.1);
      const agent = new Agent({ keepAlive: true, maxSockets: 16 });
      onTestFinished(() => agent.destroy());
      const statuses = new Map<number, number>();
      const pool = fc.sample(asked, { numRuns: wanted, seed });
      const work = async () => {
        for (let next = pool.pop(); next !== undefined; next = pool.pop()) {
          const status = await answered(port, agent, next);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
        }
      };
      await Promise.all(Array.from({ length: 16 }, work));
      expect(Array.from(statuses.keys()).filter((status) => ![200, 400, 404, 405, 503].includes(status))).toEqual([]);
      expect(statuses.get(200)).toBeGreaterThan(wanted / 4);
    },
    minutes(10),
  );

  test(
    'are answered or the connection is closed, where they are not HTTP',
    async () => {
      const { port, get } = await serve();
      const line = fc.constantFrom(
        'GET /metrics HTTP/1.1\r\n',
        'Host: x\r\n',
        '\r\n',
        'Accept: \0\r\n',
        'Content-Length: -1\r\n',
        'Transfer-Encoding: chunked\r\n',
        'Connection: close\r\n',
      );
      const bytes = fc.oneof(
        fc.array(line, { maxLength: 6 }).map((lines) => lines.join('')),
        fc.string({ unit: 'binary', maxLength: 200 }),
      );
      const count = Math.ceil(wanted / 100);
      for (const each of fc.sample(bytes, { numRuns: count, seed })) {
        // What could still become a request is waited for; its end says that nothing more comes.
        await speak(port, `${each}\0\r\n\r\n`);
      }
      expect((await get('/metrics')).status).toBe(200);
    },
    minutes(10),
  );

  async function answered(
    port: number,
    agent: Agent,
    { method, path, accept: accepted, encoding, timeout }: Asked,
  ): Promise<number> {
    const headers = { accept: accepted, 'accept-encoding': encoding, 'x-prometheus-scrape-timeout-seconds': timeout };
    const answer = await new Promise<{ status: number; type: string; encoding: string; body: Buffer }>(
      (resolve, reject) => {
        const sent = request({ host: '127.0.0.1', port, path, method, agent, headers }, (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              type: response.headers['content-type'] ?? '',
              encoding: response.headers['content-encoding'] ?? 'identity',
              body: Buffer.concat(parts),
            }),
          );
          response.on('error', reject);
        });
        sent.on('error', reject).setTimeout(10_000, () => sent.destroy(new Error('no answer')));
        sent.end();
      },
    );
    if (answer.status === 200 && method === 'GET' && path.startsWith('/metrics')) expectPage(answer);
    return answer.status;
  }

  /** A page is whole, and what its headers say. */
  function expectPage({ type, encoding, body }: { type: string; encoding: string; body: Buffer }): void {
    const page = decoders[encoding]?.(body) ?? body;
    if (type.startsWith('application/vnd.google.protobuf;')) expect(readPage(page)).toHaveLength(3);
    else if (type.startsWith('application/openmetrics-text;')) expect(page.toString()).toMatch(/\n# EOF\n$/);
    else {
      expect(type).toMatch(/^text\/plain; version=(0\.0\.4|1\.0\.0)/);
      expect(page.toString()).toMatch(/hits_total\{.*\} 39\n/);
    }
  }
});
