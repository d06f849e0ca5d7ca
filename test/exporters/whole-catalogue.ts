/** Every metric that there is, as a reader collects it. */
import { type Attributes, ValueType } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import { catalogue, deviceAttributes, type Metric } from '../../src/catalogue.ts';
import { Distribution } from '../../src/distribution/distribution.ts';
import { explicitHistogram } from '../../src/otel/histograms.ts';
import { processResource } from '../../src/otel/resource.ts';

/** One point of every metric of the catalogue, with every attribute that it can have. */
export const wholeCatalogue: MetricProducer = {
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
