/** A provider of metrics, and the pages that formats make of it. */

import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  MeterProvider,
  type MeterProviderOptions,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import type { Format } from '../../../src/exporters/prometheus/format.ts';
import { createFormatOf, type FormatsOptions, type Layout } from '../../../src/exporters/prometheus/formats.ts';
import { PageBuffer } from '../../../src/exporters/prometheus/page-buffer.ts';
import { TestReader } from './test-reader.ts';

/** Neither prefixes nor scopes, and all names as Prometheus has them by default. */
export const plainFormats: FormatsOptions = {
  prefix: '',
  unitSuffixes: true,
  utf8: false,
  createdSeries: false,
  protobufHistograms: 'both',
  appendTimestamp: false,
  withoutScopeInfo: true,
  withoutTargetInfo: true,
  withResourceConstantLabels: undefined,
};

/** Collecting twice gives the second page from the caches. */
export function serviceIn(
  layout: Layout,
  options: Partial<FormatsOptions> = {},
  provider: Omit<MeterProviderOptions, 'readers'> = {},
) {
  const reader = new TestReader();
  const meters = new MeterProvider({
    resource: resourceFromAttributes({ 'service.name': 'shop' }),
    ...provider,
    readers: [reader],
  });
  const format = formatIn(layout, options);
  const bytes = async () => write(format, (await reader.collect()).resourceMetrics);
  return { meters, meter: meters.getMeter('shop', '1.2.3'), bytes, page: async () => (await bytes()).toString() };
}

/** The format of a layout. */
export function formatIn(layout: Layout, options: Partial<FormatsOptions> = {}): Format {
  return createFormatOf({ ...plainFormats, ...options })(layout);
}

/** Pages of one metric that stands alone, by one format. */
export function pagesOf(layout: Layout, options: Partial<FormatsOptions> = {}) {
  const resource = resourceFromAttributes({});
  const scope = { name: 'x' };
  const format = formatIn(layout, options);
  return { of: (metric: MetricData) => write(format, { resource, scopeMetrics: [{ scope, metrics: [metric] }] }) };
}

/** A page of several metrics. */
export function pageOfAll(layout: Layout, metrics: MetricData[]): Buffer {
  return write(formatIn(layout), {
    resource: resourceFromAttributes({}),
    scopeMetrics: [{ scope: { name: 'x' }, metrics }],
  });
}

/** The page of one metric. */
export function pageOf(layout: Layout, metric: MetricData, options: Partial<FormatsOptions> = {}): Buffer {
  return pagesOf(layout, options).of(metric);
}

/** The whole page at once. */
export function write(format: Format, collected: ResourceMetrics): Buffer {
  const buffer = new PageBuffer(0);
  const steps = format.write(collected, buffer);
  while (!steps.next().done);
  return buffer.written;
}
