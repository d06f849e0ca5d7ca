/**
 * Collections of which a part failed. The rest is served, and the failure is a series: an alert on
 * `accelmeter_source_up == 0` sees it as it sees a driver that is gone.
 */
import { diag, ValueType } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type CollectionResult,
  DataPointType,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { catalogue } from '../../catalogue.ts';
import { version } from '../../version.ts';

const metric = 'accelmeter.source.up';
/** The scope of our producer, so that the series of both stand together. */
const scope = { name: 'accelmeter', version };
const attributes = { 'accelmeter.source': 'otel_sdk' };
const descriptor = {
  name: metric,
  description: catalogue[metric].brief,
  unit: catalogue[metric].unit,
  valueType: ValueType.INT,
};

/**
 * Returns a function that adds `accelmeter_source_up{accelmeter_source="otel_sdk"}` to each collection from the first
 * one with errors on: 0 while there are errors, 1 again without. Every change is logged once.
 */
export function createPartialCollections(): (result: CollectionResult) => ResourceMetrics {
  let up: boolean | undefined;

  return ({ resourceMetrics, errors }) => {
    if (errors.length > 0 && up !== false) {
      up = false;
      diag.error('Prometheus: a part of the metrics could not be collected; the rest is served.', ...errors);
    } else if (errors.length === 0 && up === false) {
      up = true;
      diag.info('Prometheus: all metrics are collected again.');
    }
    if (up === undefined) return resourceMetrics;
    return { ...resourceMetrics, scopeMetrics: [...resourceMetrics.scopeMetrics, sourceUp(up)] };
  };
}

function sourceUp(up: boolean): ResourceMetrics['scopeMetrics'][number] {
  const now = Date.now();
  const time: [number, number] = [Math.floor(now / 1000), (now % 1000) * 1e6];
  return {
    scope,
    metrics: [
      {
        descriptor,
        aggregationTemporality: AggregationTemporality.CUMULATIVE,
        dataPointType: DataPointType.GAUGE,
        dataPoints: [{ attributes, startTime: time, endTime: time, value: up ? 1 : 0 }],
      },
    ],
  };
}
