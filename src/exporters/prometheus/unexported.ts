/**
 * What a collection has and a page cannot: counted by the reason, as a metric of the page itself. A log line is said once
 * and scrolls away; an alert on this one stands as long as the metrics are missing.
 */
import { type Attributes, type HrTime, ValueType } from '@opentelemetry/api';
import { AggregationTemporality, DataPointType, type MetricData } from '@opentelemetry/sdk-metrics';
import { type AttributeValues, catalogue } from '../../catalogue.ts';

export type UnexportedReason = AttributeValues['accelmeter.reason'];

export interface Unexported {
  /** So many metrics of this collection are left out. */
  count(reason: UnexportedReason, metrics?: number): void;
  /** What was counted since the last call: `undefined` before there was any, then also where it is 0 again. */
  take(): MetricData | undefined;
}

const name = 'accelmeter.export.dropped';
const { brief: description, unit } = catalogue[name];
const descriptor = Object.freeze({ name, description, unit, valueType: ValueType.INT });

const noTime: HrTime = [0, 0];

export function createUnexported(): Unexported {
  const counts = new Map<UnexportedReason, { readonly attributes: Attributes; now: number }>();

  return {
    count(reason, metrics = 1) {
      const known = counts.get(reason) ?? { attributes: { 'accelmeter.reason': reason }, now: 0 };
      known.now += metrics;
      counts.set(reason, known);
    },
    take() {
      if (counts.size === 0) return undefined;
      const dataPoints = Array.from(counts.values(), (count) => {
        const value = count.now;
        count.now = 0;
        return { attributes: count.attributes, startTime: noTime, endTime: noTime, value };
      });
      const aggregationTemporality = AggregationTemporality.CUMULATIVE;
      return { descriptor, aggregationTemporality, dataPointType: DataPointType.GAUGE, dataPoints };
    },
  };
}
