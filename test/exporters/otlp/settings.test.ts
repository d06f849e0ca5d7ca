import { describe, expect, it } from 'vitest';
import { readLogSettings, readMetricSettings } from '../../../src/exporters/otlp/settings.ts';

function read(environment: Record<string, string>) {
  const warnings: string[] = [];
  const settings = readMetricSettings(environment, (problem) => warnings.push(problem));
  return { settings, warnings };
}

it('with nothing set it is the receiver of this machine, once a minute', () => {
  const { settings, warnings } = read({});
  expect(warnings).toEqual([]);
  expect(settings.url.href).toBe('http://localhost:4318/v1/metrics');
  expect(settings).toMatchObject({
    headers: {},
    gzip: false,
    timeout: 10_000,
    interval: 60_000,
    exportTimeout: 30_000,
  });
  expect(settings.producer).toEqual({ temporality: 'cumulative', histogram: 'explicit' });
});

it('an empty variable is an unset one', () => {
  const names = ['ENDPOINT', 'METRICS_ENDPOINT', 'HEADERS', 'TIMEOUT', 'PROTOCOL', 'COMPRESSION', 'CERTIFICATE'];
  const empty = Object.fromEntries(names.map((name) => [`OTEL_EXPORTER_OTLP_${name}`, ' ']));
  expect(read({ ...empty, OTEL_METRIC_EXPORT_INTERVAL: '' })).toEqual(read({}));
});

it.each([
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }, 'http://collector:4318/v1/metrics'],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c/otlp/' }, 'https://c/otlp/v1/metrics'],
  [{ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://m:1/' }, 'http://m:1/'],
  [{ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://m:1/x', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c' }, 'http://m:1/x'],
])('%o is %s', (environment, url) => {
  expect(read(environment as Record<string, string>).settings.url.href).toBe(url);
});

describe('nothing can be exported', () => {
  it.each([
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'OTLP over grpc is not supported, only http/protobuf is'],
    [
      { OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'http/json' },
      'OTLP over http/json is not supported, only http/protobuf is',
    ],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector' }, 'OTEL_EXPORTER_OTLP_ENDPOINT is not a URL'],
    [{ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'ftp://x' }, 'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT is not a URL of http'],
    [{ OTEL_EXPORTER_OTLP_CERTIFICATE: 'not/there.pem' }, 'OTEL_EXPORTER_OTLP_CERTIFICATE: ENOENT'],
  ])('with %o', (environment, problem) => {
    expect(() => read(environment as Record<string, string>)).toThrow(problem);
  });
});

describe('what is malformed is said, and the default used', () => {
  it.each([
    ['OTEL_METRIC_EXPORT_INTERVAL', 'soon', { interval: 60_000 }],
    ['OTEL_METRIC_EXPORT_TIMEOUT', '-1', { exportTimeout: 30_000 }],
    ['OTEL_EXPORTER_OTLP_TIMEOUT', '0', { timeout: 10_000 }],
    ['OTEL_EXPORTER_OTLP_COMPRESSION', 'zstd', { gzip: false }],
    ['OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE', 'constructor', { producer: { temporality: 'cumulative' } }],
    ['OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION', 'fine', { producer: { histogram: 'explicit' } }],
  ])('%s=%s', (variable, text, expected) => {
    const { settings, warnings } = read({ [variable]: text });
    expect(settings).toMatchObject(expected);
    expect(warnings).toEqual([expect.stringContaining(`${variable}=${text}`)]);
  });

  it.each([['novalue'], ['=x'], ['a=%ZZ'], ['a b=1'], ['a=1%0d%0ab: 2']])(
    'of headers %s, without showing it',
    (text) => {
      const { settings, warnings } = read({ OTEL_EXPORTER_OTLP_HEADERS: `ok=1,${text}` });
      expect(settings.headers).toEqual({ ok: '1' });
      expect(warnings).toEqual(['OTEL_EXPORTER_OTLP_HEADERS has a header that is malformed, it is left out']);
    },
  );
});

it('a header may hold an equals sign', () => {
  expect(read({ OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20YTpi==' }).settings.headers).toEqual({
    authorization: 'Basic YTpi==',
  });
});

describe('of logs', () => {
  const readLogs = (environment: Record<string, string>) => {
    const warnings: string[] = [];
    return { settings: readLogSettings(environment, (problem) => warnings.push(problem)), warnings };
  };

  it('with nothing set it is the receiver of this machine, a second after an event', () => {
    const { settings, warnings } = readLogs({});
    expect(warnings).toEqual([]);
    expect(settings.url.href).toBe('http://localhost:4318/v1/logs');
    expect(settings).toMatchObject({ headers: {}, gzip: false, timeout: 10_000, delay: 1000, exportTimeout: 30_000 });
  });

  it('their own variables go before the common ones, and those of metrics do not count', () => {
    const { settings } = readLogs({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c',
      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'http://loki:3100/otlp/v1/logs',
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'ftp://x',
      OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=1',
      OTEL_EXPORTER_OTLP_LOGS_HEADERS: 'b=2',
      OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'c=3',
      OTEL_EXPORTER_OTLP_TIMEOUT: '1',
      OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: '700',
      OTEL_EXPORTER_OTLP_LOGS_COMPRESSION: 'gzip',
      OTEL_BLRP_SCHEDULE_DELAY: '250',
      OTEL_BLRP_EXPORT_TIMEOUT: '5000',
    });
    expect(settings.url.href).toBe('http://loki:3100/otlp/v1/logs');
    expect(settings).toMatchObject({ headers: { a: '1', b: '2' }, gzip: true, timeout: 700, delay: 250 });
    expect(settings.exportTimeout).toBe(5000);
  });

  it('over grpc nothing can be exported, also where metrics are', () => {
    const environment = { OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: 'grpc' };
    expect(() => readLogs(environment)).toThrow('OTLP over grpc is not supported');
    expect(() => read(environment)).not.toThrow();
  });
});
