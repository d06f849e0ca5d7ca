/** A service that is scraped here and pushed there gets the same series in Prometheus, for every metric there is. */
import { type Attributes, ValueType } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import { expect, it, onTestFinished } from 'vitest';
import { catalogue, deviceAttributes, type Metric } from '../../../src/catalogue.ts';
import { Distribution } from '../../../src/distribution/distribution.ts';
import { encodeMetrics } from '../../../src/exporters/otlp/encode-metrics.ts';
import { PrometheusExporter } from '../../../src/exporters/prometheus/exporter.ts';
import { explicitHistogram } from '../../../src/otel/histograms.ts';
import { processResource } from '../../../src/otel/resource.ts';
import { decodeRequest, metricsOf, type OtlpMetric, type OtlpPoint } from './receiver.ts';

/** One point of every metric of the catalogue, with every attribute that it can have. */
const producer: MetricProducer = {
  async collect() {
    const metrics = Object.entries<Metric>(catalogue).map(([name, metric]) => dataOf(name, metric));
    const resource = processResource({});
    return { resourceMetrics: { resource, scopeMetrics: [{ scope: { name: 'accelmeter' }, metrics }] }, errors: [] };
  },
};

function dataOf(name: string, metric: Metric): MetricData {
  const about = metric.about === 'device' ? deviceAttributes : [];
  const names = [...about, ...metric.attributes, ...(metric.optional ?? [])];
  const attributes: Attributes = Object.fromEntries(names.map((attribute) => [attribute, `a ${attribute}`]));
  const common = {
    descriptor: { name, unit: metric.unit, description: metric.brief, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  const point = <T>(value: T): DataPoint<T>[] => [{ startTime: [1, 0], endTime: [2, 0], attributes, value }];
  if (metric.instrument === 'histogram') {
    const distribution = new Distribution();
    distribution.record(0.001);
    return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints: point(explicitHistogram(distribution, 0)) };
  }
  if (metric.instrument === 'gauge') return { ...common, dataPointType: DataPointType.GAUGE, dataPoints: point(0.5) };
  const isMonotonic = metric.instrument === 'counter';
  return { ...common, dataPointType: DataPointType.SUM, isMonotonic, dataPoints: point(3) };
}

/**
 * The rules of the specification ("Prometheus and OpenMetrics Compatibility"), written down once more and plainly, so
 * that two readings of them stand against each other.
 */
function translate({ name, unit, gauge, sum, histogram }: OtlpMetric): string[] {
  const units: Record<string, string> = { s: 'seconds', By: 'bytes', 'By/s': 'bytes_per_second', '': '' };
  let family = name.replace(/[^a-zA-Z0-9]+/g, '_');
  const suffix = /^\{.*\}$/.test(unit) || unit === '1' ? '' : units[unit];
  if (suffix === undefined) throw new Error(`what is ${unit} in Prometheus?`);
  if (suffix !== '' && !family.endsWith(`_${suffix}`)) family += `_${suffix}`;
  if (sum?.isMonotonic) family += '_total';
  if (gauge && unit === '1') family += '_ratio';
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

it('every metric of the catalogue, scraped and pushed, is the same series', async () => {
  const exporter = new PrometheusExporter({
    host: '127.0.0.1',
    port: 0,
    preventServerStart: true,
    withoutScopeInfo: true,
  });
  exporter.setMetricProducer(producer);
  await exporter.startServer();
  onTestFinished(() => exporter.shutdown());
  const scraped = seriesOf(await (await fetch(`${exporter.url}metrics`)).text());
  const { resourceMetrics } = await producer.collect();
  const pushed = metricsOf(decodeRequest(encodeMetrics(resourceMetrics))).flatMap(translate);
  expect(scraped.length).toBeGreaterThan(Object.keys(catalogue).length);
  expect(scraped.toSorted()).toEqual(pushed.toSorted());
});
