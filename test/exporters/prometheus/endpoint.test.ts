/** What comes over the wire, on real sockets. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { PrometheusExporter } from '../../../src/exporters/prometheus/exporter.ts';
import { ask, pause, serve, speak } from './service.ts';

test('who connects and says nothing keeps nobody out, and never are more than 256 held', async () => {
  const { port, get } = await serve();
  const held = await Promise.all(
    Array.from({ length: 400 }, async () => {
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      await once(socket, 'connect');
      return socket;
    }),
  );
  onTestFinished(() => held.forEach((socket) => void socket.destroy()));
  expect(await get('/healthz')).toMatchObject({ status: 200 });
  await expect.poll(() => held.filter(({ closed }) => !closed).length).toBeLessThanOrEqual(256);
});

test.each([false, true])(
  'two hundred scrapers that stay connected are all served, with a Worker: %s',
  async (worker) => {
    const { meter, get } = await serve({ worker });
    const counter = meter.createCounter('hits');
    for (let i = 0; i < 500; i++) counter.add(1, { i });
    const agents = Array.from({ length: 200 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    onTestFinished(() => agents.forEach((agent) => void agent.destroy()));
    for (let round = 0; round < 3; round++) {
      const statuses = await Promise.all(agents.map(async (agent) => (await get('/metrics', { agent })).status));
      expect(new Set(statuses)).toEqual(new Set([200]));
    }
  },
);

describe('a request', () => {
  test('for the metrics is answered in text 0.0.4', async () => {
    const { meter, get } = await serve();
    meter.createGauge('size').record(1, { k: 'é' });
    const { status, headers, body } = await get('/metrics');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(Number(headers['content-length'])).toBe(Buffer.byteLength(body));
    expect(body).toContain('\nsize{k="é",otel_scope_name="shop"} 1\n');
  });

  test('may carry a query', async () => {
    const { get } = await serve();
    expect((await get('/metrics?debug=1')).status).toBe(200);
  });

  test('by HEAD gets the headers of the page and no body', async () => {
    const { get } = await serve({ withoutTargetInfo: true });
    const page = await get('/metrics');
    const head = await get('/metrics', { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(head.body).toBe('');
    expect(head.headers['content-length']).toBe(page.headers['content-length']);
    expect(head.headers['content-type']).toBe(page.headers['content-type']);
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('by %s is refused, and told what is allowed', async (method) => {
    const { get } = await serve();
    const { status, headers } = await get('/metrics', { method });
    expect(status).toBe(405);
    expect(headers.allow).toBe('GET, HEAD');
  });

  test('for /healthz is answered ok', async () => {
    const { get } = await serve();
    expect(await get('/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
  });

  test('for an unknown path names the path of the metrics', async () => {
    const { get } = await serve({ endpoint: 'my/metrics' });
    expect(await get('/metrics')).toMatchObject({ status: 404, body: 'Not found. Metrics are at /my/metrics\n' });
    expect((await get('/my/metrics')).status).toBe(200);
  });

  test('for a malformed URL is a bad request', async () => {
    const { get } = await serve();
    expect((await get('http://[/metrics')).status).toBe(400);
  });

  test('for a path of two slashes is for that path, and not for the landing page', async () => {
    const { get } = await serve();
    expect((await get('//metrics')).status).toBe(404);
    expect((await get('//')).status).toBe(404);
  });

  test('by CONNECT is refused, and told what is allowed', async () => {
    const { port, get } = await serve();
    const answer = await speak(port, 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 405 .*\r\nAllow: GET, HEAD\r\n/);
    expect((await get('/healthz')).status).toBe(200);
  });

  test('that is not HTTP is a bad request, and the server goes on', async () => {
    const { port, get } = await serve();
    expect(await speak(port, 'NONSENSE\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect((await get('/healthz')).status).toBe(200);
  });
});

describe('the server', () => {
  test('answers at 127.0.0.1 where the host is localhost, the default', async () => {
    const { exporter, port } = await serve();
    expect(exporter.url).toBe(`http://127.0.0.1:${port}/`);
    expect(exporter.metricsUrl).toBe(`http://127.0.0.1:${port}/metrics`);
    expect((await ask(port, '/healthz', { host: '127.0.0.1' })).status).toBe(200);
  });

  test('has no port and no URL while it does not listen', async () => {
    const exporter = new PrometheusExporter({ preventServerStart: true });
    expect([exporter.port, exporter.url, exporter.metricsUrl]).toEqual([undefined, undefined, undefined]);
    await exporter.stopServer();
  });

  test('rejects with EADDRINUSE on a busy port, tells the callback, and can be started later', async () => {
    const busy = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void busy.close());
    await once(busy, 'listening');
    const { port } = busy.address() as AddressInfo;

    const told = Promise.withResolvers<Error | undefined>();
    const exporter = new PrometheusExporter({ port }, told.resolve);
    onTestFinished(() => exporter.stopServer());
    expect(await told.promise).toMatchObject({ code: 'EADDRINUSE' });
    await expect(exporter.startServer()).rejects.toMatchObject({ code: 'EADDRINUSE' });

    await new Promise((resolve) => busy.close(resolve));
    await exporter.startServer();
    expect(exporter.port).toBe(port);
  });

  test('stops at once with idle connections open, and can be started again', async () => {
    const { exporter, port, get } = await serve();
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    await get('/healthz');
    const begun = performance.now();
    await exporter.stopServer();
    expect(performance.now() - begun).toBeLessThan(900);
    await expect(get('/healthz')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await exporter.startServer();
    expect((await ask(exporter.port ?? 0, '/healthz')).status).toBe(200);
    socket.destroy();
  });

  test('listens after a start that did not wait for the stop before it', async () => {
    const exporter = new PrometheusExporter({ port: 0, preventServerStart: true });
    onTestFinished(() => exporter.stopServer());
    await exporter.startServer();
    const stopped = exporter.stopServer();
    const started = exporter.startServer();
    await Promise.all([stopped, started]);
    expect((await ask(exporter.port ?? 0, '/healthz')).status).toBe(200);
    await Promise.all([exporter.startServer(), exporter.stopServer(), exporter.stopServer()]);
    expect(exporter.port).toBeUndefined();
  });

  test('keeps no process alive, neither by listening nor by an open connection', async () => {
    const script = `
      import { connect } from 'node:net';
      import { PrometheusExporter } from './src/exporters/prometheus/exporter.ts';
      const exporter = new PrometheusExporter({ port: 0 }, () => {
        const socket = connect(exporter.port, '127.0.0.1', () => console.log('connected'));
        socket.unref();
        setTimeout(() => {}, 200);
      });`;
    const root = join(import.meta.dirname, '../../..');
    const begun = performance.now();
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      cwd: root,
      timeout: 15_000,
    });
    expect(stdout).toBe('connected\n');
    expect(performance.now() - begun).toBeLessThan(10_000);
  });
});

describe('a scrape', () => {
  test('that fails is a 500 with the reason', async () => {
    const exporter = new PrometheusExporter({ port: 0, preventServerStart: true });
    await exporter.startServer();
    onTestFinished(() => exporter.stopServer());
    const { status, body } = await ask(exporter.port ?? 0, '/metrics');
    expect(status).toBe(500);
    expect(body).toBe('Metrics could not be collected: MetricReader is not bound to a MetricProducer\n');
  });

  test('shares its collection with those that come meanwhile', async () => {
    const { meter, get } = await serve();
    let collections = 0;
    meter.createObservableGauge('size').addCallback(async (result) => {
      collections++;
      await pause(400);
      result.observe(collections);
    });
    const pages = await Promise.all([get('/metrics'), get('/metrics'), get('/metrics')]);
    expect(collections).toBe(1);
    expect(new Set(pages.map(({ body }) => body)).size).toBe(1);
    await get('/metrics');
    expect(collections).toBe(2);
  });

  test('serves what it has where a part hangs, within the time that Prometheus gives', async () => {
    const { meter, get } = await serve();
    meter.createGauge('fine').record(1);
    meter.createObservableGauge('hanging').addCallback(() => new Promise(() => {}));
    const { status, body } = await get('/metrics', { headers: { 'X-Prometheus-Scrape-Timeout-Seconds': '2' } });
    expect(status).toBe(200);
    expect(body).toContain('fine{');
    expect(body).toMatch(/^accelmeter_source_up\{accelmeter_source="otel_sdk",otel_scope_name="accelmeter",.*\} 0$/m);
  });

  test('gives up with a 503 in time where a producer does not heed its timeout', async () => {
    const { get } = await serve({ metricProducers: [{ collect: () => new Promise(() => {}) }] });
    const { status, body } = await get('/metrics', { headers: { 'X-Prometheus-Scrape-Timeout-Seconds': '0.3' } });
    expect(status).toBe(503);
    expect(body).toBe('Metrics were not collected within 0.27 s.\n');
  });

  test('shows in accelmeter_source_up when a part fails, and when it recovers', async () => {
    const { meter, get } = await serve({ withoutScopeInfo: true });
    let broken = false;
    meter.createObservableGauge('size').addCallback((result) => {
      if (broken) throw new Error('gone');
      result.observe(1);
    });
    const up = async () => /^accelmeter_source_up.*$/m.exec((await get('/metrics')).body)?.[0];
    expect(await up()).toBeUndefined();
    broken = true;
    expect(await up()).toBe('accelmeter_source_up{accelmeter_source="otel_sdk"} 0');
    broken = false;
    expect(await up()).toBe('accelmeter_source_up{accelmeter_source="otel_sdk"} 1');
  });

  test('has one accelmeter_source_up family where a producer has one as well', async () => {
    const { meter, get } = await serve({ withoutScopeInfo: true });
    meter.createGauge('accelmeter.source.up', { unit: '{state}' }).record(1, { 'accelmeter.source': 'opencl' });
    meter.createObservableGauge('size').addCallback(() => {
      throw new Error('gone');
    });
    const { body } = await get('/metrics');
    expect(body.match(/^# TYPE accelmeter_source_up gauge$/gm)).toHaveLength(1);
    expect(body).toContain('accelmeter_source_up{accelmeter_source="opencl"} 1\n');
    expect(body).toContain('accelmeter_source_up{accelmeter_source="otel_sdk"} 0\n');
  });
});

describe('readers that do not read', () => {
  /** Some megabytes, more than the sockets' buffers hold. */
  async function large() {
    const service = await serve();
    const gauge = service.meter.createGauge('size');
    for (let i = 0; i < 1500; i++) gauge.record(i, { k: `${i}-${'x'.repeat(4000)}` });
    return service;
  }

  test('do not disturb those that do; the oldest are cut off, the others get their page when they read', async () => {
    const { port, get } = await large();
    const whole = (await get('/metrics')).body;
    const idle: IncomingMessage[] = [];
    for (let i = 0; i < 7; i++) {
      const asked = request({ host: '127.0.0.1', port, path: '/metrics', agent: false }).end();
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      idle.push(response); // Not read: its bytes stay with the server.
    }
    for (let i = 0; i < 8; i++) expect((await get('/metrics')).body === whole).toBe(true);

    const read = await Promise.allSettled(idle.map(async (response) => (await response.toArray()).join('').length));
    // Four pages may wait: the fifth to seventh reader, and the first that reads, each cost the oldest of them its own.
    expect(read.map(({ status }) => status)).toEqual([...Array(4).fill('rejected'), ...Array(3).fill('fulfilled')]);
  });

  test('and go away in the midst harm nothing', async () => {
    const { port, get } = await large();
    for (let i = 0; i < 10; i++) {
      const socket = connect(port, '127.0.0.1', () => socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'));
      socket.on('error', () => {});
      await once(socket, 'data');
      socket.destroy();
    }
    expect((await get('/metrics')).body).toContain('size{k="1499-');
  });
});
