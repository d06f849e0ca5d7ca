/** Pages in protobuf, as Prometheus' own schema reads them. */
import { AggregationType, type MetricData } from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { Distribution } from '../../../src/distribution/distribution.ts';
import { explicitHistogram, exponentialHistogram } from '../../../src/otel/histograms.ts';
import { bucketsOf, type ReadHistogram, readPage } from './client-model.ts';
import { pageOf, pageOfAll, serviceIn } from './pages.ts';

const service = (options = {}, provider = {}) => serviceIn('protobuf underscores', options, provider);
const exponential = (maxSize = 160) => ({
  views: [
    {
      instrumentName: '*',
      aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM, options: { maxSize } },
    } as const,
  ],
});

/** The one histogram of a page. */
function histogramOf(page: Uint8Array): ReadHistogram {
  const histogram = readPage(page)[0]?.metric[0]?.histogram;
  if (histogram === undefined) throw new Error('no histogram');
  return histogram;
}

/** A page of one histogram of ours. */
function pageOfOurs(
  distribution: Distribution,
  options = {},
  make: (from: Distribution) => object = (from) => explicitHistogram(from, 0),
) {
  return pageOf('protobuf underscores', histogramMetric(make(distribution)), options);
}

function histogramMetric(value: object, of = 'a'): MetricData {
  return {
    descriptor: { name: 'run', unit: 's', description: '', valueType: 1 },
    aggregationTemporality: 1,
    dataPointType: 'buckets' in value ? 0 : 1,
    dataPoints: [{ attributes: { of }, startTime: [1_700_000_000, 5e8], endTime: [1_700_000_060, 0], value }],
  } as unknown as MetricData;
}

describe('a page in protobuf', () => {
  test('has counters and gauges with their labels, help, unit and since when they count', async () => {
    vi.useFakeTimers({ now: 1_700_000_000_123, toFake: ['Date'] });
    try {
      const { meter, bytes } = service({ withoutTargetInfo: false, appendTimestamp: true });
      meter.createCounter('disk.io', { unit: 'By', description: 'Bytes.' }).add(4096, { of: 'a', 'to.é': '"\n' });
      meter.createUpDownCounter('jobs').add(-3);
      meter.createGauge('temperature', { unit: 'Cel' }).record(Number.NaN);
      const expected = [
        {
          name: 'target_info',
          help: 'Target metadata',
          type: 'GAUGE',
          metric: [{ label: [{ name: 'service_name', value: 'shop' }], gauge: { value: 1 } }],
        },
        {
          name: 'disk_io_bytes_total',
          help: 'Bytes.',
          type: 'COUNTER',
          unit: 'bytes',
          metric: [
            {
              label: [
                { name: 'of', value: 'a' },
                { name: 'to_', value: '"\n' },
              ],
              counter: { value: 4096, createdTimestamp: { seconds: 1_700_000_000, nanos: 123e6 } },
              timestampMs: 1_700_000_000_123,
            },
          ],
        },
        { name: 'jobs', type: 'GAUGE', metric: [{ gauge: { value: -3 }, timestampMs: 1_700_000_000_123 }] },
        {
          name: 'temperature_celsius',
          type: 'GAUGE',
          unit: 'celsius',
          metric: [{ gauge: { value: Number.NaN }, timestampMs: 1_700_000_000_123 }],
        },
      ];
      expect(readPage(await bytes())).toEqual(expected);
      expect(readPage(await bytes()), 'from the caches').toEqual(expected);
    } finally {
      vi.useRealTimers();
    }
  });

  test('has histograms of explicit boundaries as classic ones', async () => {
    const { meter, bytes } = service();
    const advice = { explicitBucketBoundaries: [0.5, 4] };
    const duration = meter.createHistogram('run', { unit: 's', advice });
    for (const value of [0.5, 0.6, 100]) duration.record(value);
    expect(histogramOf(await bytes())).toEqual({
      sampleCount: 3,
      sampleSum: 101.1,
      bucket: [
        { cumulativeCount: 1, upperBound: 0.5 },
        { cumulativeCount: 2, upperBound: 4 },
      ],
      createdTimestamp: { seconds: expect.any(Number), nanos: expect.any(Number) },
    });
  });

  test('is empty where there is nothing at all', async () => {
    expect(await service().bytes()).toHaveLength(0);
  });

  test('has names and labels of any length', async () => {
    const { meter, bytes } = service();
    const long = 'x'.repeat(40_000);
    meter.createGauge('size', { description: long }).record(1, { long, a: 'b' });
    const [family] = readPage(await bytes());
    expect(family?.help).toBe(long);
    expect(family?.metric[0]?.label?.map(({ value }) => value)).toEqual(['b', long]);
    expect(family?.metric[0]?.gauge).toEqual({ value: 1 });
  });
});

