/** A Worker that listens for a service whose event loop is blocked. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { hashSync } from 'bcryptjs';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type ExporterConfig, PrometheusExporter } from '../../../src/exporters/prometheus/exporter.ts';
import { onEveryNode, startNode } from '../../child.ts';
import { ask, pause, serve } from './service.ts';
import { folder } from './web-config/secured.ts';

const ageOf = (page: string) => Number(/^accelmeter_page_age_seconds (\S+)$/m.exec(page)?.[1]);

/** A service that blocks its event loop for so long each time that a line comes in. */
const blocking = (millis: number, options = '') => `
  import { createInterface } from 'node:readline';
  import { MeterProvider } from '@opentelemetry/sdk-metrics';
  import { PrometheusExporter } from './dist/src/exporters/prometheus/exporter.js';
  const exporter = new PrometheusExporter({ port: 0, worker: true, ${options} }, () => console.log('port ' + exporter.port));
  const counter = new MeterProvider({ readers: [exporter] }).getMeter('shop').createCounter('orders');
  counter.add(7);
  process.on('SIGUSR2', () => {
    console.log('blocked');
    const until = performance.now() + ${millis};
    while (performance.now() < until);
    counter.add(1);
    console.log('free');
  });
  setInterval(() => {}, 1000);`;

const scrape = { headers: { 'X-Prometheus-Scrape-Timeout-Seconds': '1' } };

test('a page that it serves tells its age, which is next to nothing while the loop turns', async () => {
  const { meter, get } = await serve({ worker: true });
  meter.createGauge('size').record(1, { k: 'é' });
  const { headers, body } = await get('/metrics');
  expect(body).toMatch(/^size\{k="é",.*\} 1$/m);
  expect(Number(headers['content-length'])).toBe(Buffer.byteLength(body));
  expect(ageOf(body)).toBeLessThan(1);
});

onEveryNode(({ startNode }) => {
  async function start(program: string) {
    const service = startNode(['--input-type=module', '-e', program]);
    const port = Number((await service.said(/^port (\d+)$/m))[1]);
    return { service, get: (path = '/metrics', options = {}) => ask(port, path, { ...scrape, ...options }) };
  }

  test('while the loop is blocked the last page comes, with its age and within the timeout', async () => {
    const { service, get } = await start(blocking(1800));
    expect((await get()).body).toMatch(/^orders_total\{.*\} 7$/m);
    service.kill('SIGUSR2');
    await service.said(/blocked/);
    let last = 0;
    for (let i = 0; i < 3; i++) {
      const begun = performance.now();
      const { status, body } = await get();
      expect(performance.now() - begun).toBeLessThan(1000);
      expect(status).toBe(200);
      expect(body).toMatch(/^orders_total\{.*\} 7$/m);
      expect(ageOf(body)).toBeGreaterThanOrEqual(last);
      last = ageOf(body);
    }
    expect(last).toBeGreaterThan(0.5);
    await service.said(/free/);
    await expect.poll(async () => (await get()).body, { timeout: 5000 }).toMatch(/^orders_total\{.*\} 8$/m);
    expect(ageOf((await get()).body)).toBeLessThan(2); // Asked so often, some pages are shared.
  });
});

