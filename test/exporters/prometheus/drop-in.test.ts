/** `@opentelemetry/exporter-prometheus` is the oracle: what it accepts we accept, and what it says we say. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { diag } from '@opentelemetry/api';
import {
  type ExporterConfig as OfficialConfig,
  PrometheusExporter as OfficialExporter,
} from '@opentelemetry/exporter-prometheus';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, type MetricReader } from '@opentelemetry/sdk-metrics';
import { describe, expect, expectTypeOf, onTestFinished, test, vi } from 'vitest';
import { type ExporterConfig, PrometheusExporter } from '../../../src/exporters/prometheus/exporter.ts';
import { listenAddress } from '../../../src/exporters/prometheus/listen-address.ts';
import { ask } from './service.ts';
import { TestReader } from './test-reader.ts';

describe('the types of the official exporter', () => {
  test('are accepted: its options, its callback, its methods', () => {
    expectTypeOf<OfficialConfig>().toExtend<ExporterConfig>();
    expectTypeOf<ConstructorParameters<typeof OfficialExporter>>().toExtend<
      ConstructorParameters<typeof PrometheusExporter>
    >();
    expectTypeOf<PrometheusExporter>().toExtend<
      Pick<OfficialExporter, Exclude<keyof OfficialExporter, keyof MetricReader>> & MetricReader
    >();
    expectTypeOf<typeof PrometheusExporter.DEFAULT_OPTIONS>().toEqualTypeOf<typeof OfficialExporter.DEFAULT_OPTIONS>();
  });

  test('have no option that we lack', () => {
    expectTypeOf<Exclude<keyof OfficialConfig, keyof ExporterConfig>>().toEqualTypeOf<never>();
  });
});

test('the defaults are the same', () => {
  expect(PrometheusExporter.DEFAULT_OPTIONS).toEqual(OfficialExporter.DEFAULT_OPTIONS);
});

describe('where it listens', () => {
  const started = async (config: ExporterConfig) => {
    const exporter = new PrometheusExporter({ preventServerStart: true, ...config });
    onTestFinished(() => exporter.stopServer());
    await exporter.startServer();
    return exporter;
  };
  const set = (name: 'HOST' | 'PORT', value: string) => {
    vi.stubEnv(`OTEL_EXPORTER_PROMETHEUS_${name}`, value);
    onTestFinished(() => void vi.unstubAllEnvs());
  };

  test('is what the environment says, as with the official exporter 2.x', async () => {
    const free = (await started({ port: 0 })).port ?? 0;
    set('HOST', '127.0.0.3');
    set('PORT', String(free));
    expect((await started({})).url).toBe(`http://127.0.0.3:${free}/`);
  });

  test('is what the code says, where that says anything', async () => {
    set('HOST', '127.0.0.3');
    set('PORT', '1');
    expect((await started({ host: '127.0.0.4', port: 0 })).url).toMatch(/^http:\/\/127\.0\.0\.4:\d{4,5}\/$/);
  });

  test.each([
    ['', []],
    ['70000', ['Prometheus: OTEL_EXPORTER_PROMETHEUS_PORT=70000 is no port.']],
    ['http', ['Prometheus: OTEL_EXPORTER_PROMETHEUS_PORT=http is no port.']],
  ])('is the default where the port is %j', (value, expected) => {
    const warn = vi.spyOn(diag, 'warn');
    onTestFinished(() => warn.mockRestore());
    const { host, port } = PrometheusExporter.DEFAULT_OPTIONS;
    expect(listenAddress({}, { host, port }, { OTEL_EXPORTER_PROMETHEUS_PORT: value })).toEqual({ host, port });
    expect(warn.mock.calls.flat()).toEqual(expected);
  });
});

/** The page of an exporter through its request handler, behind a server of the service's own. */
async function pageOf(
  create: (config: OfficialConfig) => OfficialExporter | PrometheusExporter,
  config: OfficialConfig,
): Promise<string> {
  const exporter = create({ preventServerStart: true, ...config });
  const resource = resourceFromAttributes({ 'service.name': 'shop', 'k8s.pod': 'p1' });
  // The official exporter brings an SDK of its own minor version; its reader is structurally ours.
  const meters = new MeterProvider({ resource, readers: [exporter as unknown as PrometheusExporter] });
  const meter = meters.getMeter('shop', '1.0');
  meter.createCounter('requests', { description: 'Requests.' }).add(3, { route: '/a' });
  meter.createGauge('2xx').record(0.5);
  meter.createHistogram('size', { advice: { explicitBucketBoundaries: [1, 5] } }).record(4, { route: '"\\\n' });

  const server = createServer((request, response) => exporter.getMetricsRequestHandler(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (await ask((server.address() as AddressInfo).port, '/anywhere')).body;
}

/** Samples as a set: order of lines, order of labels, and the time of collection are the exporter's own affair. */
function samples(page: string): string[] {
  return page
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.replace(/ \d{13}$/, ' TIME'))
    .map((line) =>
      line.replace(
        /\{(.*)\}/,
        (_, labels: string) =>
          `{${labels
            .split(/,(?=[a-z0-9_]+=)/)
            .sort()
            .join()}}`,
      ),
    )
    .sort();
}

test.each<[string, OfficialConfig]>([
  ['no option', {}],
  ['prefix', { prefix: 'app' }],
  ['appendTimestamp', { appendTimestamp: true, withoutTargetInfo: true }],
  ['withResourceConstantLabels', { withResourceConstantLabels: /^k8s/ }],
  ['withoutScopeInfo', { withoutScopeInfo: true }],
  ['withoutTargetInfo', { withoutTargetInfo: true }],
  ['metricProducers', { metricProducers: [producerOfOne()] }],
])('with %s both give the same samples', async (_, config) => {
  const official = samples(await pageOf((options) => new OfficialExporter(options), config));
  const ours = samples(await pageOf((options) => new PrometheusExporter(options), config));
  expect(ours.length).toBeGreaterThan(6);
  expect(ours).toEqual(official);
});

test('endpoint, host and port are where it listens, and the callback is told', async () => {
  const told = Promise.withResolvers<Error | undefined>();
  const exporter = new PrometheusExporter({ endpoint: 'm', host: '127.0.0.1', port: 0 }, told.resolve);
  onTestFinished(() => exporter.shutdown());
  new MeterProvider({ readers: [exporter] });
  expect(await told.promise).toBeUndefined();
  expect((await ask(exporter.port ?? 0, '/m')).status).toBe(200);
});

test('preventServerStart calls back without listening', async () => {
  const told = Promise.withResolvers<Error | undefined>();
  const exporter = new PrometheusExporter({ preventServerStart: true }, told.resolve);
  expect(await told.promise).toBeUndefined();
  expect(exporter.port).toBeUndefined();
});

test('a callback that throws is not the end of the service', async () => {
  const exporter = new PrometheusExporter({ port: 0 }, () => {
    throw new Error('mine');
  });
  onTestFinished(() => exporter.stopServer());
  await exporter.startServer();
  await new Promise((resolve) => setImmediate(resolve));
  expect(exporter.port).toBeGreaterThan(0);
});

test('forceFlush does nothing, shutdown stops the server, and a second start of either is harmless', async () => {
  const exporter = new PrometheusExporter({ port: 0, preventServerStart: true });
  const meters = new MeterProvider({ readers: [exporter] });
  await Promise.all([exporter.startServer(), exporter.startServer()]);
  const port = exporter.port ?? 0;
  await meters.forceFlush();
  await meters.shutdown();
  await expect(ask(port, '/metrics')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await exporter.stopServer();
});

function producerOfOne() {
  const reader = new TestReader();
  new MeterProvider({ readers: [reader] }).getMeter('producer').createCounter('produced').add(7);
  return { collect: () => reader.collect() };
}
