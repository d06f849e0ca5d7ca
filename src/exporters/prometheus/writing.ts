/**
 * From a collection to a page, whatever the format: its families in order, `target_info` before them, a stretch at a
 * time. What a program or a producer gave that cannot be written costs its family, not the page.
 */
import { type Attributes, diag, type HrTime, ValueType } from '@opentelemetry/api';
import { AggregationTemporality, DataPointType, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { createFamilies, type Family, type Stream } from './families.ts';
import type { FamilyCount, Format, FormatOptions } from './format.ts';
import type { PageBuffer } from './page-buffer.ts';

/** What a format knows of itself. */
export interface Dialect {
  /** Sees all families before the first is written. */
  begin?(families: readonly Family[]): void;
  /** What stands before the series of a family. */
  head(page: PageBuffer, family: Family): void;
  /** The series of one stream; a step at each hundred points or so. Returns how many series these are. */
  stream(page: PageBuffer, family: Family, stream: Stream, resource: Attributes): Generator<void, number>;
  /** What stands after the series of a family that began at `start`. */
  foot?(page: PageBuffer, start: number): void;
  /** What stands at the end of the page. */
  end?(page: PageBuffer, families: number): void;
}

/** Points between two steps: some tens of microseconds of gauges, half a millisecond of histograms. */
export const pointsAStep = 100;

const targetInfo = {
  name: 'target_info',
  description: 'Target metadata',
  unit: '',
  valueType: ValueType.INT,
};

/** Returns the format of a dialect. */
export function createFormat(options: FormatOptions, dialect: Dialect): Format {
  const target = options.names.own(targetInfo.name);
  const familiesOf = createFamilies(options, options.withoutTargetInfo ? [] : [target]);
  const unwritable = new Set<string>();

  function sayOnce(name: string, error: unknown): void {
    if (unwritable.has(name)) return;
    unwritable.add(name);
    diag.warn(`Prometheus: ${name} could not be written; not exported.`, error);
  }

  return {
    *write(collected, page) {
      const resource = collected.resource.attributes;
      const families = (yield* familiesOf(collected)).filter(hasPoints);
      if (!options.withoutTargetInfo && Object.keys(resource).length > 0)
        families.unshift(targetFamily(target, resource));
      const counts: FamilyCount[] = [];
      dialect.begin?.(families);
      for (const family of families) {
        const start = page.length;
        try {
          dialect.head(page, family);
          let series = 0;
          for (const stream of family.streams) series += yield* dialect.stream(page, family, stream, resource);
          dialect.foot?.(page, start);
          counts.push({ name: family.name, type: family.type, series });
        } catch (error) {
          page.cut(start);
          sayOnce(family.name, error);
        }
        yield;
      }
      dialect.end?.(page, counts.length);
      return counts;
    },
  };
}

function hasPoints({ streams }: Family): boolean {
  return streams.some(({ metric }) => metric.dataPoints.length > 0);
}

const noTime: HrTime = [0, 0];

/** The resource as a family of one series. */
function targetFamily(name: string, resource: ResourceMetrics['resource']['attributes']): Family {
  const metric = {
    descriptor: { ...targetInfo }, // of its own: what is rendered for it is kept no longer than the page
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.GAUGE,
    dataPoints: [{ attributes: resource, startTime: noTime, endTime: noTime, value: 1 }],
  } as const;
  return {
    name,
    type: 'gauge',
    help: targetInfo.description,
    unit: '',
    streams: [{ scope: undefined, metric: { ...metric, dataPoints: [...metric.dataPoints] } }],
  };
}
