/**
 * What a MetricProducer collected as an OTLP request in protobuf. Field numbers are those of opentelemetry-proto 1.9
 * (https://github.com/open-telemetry/opentelemetry-proto), `opentelemetry/proto/metrics/v1/metrics.proto`.
 */
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type ExponentialHistogram,
  type Histogram,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { nanoseconds, writeAttributes, writeScope } from './attributes.ts';
import { ProtobufWriter } from './protobuf.ts';

/** ExportMetricsServiceRequest. */
export function encodeMetrics({ resource, scopeMetrics }: ResourceMetrics): Buffer {
  const out = new ProtobufWriter();
  out.message(1, () => {
    out.message(1, () => writeAttributes(out, 1, resource.attributes));
    for (const { scope, metrics } of scopeMetrics) {
      out.message(2, () => {
        out.message(1, () => writeScope(out, scope));
        for (const metric of metrics) out.message(2, () => writeMetric(out, metric));
      });
    }
  });
  return out.finish();
}

function writeMetric(out: ProtobufWriter, metric: MetricData): void {
  const { name, description, unit } = metric.descriptor;
  out.string(1, name);
  out.string(2, description);
  out.string(3, unit);
  const temporality = metric.aggregationTemporality === AggregationTemporality.DELTA ? 1 : 2;
  switch (metric.dataPointType) {
    case DataPointType.GAUGE:
      out.message(5, () => {
        for (const point of metric.dataPoints) out.message(1, () => writeNumber(out, point));
      });
      break;
    case DataPointType.SUM:
      out.message(7, () => {
        for (const point of metric.dataPoints) out.message(1, () => writeNumber(out, point));
        out.varint(2, temporality);
        out.varint(3, metric.isMonotonic ? 1 : 0);
      });
      break;
    case DataPointType.HISTOGRAM:
      out.message(9, () => {
        for (const point of metric.dataPoints) out.message(1, () => writeHistogram(out, point));
        out.varint(2, temporality);
      });
      break;
    case DataPointType.EXPONENTIAL_HISTOGRAM:
      out.message(10, () => {
        for (const point of metric.dataPoints) out.message(1, () => writeExponential(out, point));
        out.varint(2, temporality);
      });
      break;
  }
}

function writeNumber(out: ProtobufWriter, { startTime, endTime, value, attributes }: DataPoint<number>): void {
  out.fixed64(2, nanoseconds(startTime));
  out.fixed64(3, nanoseconds(endTime));
  out.double(4, value);
  writeAttributes(out, 7, attributes);
}

function writeHistogram(out: ProtobufWriter, { startTime, endTime, value, attributes }: DataPoint<Histogram>): void {
  const { buckets, count, sum, min, max } = value;
  out.fixed64(2, nanoseconds(startTime));
  out.fixed64(3, nanoseconds(endTime));
  out.fixed64(4, BigInt(count));
  if (sum !== undefined) out.double(5, sum);
  out.packedFixed64(6, buckets.counts);
  out.packedDouble(7, buckets.boundaries);
  writeAttributes(out, 9, attributes);
  if (min !== undefined) out.double(11, min);
  if (max !== undefined) out.double(12, max);
}

function writeExponential(out: ProtobufWriter, point: DataPoint<ExponentialHistogram>): void {
  const { count, sum, scale, zeroCount, positive, min, max } = point.value;
  writeAttributes(out, 1, point.attributes);
  out.fixed64(2, nanoseconds(point.startTime));
  out.fixed64(3, nanoseconds(point.endTime));
  out.fixed64(4, BigInt(count));
  if (sum !== undefined) out.double(5, sum);
  out.zigzag(6, scale);
  out.fixed64(7, BigInt(zeroCount));
  if (positive.bucketCounts.length > 0) {
    out.message(8, () => {
      out.zigzag(1, positive.offset);
      out.packedVarint(2, positive.bucketCounts);
    });
  }
  if (min !== undefined) out.double(12, min);
  if (max !== undefined) out.double(13, max);
}
