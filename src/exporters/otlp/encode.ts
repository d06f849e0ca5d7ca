/**
 * What a MetricProducer collected as an OTLP request in protobuf. Field numbers are those of opentelemetry-proto 1.9
 * (https://github.com/open-telemetry/opentelemetry-proto), `opentelemetry/proto/metrics/v1/metrics.proto`.
 */
import type { Attributes, AttributeValue, HrTime } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type ExponentialHistogram,
  type Histogram,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { ProtobufWriter, readFields } from './protobuf.ts';

/** ExportMetricsServiceRequest. */
export function encodeRequest({ resource, scopeMetrics }: ResourceMetrics): Buffer {
  const out = new ProtobufWriter();
  out.message(1, () => {
    out.message(1, () => writeAttributes(out, 1, resource.attributes));
    for (const { scope, metrics } of scopeMetrics) {
      out.message(2, () => {
        out.message(1, () => {
          out.string(1, scope.name);
          if (scope.version !== undefined) out.string(2, scope.version);
        });
        for (const metric of metrics) out.message(2, () => writeMetric(out, metric));
      });
    }
  });
  return out.finish();
}

/** What the receiver refused of a request that it took, and why; ExportMetricsServiceResponse. */
export interface PartialSuccess {
  readonly rejectedPoints: number;
  readonly message: string;
}

/** `undefined` where everything was taken, or where the answer is not readable. */
export function decodeResponse(body: Buffer): PartialSuccess | undefined {
  try {
    let rejectedPoints = 0;
    let message = '';
    for (const [field, value] of readFields(body)) {
      if (field !== 1 || typeof value === 'number') continue;
      for (const [inner, content] of readFields(value)) {
        if (inner === 1 && typeof content === 'number') rejectedPoints = content;
        if (inner === 2 && typeof content !== 'number') message = content.toString();
      }
    }
    return rejectedPoints > 0 || message !== '' ? { rejectedPoints, message } : undefined;
  } catch {
    return undefined;
  }
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

function writeAttributes(out: ProtobufWriter, field: number, attributes: Attributes): void {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null) continue;
    out.message(field, () => {
      out.string(1, key);
      out.message(2, () => writeValue(out, value));
    });
  }
}

function writeValue(out: ProtobufWriter, value: AttributeValue): void {
  if (typeof value === 'string') out.string(1, value);
  else if (typeof value === 'boolean') out.varint(2, value ? 1 : 0);
  else if (typeof value !== 'number')
    out.string(1, JSON.stringify(value)); // ours have no arrays
  else if (Number.isSafeInteger(value)) out.int64(3, value);
  else out.double(4, value);
}

function nanoseconds([seconds, nano]: HrTime): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(nano);
}