describe('an exponential histogram of the SDK', () => {
  const filled = async (values: readonly number[], options = {}, maxSize?: number) => {
    const { meter, bytes } = service(options, exponential(maxSize));
    const instrument = meter.createUpDownCounter('x');
    for (const value of values) instrument.add(value);
    return histogramOf(await bytes());
  };

  test('is native, with its octaves beside it', async () => {
    const histogram = await filled([0, 0.6, 1, -3], {}, 20);
    expect(histogram).toMatchObject({ sampleCount: 4, zeroThreshold: 0, zeroCount: 1 });
    expect(histogram.bucket).toEqual([
      { cumulativeCount: 1, upperBound: -2 },
      { cumulativeCount: 2, upperBound: 0 },
      { cumulativeCount: 4, upperBound: 1 },
    ]);
  });

  test('alone where that is asked for, and classic alone as well', async () => {
    expect(await filled([1], { protobufHistograms: 'native' })).not.toHaveProperty('bucket');
    expect(await filled([1], { protobufHistograms: 'classic' })).not.toHaveProperty('schema');
  });

  test('says that it is one also when it holds nothing', () => {
    const none = { offset: 0, bucketCounts: [] };
    const empty = { count: 0, sum: 0, scale: 0, zeroCount: 0, positive: none, negative: none };
    expect(histogramOf(pageOf('protobuf underscores', histogramMetric(empty)))).toMatchObject({
      sampleCount: 0,
      positiveSpan: [{ offset: 0, length: 0 }],
    });
  });

  test('is classic where its buckets are wider than any of Prometheus', () => {
    const none = { offset: 0, bucketCounts: [] };
    const wide = {
      count: 2,
      sum: 3,
      scale: -5,
      zeroCount: 0,
      positive: { offset: 0, bucketCounts: [2] },
      negative: none,
    };
    const histogram = histogramOf(
      pageOf('protobuf underscores', histogramMetric(wide), { protobufHistograms: 'native' }),
    );
    expect(histogram).toMatchObject({ sampleCount: 2, bucket: [{ cumulativeCount: 2, upperBound: 2 ** 32 }] });
    expect(histogram).not.toHaveProperty('schema');
  });

  test('counts any value in the bucket that holds it, at any scale that the SDK chose', async () => {
    const value = fc.oneof(fc.double({ min: 1e-9, max: 1e9, noNaN: true }), fc.constantFrom(0, 1, 2, 0.5, 1024));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(value, fc.boolean()), { minLength: 1, maxLength: 50 }),
        fc.constantFrom(5, 20, 160),
        async (drawn, maxSize) => {
          const values = drawn.map(([magnitude, negative]) => (negative ? -magnitude : magnitude));
          const histogram = await filled(values, {}, maxSize);
          const schema = histogram.schema ?? Number.NaN;
          expect(schema).toBeGreaterThanOrEqual(-4);
          expect(schema).toBeLessThanOrEqual(8);
          expect(histogram.sampleCount).toBe(values.length);
          expect(histogram.zeroCount).toBe(values.filter((each) => each === 0).length);
          const positive = bucketsOf(histogram.positiveSpan, histogram.positiveDelta);
          const negative = bucketsOf(histogram.negativeSpan, histogram.negativeDelta);
          expect(
            countsWithin(
              positive,
              schema,
              values.filter((each) => each > 0),
            ),
          ).toBe(true);
          expect(
            countsWithin(
              negative,
              schema,
              values.filter((each) => each < 0).map((each) => -each),
            ),
          ).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });
});

/** Whether the buckets hold just these values: bucket i those in (base^(i-1), base^i], by logarithms, which are near. */
function countsWithin(buckets: ReadonlyMap<number, number>, schema: number, values: readonly number[]): boolean {
  const base = 2 ** (2 ** -schema);
  const near = 1 + 1e-9;
  let total = 0;
  for (const [index, count] of buckets) {
    total += count;
    const [from, to] = [base ** (index - 1) / near, base ** index * near];
    if (values.filter((value) => value > from && value <= to).length < count) return false;
  }
  return total === values.length;
}

describe('a family of which not all histograms can be native', () => {
  test('is classic, because a server takes all for what the first is', () => {
    const distribution = new Distribution();
    distribution.record(0.25);
    const ours = histogramMetric(exponentialHistogram(distribution));
    const theirs = histogramMetric({ buckets: { boundaries: [1], counts: [1, 0] }, count: 1, sum: 0.5 }, 'b');
    const [family] = readPage(pageOfAll('protobuf underscores', [ours, theirs]));
    expect(family?.metric).toHaveLength(2);
    for (const { histogram } of family?.metric ?? []) {
      expect(histogram?.bucket?.length).toBeGreaterThan(0);
      expect(histogram).not.toHaveProperty('schema');
    }
  });
});

