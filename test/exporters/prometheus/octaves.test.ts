import { AggregationType, DataPointType, type ExponentialHistogram, MeterProvider } from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { octaveBuckets } from '../../../src/exporters/prometheus/classic-buckets.ts';
import { TestReader } from './test-reader.ts';

/** What the SDK makes of these values. */
async function aggregated(values: readonly number[], maxSize: number): Promise<ExponentialHistogram> {
  const reader = new TestReader();
  const aggregation = { type: AggregationType.EXPONENTIAL_HISTOGRAM, options: { maxSize } } as const;
  const provider = new MeterProvider({ readers: [reader], views: [{ instrumentName: '*', aggregation }] });
  const instrument = provider.getMeter('test').createUpDownCounter('x');
  for (const value of values) instrument.add(value);
  const metric = (await reader.collect()).resourceMetrics.scopeMetrics[0]?.metrics[0];
  if (metric?.dataPointType !== DataPointType.EXPONENTIAL_HISTOGRAM) throw new Error('not exponential');
  const point = metric.dataPoints[0];
  if (point === undefined) throw new Error('no point');
  return point.value;
}

describe('an exponential histogram as octaves', () => {
  test('counts each value under the power of two that it does not exceed', async () => {
    const histogram = await aggregated([0.5, 0.6, 1, 1.5, 2, 2.1], 160);
    expect(histogram.scale).toBeGreaterThan(0);
    expect(octaveBuckets(histogram)).toEqual({ boundaries: [0.5, 1, 2, 4], counts: [1, 2, 2, 1, 0] });
  });

  test('has a bound at zero where zeros were counted', async () => {
    expect(octaveBuckets(await aggregated([0, 0, 3], 160))).toEqual({ boundaries: [0, 4], counts: [2, 1, 0] });
  });

  test('mirrors values under zero', async () => {
    const { boundaries, counts } = octaveBuckets(await aggregated([-3, -1.5, 0, 1.5], 160));
    expect(boundaries).toEqual([-2, -1, 0, 2]);
    expect(counts).toEqual([1, 1, 1, 1, 0]);
  });

  test('is empty where nothing was counted', () => {
    const none = { offset: 0, bucketCounts: [] };
    expect(octaveBuckets({ count: 0, sum: 0, scale: 0, zeroCount: 0, positive: none, negative: none })).toEqual({
      boundaries: [],
      counts: [0],
    });
  });

  test('equals a direct count for any positive values, at any scale the SDK chose', async () => {
    const value = fc.double({ min: 1e-12, max: 1e12, noNaN: true });
    await fc.assert(
      fc.asyncProperty(
        fc.array(value, { minLength: 1, maxLength: 60 }),
        fc.constantFrom(2, 5, 20, 160),
        async (values, maxSize) => {
          const { boundaries, counts } = octaveBuckets(await aggregated(values, maxSize));
          let cumulative = 0;
          for (const [i, bound] of boundaries.entries()) {
            cumulative += counts[i] ?? 0;
            expect(cumulative).toBe(values.filter((each) => each <= bound).length);
            expect(Number.isInteger(Math.log2(bound))).toBe(true);
          }
          expect(cumulative + (counts.at(-1) ?? 0)).toBe(values.length);
        },
      ),
      { numRuns: 60 },
    );
  });
});
