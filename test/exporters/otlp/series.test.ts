/** A service that is scraped here and pushed there gets the same series in Prometheus, for every metric there is. */
import { ValueType } from '@opentelemetry/api';
import {
  AggregationTemporality,
  DataPointType,
  MeterProvider,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { catalogue } from '../../../src/catalogue.ts';
import { encodeMetrics } from '../../../src/exporters/otlp/encode-metrics.ts';
import { registerInto } from '../../../src/exporters/prom-client/bridge.ts';
import { PrometheusExporter } from '../../../src/exporters/prometheus/exporter.ts';
import { processResource } from '../../../src/otel/resource.ts';
import { clients } from '../prom-client/clients.ts';
import { type ReadFamily, readPage } from '../prometheus/client-model.ts';
import { wholeCatalogue } from '../whole-catalogue.ts';
import { decodeRequest, metricsOf, type OtlpMetric, type OtlpPoint } from './receiver.ts';

/**
 * The rules of the specification ("Prometheus and OpenMetrics Compatibility"), written down once more and plainly, so
 * that two readings of them stand against each other.
 */
function translate({ name, unit, gauge, sum, histogram }: OtlpMetric): string[] {
  const units: Record<string, string> = {
    ...{ s: 'seconds', By: 'bytes', 'By/s': 'bytes_per_second', '': '' },
    ...{ Cel: 'celsius', W: 'watts', J: 'joules', Hz: 'hertz', V: 'volts', A: 'amperes', '%': 'percent' },
  };
  let family = name.replace(/[^a-zA-Z0-9]+/g, '_');
  const suffix = /^\{.*\}$/.test(unit) || unit === '1' ? '' : units[unit];
  if (suffix === undefined) throw new Error(`what is ${unit} in Prometheus?`);
  if (suffix !== '' && !family.endsWith(`_${suffix}`)) family += `_${suffix}`;
  if (sum?.isMonotonic) family += '_total';
  if (gauge && unit === '1' && !family.endsWith('_ratio')) family += '_ratio';
  const points = (gauge ?? sum ?? histogram)?.dataPoints ?? [];
  return points.flatMap((point) => {
    const labels = labelsOf(point);
    if (!histogram) return [series(family, labels)];
    const bounds = [...(point.explicitBounds ?? []), Number.POSITIVE_INFINITY];
    const buckets = bounds.map((le) => series(`${family}_bucket`, { ...labels, le: String(le) }));
    return [...buckets, series(`${family}_count`, labels), series(`${family}_sum`, labels)];
  });
}

const labelsOf = ({ attributes = [] }: OtlpPoint) =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [key.replace(/[^a-zA-Z0-9]+/g, '_'), String(value.stringValue)]),
  );

const series = (name: string, labels: Record<string, string>) =>
  `${name}${JSON.stringify(Object.entries(labels).sort())}`;

/** The series of a page; boundaries as numbers, which different writers write differently. */
function seriesOf(page: string): string[] {
  return page
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('target_info'))
    .map((line) => {
      const [, name = '', text = ''] = /^([^{ ]+)(?:\{(.*)\})? /.exec(line) ?? [];
      const labels = Object.fromEntries(
        [...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, value]),
      );
      if (labels.le !== undefined) labels.le = String(Number(labels.le.replace('+Inf', 'Infinity')));
      return series(name, labels);
    });
}

const formats = ['text/plain;version=0.0.4', 'text/plain;version=1.0.0', 'application/openmetrics-text;version=1.0.0'];

const protobuf = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';

/** As a server stores them: the bucket of +Inf is the count, and need not be told. */
function seriesOfFamilies(families: readonly ReadFamily[]): string[] {
  const of = ({ name, metric }: ReadFamily) =>
    metric.flatMap(({ label = [], histogram }) => {
      const labels = Object.fromEntries(label.map((each) => [each.name, each.value]));
      if (histogram === undefined) return [series(name, labels)];
      const bounds = (histogram.bucket ?? []).map(({ upperBound }) => upperBound).filter(Number.isFinite);
      const buckets = [...bounds, Number.POSITIVE_INFINITY].map((le) =>
        series(`${name}_bucket`, { ...labels, le: String(le) }),
      );
      return [...buckets, series(`${name}_count`, labels), series(`${name}_sum`, labels)];
    });
  return families.filter(({ name }) => name !== 'target_info').flatMap(of);
}

