import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contentTypeOf, negotiate } from '../../../src/exporters/prometheus/negotiate.ts';

const protobuf = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';
const openMetrics = 'application/openmetrics-text;version=1.0.0';

const formatFor = (accept?: string) => negotiate({ accept }).format;

describe('a scraper gets', () => {
  test.each([
    [undefined, 'text-0.0.4'],
    ['', 'text-0.0.4'],
    ['*/*', 'text-0.0.4'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text-0.0.4'],
    ['text/plain', 'text-0.0.4'],
    ['text/plain;version=0.0.4', 'text-0.0.4'],
    ['text/plain; version=1.0.0', 'text-1.0.0'],
    ['text/plain; version=2.0.0', 'text-0.0.4'],
    [openMetrics, 'openmetrics'],
    ['application/openmetrics-text', 'openmetrics'],
    ['application/openmetrics-text;version=0.0.1', 'text-0.0.4'],
    ['application/openmetrics-text;version=0.0.1;q=1,text/plain;version=1.0.0;q=0.1', 'text-1.0.0'],
    [protobuf, 'protobuf'],
    [
      protobuf
        .toUpperCase()
        .replace('IO.PROMETHEUS.CLIENT.METRICFAMILY', 'io.prometheus.client.MetricFamily')
        .replace('DELIMITED', 'delimited'),
      'protobuf',
    ],
    ['application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=text', 'text-0.0.4'],
    ['application/vnd.google.protobuf', 'text-0.0.4'],
    [`${openMetrics};q=0.5,${protobuf};q=0.7`, 'protobuf'],
    [`${openMetrics};q=0.7,${protobuf};q=0.5`, 'openmetrics'],
    [`${openMetrics},${protobuf}`, 'openmetrics'],
    [`${openMetrics};q=0,*/*;q=0.1`, 'text-0.0.4'],
    [`${openMetrics};q=much,text/plain;version=1.0.0;q=0.1`, 'text-1.0.0'],
    [`${openMetrics};q=2,text/plain;version=1.0.0;q=0.1`, 'text-1.0.0'],
    ['garbage;;;=,,,', 'text-0.0.4'],
    [`${'x'.repeat(10_000)},${openMetrics}`, 'text-0.0.4'],
  ])('for Accept: %s the format %s', (accept, format) => {
    expect(formatFor(accept)).toBe(format);
  });

  // As the servers send them.
  test.each([
    [
      '2.42',
      `${openMetrics},application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1`,
      'openmetrics',
      'underscores',
    ],
    [
      '2.42 with native histograms',
      `${protobuf},${openMetrics};q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1`,
      'protobuf',
      'underscores',
    ],
    [
      '3.5',
      `${openMetrics};escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2`,
      'openmetrics',
      'allow-utf-8',
    ],
    [
      '3.5 with native histograms',
      `${protobuf};q=0.6,${openMetrics};escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1`,
      'protobuf',
      'underscores',
    ],
    [
      '3.5 with legacy names',
      `${openMetrics};escaping=underscores;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2`,
      'openmetrics',
      'underscores',
    ],
  ])('of Prometheus %s what it likes best', (_, accept, format, escaping) => {
    expect(negotiate({ accept })).toMatchObject({ format, escaping });
  });

  test.each([
    [undefined, 'identity'],
    ['', 'identity'],
    ['gzip', 'gzip'],
    ['gzip, deflate, br', 'gzip'],
    ['gzip, deflate, br, zstd', 'zstd'],
    ['zstd;q=0.5, gzip', 'gzip'],
    ['gzip;q=0, zstd;q=0', 'identity'],
    ['gzip;q=0.5, identity', 'identity'],
    ['GZIP', 'gzip'],
    ['x-gzip', 'gzip'],
    ['br', 'identity'],
    ['*', 'identity'],
  ])('for Accept-Encoding: %s the encoding %s', (encoding, expected) => {
    expect(negotiate({ 'accept-encoding': encoding }).encoding).toBe(expected);
  });

  test.each(['underscores', 'dots', 'values', 'allow-utf-8'] as const)(
    'the escaping %s, and is told so',
    (escaping) => {
      for (const range of ['text/plain;version=0.0.4', 'text/plain;version=1.0.0', openMetrics, protobuf]) {
        const asked = negotiate({ accept: `${range}; escaping=${escaping}` });
        expect(asked.escaping).toBe(escaping);
        expect(contentTypeOf(asked)).toMatch(new RegExp(`; escaping=${escaping}$`));
      }
    },
  );

  test('underscores where it asks for an escaping that nobody knows', () => {
    const asked = negotiate({ accept: `${openMetrics};escaping=rot13` });
    expect(asked).toMatchObject({ format: 'openmetrics', escaping: 'underscores' });
    expect(contentTypeOf(asked)).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
  });
});

test('any headers are understood as something', () => {
  const header = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc
      .array(fc.constantFrom('text/plain', '*/*', openMetrics, protobuf, ';q=', '0.5', ',', '=', '"', ';', ' '))
      .map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(header, header, (accept, encoding) => {
      const asked = negotiate({ accept, 'accept-encoding': encoding });
      expect(contentTypeOf(asked)).toMatch(/^[a-z]+\/[a-z.-]+; /);
    }),
    { numRuns: 500 },
  );
});