describe('a histogram of ours', () => {
  const durations = [0, 2e-6, 2.1e-6, 0.0005, 0.0005, 3, 5000];
  const recorded = () => {
    const distribution = new Distribution();
    for (const duration of durations) distribution.record(duration);
    return distribution;
  };

  test('is native at the scale of its sketch, with its classic buckets beside it', () => {
    const histogram = histogramOf(pageOfOurs(recorded()));
    expect(histogram).toMatchObject({ sampleCount: 7, schema: 5, zeroThreshold: 0, zeroCount: 1 });
    expect(histogram.sampleSum).toBeCloseTo(5003.0010041, 6);
    expect(histogram.createdTimestamp).toEqual({ seconds: 1_700_000_000, nanos: 5e8 });
    expect(histogram.bucket).toHaveLength(25);
    expect(histogram.bucket?.at(-1)).toEqual({ cumulativeCount: 6, upperBound: 16 });
    const native = bucketsOf(histogram.positiveSpan, histogram.positiveDelta);
    // What lies beyond the sketch's range is in its last bucket.
    expect(countsWithin(native, 5, [...durations.filter((each) => each > 0 && each < 100), 2 ** 10])).toBe(true);
  });

  test('has counts beyond 32 bits', () => {
    const distribution = new Distribution();
    distribution.sketch.add(-100, 2 ** 33 + 1);
    const histogram = histogramOf(pageOfOurs(distribution));
    expect(histogram).toMatchObject({ sampleCount: 2 ** 33 + 1, positiveDelta: [2 ** 33 + 1] });
    expect(histogram.positiveSpan).toEqual([{ offset: -99, length: 1 }]);
  });

  test('is native too where the point is exponential', () => {
    const histogram = histogramOf(pageOfOurs(recorded(), {}, exponentialHistogram));
    expect(histogram).toMatchObject({ sampleCount: 7, schema: 5, zeroCount: 1 });
  });

  test.each(['both', 'native', 'classic'] as const)(
    'has one count for all its buckets while it goes on (%s)',
    (kind) => {
      for (const make of [(each: Distribution) => explicitHistogram(each, 1), exponentialHistogram]) {
        const distribution = recorded();
        const value = make(distribution);
        for (let i = 0; i < 1000; i++) distribution.record(0.001 * i);
        const histogram = histogramOf(
          pageOf('protobuf underscores', histogramMetric(value), { protobufHistograms: kind }),
        );
        const native = bucketsOf(histogram.positiveSpan, histogram.positiveDelta);
        const held = Array.from(native.values()).reduce((sum, each) => sum + each, histogram.zeroCount ?? 0);
        if (kind !== 'classic') expect(held).toBe(histogram.sampleCount);
        if (kind !== 'native') {
          const beyond = (histogram.bucket?.at(-1)?.upperBound ?? 0) < 20 ? 1 : 0;
          expect((histogram.bucket?.at(-1)?.cumulativeCount ?? 0) + beyond).toBe(histogram.sampleCount);
        }
      }
    },
  );

  test('has the exemplars of both kinds of buckets', () => {
    const distribution = recorded();
    const context = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
    distribution.exemplars.take(0.0005, context, 1_700_000_050.25);
    distribution.exemplars.take(2e-6, { ...context, spanId: 'c'.repeat(16) }, 1_700_000_049);
    distribution.exemplars.take(5000, context, 1_700_000_051);
    const histogram = histogramOf(pageOfOurs(distribution));
    const withExemplars = histogram.bucket?.filter(({ exemplar }) => exemplar !== undefined);
    expect(withExemplars?.map(({ upperBound, exemplar }) => [upperBound, exemplar?.value])).toEqual([
      [2 ** -18, 2e-6],
      [2 ** -10, 0.0005],
      [Number.POSITIVE_INFINITY, 5000],
    ]);
    expect(histogram.exemplars?.map(({ value }) => value)).toEqual([2e-6, 0.0005, 5000]);
    expect(histogram.exemplars?.[1]).toEqual({
      label: [
        { name: 'trace_id', value: context.traceId },
        { name: 'span_id', value: context.spanId },
      ],
      value: 0.0005,
      timestamp: { seconds: 1_700_000_050, nanos: 25e7 },
    });
  });

  test('keeps its quantiles within the bound of the sketch', () => {
    const distribution = new Distribution();
    const drawn = Array.from({ length: 5000 }, (_, i) => 1e-5 * 1.003 ** i);
    for (const duration of drawn) distribution.record(duration);
    const { positiveSpan, positiveDelta } = histogramOf(pageOfOurs(distribution, { protobufHistograms: 'native' }));
    let seen = 0;
    for (const [index, count] of bucketsOf(positiveSpan, positiveDelta)) {
      const [from, to] = [2 ** ((index - 1) / 32), 2 ** (index / 32)];
      for (const value of drawn.slice(seen, seen + count)) {
        expect(value).toBeGreaterThan(from * (1 - 1e-12));
        expect(value).toBeLessThanOrEqual(to * (1 + 1e-12));
      }
      seen += count;
    }
    expect(seen).toBe(drawn.length);
  });
});