/** The page that an exporter has of a producer. */
async function bytesOf(producer: MetricProducer, format: string): Promise<Buffer> {
  const exporter = new PrometheusExporter({
    ...{ host: '127.0.0.1', port: 0, preventServerStart: true, withoutScopeInfo: true },
    metricProducers: [producer],
  });
  new MeterProvider({ readers: [exporter] });
  await exporter.startServer();
  onTestFinished(() => exporter.shutdown());
  const response = await fetch(`${exporter.url}metrics`, { headers: { Accept: format } });
  expect(response.headers.get('content-type')?.replaceAll(' ', '')).toContain(format);
  return Buffer.from(await response.arrayBuffer());
}

const pageOf = async (producer: MetricProducer, format: string) => (await bytesOf(producer, format)).toString();

async function pushed(producer: MetricProducer): Promise<OtlpMetric[]> {
  const { resourceMetrics } = await producer.collect();
  return metricsOf(decodeRequest(encodeMetrics(resourceMetrics)));
}

it.each(formats)('every metric of the catalogue, scraped as %s and pushed, is the same series', async (format) => {
  const scraped = seriesOf(await pageOf(wholeCatalogue, format));
  const translated = (await pushed(wholeCatalogue)).flatMap(translate);
  expect(scraped.length).toBeGreaterThan(Object.keys(catalogue).length);
  expect(scraped.toSorted()).toEqual(translated.toSorted());
});

it('in protobuf too', async () => {
  const scraped = seriesOfFamilies(readPage(await bytesOf(wholeCatalogue, protobuf)));
  const translated = (await pushed(wholeCatalogue)).flatMap(translate);
  expect(scraped.toSorted()).toEqual(translated.toSorted());
});

it.each(clients)('on a page of %s too', async (_, client) => {
  const registry = new client.Registry();
  registerInto(registry, { metricProducer: () => wholeCatalogue });
  const translated = (await pushed(wholeCatalogue)).flatMap(translate);
  expect(seriesOf(await registry.metrics()).toSorted()).toEqual(translated.toSorted());
});

it('a boundary is the same number on both paths, however it is written', async () => {
  const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
  const anything = fc.uniqueArray(finite, { minLength: 1, maxLength: 20 });
  const written = [Number.MIN_VALUE, 9.5367431640625e-7, 9.5e-7, 0.1, 1, 1e15, 1e21, 1.5e300, Number.MAX_VALUE];
  await fc.assert(
    fc.asyncProperty(anything, async (given) => {
      const boundaries = [...new Set([...given, ...written].map((bound) => bound + 0))].sort((a, b) => a - b);
      const producer = oneHistogram(boundaries);
      const [metric] = await pushed(producer);
      for (const format of formats) {
        const onThePage = (await pageOf(producer, format)).matchAll(/_bucket\{.*le="([^"]*)"/g);
        const scraped = Array.from(onThePage, ([, le = '']) => Number(le.replace('Inf', 'Infinity')));
        expect(scraped.slice(0, -1)).toEqual(metric?.histogram?.dataPoints[0]?.explicitBounds);
        expect(scraped.at(-1)).toBe(Number.POSITIVE_INFINITY);
      }
    }),
    { numRuns: 20 },
  );
});

/** One observation above all boundaries. */
function oneHistogram(boundaries: number[]): MetricProducer {
  const counts = [...boundaries.map(() => 0), 1];
  const metric: MetricData = {
    descriptor: { name: 'wait', unit: 's', description: '', valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.HISTOGRAM,
    dataPoints: [
      {
        startTime: [1, 0],
        endTime: [2, 0],
        attributes: {},
        value: { buckets: { boundaries, counts }, count: 1, sum: 3 },
      },
    ],
  };
  const resource = processResource({});
  const scopeMetrics = [{ scope: { name: 'test' }, metrics: [metric] }];
  return { collect: async () => ({ resourceMetrics: { resource, scopeMetrics }, errors: [] }) };
}