describe('a page from before', () => {
  /** Blocked for the whole of the test, after one scrape of each kind that is listed. */
  async function blocked(kinds: readonly string[], options?: string) {
    const service = startNode(['--input-type=module', '-e', blocking(30_000, options)]);
    const port = Number((await service.said(/^port (\d+)$/m))[1]);
    const get = (path: string, headers: Record<string, string> = {}) =>
      ask(port, path, { headers: { ...scrape.headers, ...headers } });
    for (const accept of kinds) await get('/metrics', { accept });
    service.kill('SIGUSR2');
    await service.said(/blocked/);
    return { service, port, get };
  }
  const openMetrics = 'application/openmetrics-text;version=1.0.0;escaping=underscores';
  const protobuf = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';

  test('is one that the scraper can read', async () => {
    const { get } = await blocked([openMetrics, protobuf]);
    const [open, binary, plain] = await Promise.all([
      get('/metrics', { accept: openMetrics }),
      get('/metrics', { accept: protobuf }),
      get('/metrics', { accept: 'text/plain;version=0.0.4' }),
    ]);
    expect(open.headers['content-type']).toMatch(/^application\/openmetrics-text/);
    expect(open.body).toMatch(
      /^# UNIT accelmeter_page_age_seconds seconds\naccelmeter_page_age_seconds \S+\n# EOF\n$/m,
    );
    expect(open.body.match(/# EOF/g)).toHaveLength(1);
    expect(binary.headers['content-type']).toMatch(/^application\/vnd.google.protobuf/);
    expect(binary.body).toContain('accelmeter_page_age_seconds');
    // Nobody had asked for it: the first page was.
    expect(plain.headers['content-type']).toMatch(/^text\/plain; version=0.0.4/);
    expect(ageOf(plain.body)).toBeGreaterThan(0);
  });

  test('is compressed as the scraper asks', async () => {
    const { port } = await blocked(['text/plain'], `prefix: '${'long'.repeat(300)}'`);
    for (const [encoding, decompress] of [
      ['gzip', gunzipSync],
      ['zstd', zstdDecompressSync],
    ] as const) {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`, {
        headers: { ...scrape.headers, 'Accept-Encoding': encoding },
      });
      expect(response.headers.get('content-encoding')).toBe(encoding);
      if (encoding === 'zstd') continue; // Not every Node's fetch reads it.
      expect(await response.text()).toMatch(/page_age_seconds \S+\n$/);
      expect(decompress).toBeDefined();
    }
  });

  test('is none of the landing page, which says why', async () => {
    const { get } = await blocked([]);
    const { status, body } = await get('/');
    expect(status).toBe(503);
    expect(body).toMatch(/^The event loop of the service has not turned for \d+\.\d s\. Its last page .* \/metrics\n$/);
    expect((await get('/healthz')).status).toBe(200);
  });
});

describe('the Worker', () => {
  test('leaves its port at once, also while the loop is not let turn', async () => {
    const { exporter, port } = await serve({ worker: true });
    const stopped = exporter.stopServer();
    const other = connect(port, '127.0.0.1');
    const [error] = await once(other, 'error');
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
    await stopped;
    await exporter.startServer();
    expect(exporter.port).toBeGreaterThan(0);
  });

  test('is not there where the port is taken', async () => {
    const { port } = await serve();
    const exporter = new PrometheusExporter({ port, worker: true, preventServerStart: true });
    await expect(exporter.startServer()).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  test('that is stopped while it starts does not listen', async () => {
    const exporter = new PrometheusExporter({ port: 0, worker: true, preventServerStart: true });
    const started = exporter.startServer();
    await exporter.stopServer();
    await started;
    expect(exporter.port).toBeUndefined();
    await exporter.startServer();
    onTestFinished(() => exporter.stopServer());
    expect((await ask(exporter.port ?? 0, '/healthz')).status).toBe(200);
  });

  test('keeps no process alive and runs none of its preloads; a scrape under way neither', async () => {
    const program = `
      import { get } from 'node:http';
      import { PrometheusExporter } from './dist/src/exporters/prometheus/exporter.js';
      const exporter = new PrometheusExporter({ port: 0, worker: true, metricProducers: [{ collect: () => new Promise(() => {}) }] }, () => {
        get({ port: exporter.port, path: '/metrics' }).on('error', () => {}).on('socket', (socket) => socket.unref());
        setTimeout(() => console.log('done'), 300);
      });
      setTimeout(() => {}, 1500);`;
    const preload = 'data:text/javascript,console.log(1)';
    const service = startNode(['--import', preload, '--input-type=module', '-e', program], {
      NODE_OPTIONS: `--import=${preload}`,
    });
    const { code, stdout, milliseconds } = await service.ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: '1\ndone\n' });
    expect(milliseconds).toBeLessThan(10_000);
  });

  test.each([
    [false, 'started\nstopped\n'],
    [true, ''],
  ])('keeps a process until it has started and ended, unless that is detached: %s', async (detached, stdout) => {
    const program = `
      import { PrometheusExporter } from './dist/src/exporters/prometheus/exporter.js';
      const exporter = new PrometheusExporter({ port: 0, worker: true, preventServerStart: true, detached: ${detached} });
      exporter.startServer().then(() => console.log('started')).then(() => exporter.stopServer()).then(() => console.log('stopped'));`;
    expect(await startNode(['--input-type=module', '-e', program]).ended).toMatchObject({ code: 0, stdout });
  });

  /** Ends the Worker of a service as often, and gives those that were and the one that is the latest. */
  async function endEach(config: ExporterConfig, times: number, apartMillis = 0) {
    const now = performance.now.bind(performance);
    let passed = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now() + passed);
    onTestFinished(() => void vi.restoreAllMocks());
    let latest: Worker | undefined;
    const started = (worker: Worker) => {
      latest = worker;
    };
    process.on('worker', started);
    onTestFinished(() => void process.off('worker', started));
    const { get } = await serve(config);
    const before: unknown[] = [];
    for (let ends = 0; ends < times; ends++) {
      expect(before).not.toContain(latest);
      before.push(latest);
      passed += apartMillis;
      await latest?.terminate();
      const status = () =>
        get('/healthz').then(
          (answer) => answer.status,
          () => undefined,
        );
      await expect.poll(status, { timeout: 8000 }).toBe(config.webConfigFile === undefined ? 200 : 401);
    }
    return { before, latest };
  }

  test('that ends is started again; one that ends each time is done without', async () => {
    const { before, latest } = await endEach({ worker: true }, 3);
    expect(before).toContain(latest); // The service listens itself.
  });

  test('that ends now and then is started again each time', async () => {
    const { before, latest } = await endEach({ worker: true }, 4, 200_000);
    expect(before).not.toContain(latest);
  });

  test('that ends is started again however often, where a web configuration needs it', async () => {
    const webConfigFile = join(folder(), 'web.yml');
    writeFileSync(webConfigFile, `basic_auth_users:\n  alice: ${hashSync('right', 4)}\n`);
    const { before, latest } = await endEach({ webConfigFile }, 4);
    expect(before).not.toContain(latest);
  });

  test('that has ended is not started again where it was stopped meanwhile', async () => {
    const workers: Worker[] = [];
    const started = (worker: Worker) => void workers.push(worker);
    process.on('worker', started);
    onTestFinished(() => void process.off('worker', started));
    const { exporter } = await serve({ worker: true });
    await workers.at(-1)?.terminate();
    await exporter.stopServer();
    await pause(1300);
    expect(workers).toHaveLength(1);
  });

  test('is done without where none may be had', async () => {
    const program = `
      import { PrometheusExporter } from './dist/src/exporters/prometheus/exporter.js';
      const exporter = new PrometheusExporter({ port: 0, worker: true }, async (error) => {
        console.log(error?.message ?? (await fetch(exporter.url + 'healthz')).status);
        process.exit();
      });`;
    const permissions = ['--permission', '--allow-fs-read=*', '--no-warnings'];
    const { stdout } = await startNode([...permissions, '--input-type=module', '-e', program]).ended;
    expect(stdout).toBe('200\n');
  });
});
