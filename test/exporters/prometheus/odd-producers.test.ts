/** What a producer without types can give costs its family, and never the page. */
import { diag } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { DataPointType, type MetricData } from '@opentelemetry/sdk-metrics';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Format } from '../../../src/exporters/prometheus/format.ts';
import { readPage } from './client-model.ts';
import { formatIn, write } from './pages.ts';

const layouts = ['text underscores', 'openmetrics underscores', 'protobuf underscores'] as const;

function metric(name: string, dataPointType: DataPointType, value: unknown, point: object = {}): MetricData {
  return {
    descriptor: { name, unit: '', description: '', valueType: 1 },
    aggregationTemporality: 1,
    dataPointType,
    isMonotonic: true,
    dataPoints: [{ attributes: {}, startTime: [1_700_000_000, 0], endTime: [1_700_000_060, 0], value, ...point }],
  } as unknown as MetricData;
}

const gauge = (value: unknown) => metric('odd', DataPointType.GAUGE, value);
const counter = (value: unknown) => metric('odd', DataPointType.SUM, value);
const histogram = (counts: unknown[], count: unknown, sum: unknown = 1) =>
  metric('odd', DataPointType.HISTOGRAM, { buckets: { boundaries: [1], counts }, count, sum });
const exponential = (bucketCounts: unknown[], more: object = {}) =>
  metric('odd', DataPointType.EXPONENTIAL_HISTOGRAM, {
    ...{ count: 2, sum: 3, scale: 2, zeroCount: 0 },
    ...{ positive: { offset: 1, bucketCounts }, negative: { offset: 0, bucketCounts: [] } },
    ...more,
  });

const fine = metric('fine', DataPointType.GAUGE, 5);
const collected = (metrics: MetricData[]) => ({
  resource: resourceFromAttributes({}),
  scopeMetrics: [{ scope: { name: 'p' }, metrics }],
});

/** The names of the families of a page. */
function familiesOf(format: Format, layout: (typeof layouts)[number], metrics: MetricData[]): string[] {
  const page = write(format, collected(metrics));
  if (layout.startsWith('protobuf')) return readPage(page).map(({ name }) => name);
  return Array.from(page.toString().matchAll(/^# TYPE (\S+)/gm), ([, name = '']) => name);
}

const odd: [string, MetricData][] = [
  ['a gauge of nothing', gauge(undefined)],
  ['a gauge of null', gauge(null)],
  ['a gauge of a word', gauge('abc')],
  ['a gauge of digits as text', gauge('5')],
  ['a gauge of a BigInt', gauge(5n)],
  ['a gauge of an object', gauge({})],
  ['a gauge of a symbol', gauge(Symbol('x'))],
  ['a counter of nothing', counter(undefined)],
  ['a gauge whose point is none', { ...gauge(1), dataPoints: [undefined] } as unknown as MetricData],
  ['an info whose point is none', { ...metric('odd.info', 2, 1), dataPoints: [null] } as unknown as MetricData],
  ['a histogram below zero', histogram([-1, 2], 1)],
  ['a histogram of a fraction', histogram([1.5, 0.5], 2)],
  ['a histogram of a word', histogram(['1', 0], 1)],
  ['a histogram of no number', histogram([Number.NaN, 0], 1)],
  ['a histogram of more than can be counted', histogram([2 ** 53, 0], 1)],
  ['a histogram whose count is none', histogram([1, 0], undefined)],
  ['a histogram whose count is below zero', histogram([1, 0], -1)],
  ['a histogram whose sum is null', histogram([1, 0], 1, null)],
  ['an exponential histogram below zero', exponential([-1, 2])],
  ['an exponential histogram of fractions', exponential([1.5, 1], { count: 2.5 })],
  ['an exponential histogram of a fraction in an octave', exponential([1.5, 0.5])],
  ['an exponential histogram with zeros below zero', exponential([1, 1], { zeroCount: -1 })],
  ['an exponential histogram with a count below zero', exponential([1, 1], { count: -1 })],
  [
    'an exponential histogram with a fraction below zero',
    exponential([1], { negative: { offset: 0, bucketCounts: [0.5] } }),
  ],
];

describe.each(layouts)('in %s', (layout) => {
  test.each(odd)('%s costs its family, and is said', (_, given) => {
    const warn = vi.spyOn(diag, 'warn');
    onTestFinished(() => warn.mockRestore());
    const format = formatIn(layout);
    expect(familiesOf(format, layout, [given, fine])).toEqual(['fine']);
    expect(familiesOf(format, layout, [given, fine])).toEqual(['fine']);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]?.[0]).toMatch(/^Prometheus: odd\S* could not be written; not exported\.$/);
  });

  test('a histogram whose bucket falls below zero after some pages, which its totals do not show', () => {
    const format = formatIn(layout);
    // Of one descriptor and one object of attributes, so that the lines of the last page are at hand.
    const attributes = { of: 'a' };
    const { descriptor } = histogram([], 0);
    const page = (counts: number[]) => {
      const { dataPoints, ...rest } = histogram(counts, counts[0]);
      const points = dataPoints.map((point) => ({ ...point, attributes }));
      return familiesOf(format, layout, [{ ...rest, descriptor, dataPoints: points } as never]);
    };
    for (let i = 1; i <= 3; i++) expect(page([i, 0])).toEqual(['odd']);
    expect(page([9, -1])).toEqual([]);
  });
});
