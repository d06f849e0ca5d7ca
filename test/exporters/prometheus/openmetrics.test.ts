import { AggregationType, DataPointType, type MetricData } from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { Distribution } from '../../../src/distribution/distribution.ts';
import { canonicalFloat } from '../../../src/exporters/prometheus/openmetrics.ts';
import { explicitHistogram } from '../../../src/otel/histograms.ts';
import { pageOf, pagesOf, serviceIn } from './pages.ts';

const service = (options = {}, provider = {}) => serviceIn('openmetrics underscores', options, provider);

describe('an OpenMetrics page', () => {
  test('has counters under their name without _total, and the unit of a family', async () => {
    const { meter, page } = service();
    meter.createCounter('disk.io', { unit: 'By', description: 'Bytes "read"\nand written.' }).add(4096, { of: 'a' });
    const expected = `\
# TYPE disk_io_bytes counter
# UNIT disk_io_bytes bytes
# HELP disk_io_bytes Bytes \\"read\\"\\nand written.
disk_io_bytes_total{of="a"} 4096
# EOF
`;
    expect(await page()).toBe(expected);
    expect(await page(), 'from the caches').toBe(expected);
  });

  test('has bounds in their canonical form', async () => {
    const { meter, page } = service();
    const advice = { explicitBucketBoundaries: [2 ** -20, 0.5, 4] };
    const duration = meter.createHistogram('run.duration', { unit: 's', advice });
    for (const value of [1e-7, 0.5, 0.6, 100]) duration.record(value);
    const expected = `\
# TYPE run_duration_seconds histogram
# UNIT run_duration_seconds seconds
run_duration_seconds_bucket{le="9.5367431640625e-07"} 1
run_duration_seconds_bucket{le="0.5"} 2
run_duration_seconds_bucket{le="4.0"} 3
run_duration_seconds_bucket{le="+Inf"} 4
run_duration_seconds_count 4
run_duration_seconds_sum 101.1000001
# EOF
`;
    expect(await page()).toBe(expected);
    expect(await page(), 'from the caches').toBe(expected);
    duration.record(0.25);
    expect(await page()).toBe(
      expected
        .replace('"} 2\n', '"} 3\n')
        .replace('"4.0"} 3', '"4.0"} 4')
        .replace('Inf"} 4', 'Inf"} 5')
        .replace('count 4', 'count 5')
        .replace('101.1000001', '101.3500001'),
    );
  });

  test('has no count where a histogram has no sum, which may fall', async () => {
    const options = { boundaries: [] as number[] };
    const views = [
      { instrumentName: '*', aggregation: { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options } } as const,
    ];
    const { meter, page } = service({}, { views });
    meter.createUpDownCounter('delta').add(-2);
    for (let i = 0; i < 3; i++) expect(await page()).toBe('# TYPE delta histogram\ndelta_bucket{le="+Inf"} 1\n# EOF\n');
  });

  test('has infos of gauges that say what is true of something, and the target', async () => {
    const { meter, page } = service({ withoutTargetInfo: false });
    meter.createGauge('build.info').record(1, { version: '1.2' });
    meter.createGauge('rate.info').record(2);
    expect(await page()).toBe(`\
# TYPE target info
# HELP target Target metadata
target_info{service_name="shop"} 1
# TYPE build info
build_info{version="1.2"} 1
# TYPE rate_info gauge
rate_info 2
# EOF
`);
  });

  test('has each name once: what would have that of another keeps its own', async () => {
    const { meter, page } = service();
    meter.createCounter('hits').add(1);
    meter.createGauge('hits').record(2);
    meter.createGauge('build').record(3);
    meter.createGauge('build.info').record(1);
    meter.createCounter('wait.count').add(4);
    meter.createHistogram('wait', { advice: { explicitBucketBoundaries: [] } }).record(5);
    expect(await page()).toBe(`\
# TYPE hits_total unknown
hits_total 1
# TYPE hits gauge
hits 2
# TYPE build gauge
build 3
# TYPE build_info gauge
build_info 1
# TYPE wait_count_total unknown
wait_count_total 4
# TYPE wait histogram
wait_bucket{le="+Inf"} 1
wait_count 1
wait_sum 5
# EOF
`);
  });

  test('says since when a series counts where that is asked for, and no other series has the name', async () => {
    vi.useFakeTimers({ now: 1_700_000_000_123, toFake: ['Date'] });
    try {
      const { meter, page } = service({ createdSeries: true, appendTimestamp: true });
      meter.createCounter('hits').add(3, { of: 'a' });
      meter.createCounter('clash').add(1);
      meter.createGauge('clash.created').record(7);
      meter.createHistogram('x', { advice: { explicitBucketBoundaries: [] } }).record(2);
      vi.setSystemTime(1_700_000_060_000);
      expect(await page()).toBe(`\
# TYPE hits counter
hits_total{of="a"} 3 1700000060.000
hits_created{of="a"} 1700000000.123 1700000060.000
# TYPE clash_total unknown
clash_total 1 1700000060.000
# TYPE clash_created gauge
clash_created 7 1700000060.000
# TYPE x histogram
x_bucket{le="+Inf"} 1 1700000060.000
x_count 1 1700000060.000
x_sum 2 1700000060.000
x_created 1700000000.123 1700000060.000
# EOF
`);
    } finally {
      vi.useRealTimers();
    }
  });

  test('ends where there is nothing at all', async () => {
    expect(await service().page()).toBe('# EOF\n');
  });

  test('quotes names that keep their characters', async () => {
    const { meter, page } = serviceIn('openmetrics allow-utf-8', { utf8: true });
    meter.createCounter('disk.io', { unit: 'By' }).add(1, { 'disk.name': 'a"b', plain: 'x' });
    meter.createGauge('温度').record(2);
    expect(await page()).toBe(`\
# TYPE "disk.io_bytes" counter
# UNIT "disk.io_bytes" bytes
{"disk.io_bytes_total","disk.name"="a\\"b",plain="x"} 1
# TYPE "温度" gauge
{"温度"} 2
# EOF
`);
  });
});

describe('exemplars', () => {
  const context = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
  const remark = `# {trace_id="${context.traceId}",span_id="${context.spanId}"}`;
  const recorded = () => {
    const distribution = new Distribution();
    for (const duration of [0.003, 0.003, 3, 100]) distribution.record(duration);
    distribution.exemplars.take(0.003, context, 1_700_000_000.25);
    distribution.exemplars.take(100, context, 1_700_000_001);
    return distribution;
  };
  const metricOf = (distribution: Distribution, scale: 0 | 2 = 0): MetricData => ({
    descriptor: { name: 'run', unit: 's', description: '', valueType: 1 },
    aggregationTemporality: 1,
    dataPointType: DataPointType.HISTOGRAM,
    dataPoints: [{ attributes: {}, startTime: [1, 0], endTime: [2, 0], value: explicitHistogram(distribution, scale) }],
  });

  test('stand behind the buckets that hold them', () => {
    for (const scale of [0, 2] as const) {
      const page = pageOf('openmetrics underscores', metricOf(recorded(), scale)).toString();
      const lines = page.split('\n').filter((line) => line.includes('#') && !line.startsWith('#'));
      const bound = scale === 0 ? '0.00390625' : '0.003284751';
      expect(lines).toHaveLength(2);
      expect(lines[0]).toMatch(`run_seconds_bucket{le="${bound}`);
      expect(lines[0]).toMatch(`"} 2 ${remark} 0.003 1700000000.250`);
      expect(lines[1]).toBe(`run_seconds_bucket{le="+Inf"} 4 ${remark} 100 1700000001.000`);
    }
  });

  test('are those of now on a page from the caches, with the counts of now', () => {
    const distribution = recorded();
    const { of } = pagesOf('openmetrics underscores');
    const attributes = {};
    const page = () => {
      const metric = metricOf(distribution);
      const [point] = metric.dataPoints;
      return of({ ...metric, descriptor, dataPoints: [{ ...point, attributes }] } as MetricData).toString();
    };
    const { descriptor } = metricOf(distribution);
    for (let i = 0; i < 3; i++) expect(page()).toContain(`"} 2 ${remark} 0.003 1700000000.250\n`);
    distribution.record(0.003);
    expect(page()).toContain(`"} 3 ${remark} 0.003 1700000000.250\n`);
    distribution.exemplars.closeInterval();
    distribution.exemplars.take(0.0035, context, 1_700_000_005);
    for (let i = 0; i < 3; i++) expect(page()).toContain(`"} 3 ${remark} 0.0035 1700000005.000\n`);
  });

  test('stand behind the timestamp, where there is one', () => {
    const page = pageOf('openmetrics underscores', metricOf(recorded()), { appendTimestamp: true }).toString();
    expect(page).toContain(`"} 2 2.000 ${remark} 0.003 1700000000.250\n`);
  });

  test('are not in text', () => {
    expect(pageOf('text underscores', metricOf(recorded())).toString()).not.toContain('trace_id');
  });
});

describe('a bound', () => {
  // The examples of the specification, "Canonical Numbers".
  test.each([
    [0, '0.0'],
    [1e-10, '1e-10'],
    [1e-9, '1e-09'],
    [1e-5, '1e-05'],
    [0.0001, '0.0001'],
    [0.001, '0.001'],
    [0.999, '0.999'],
    [1, '1.0'],
    [1.7, '1.7'],
    [10, '10.0'],
    [100_000, '100000.0'],
    [1e6, '1e+06'],
    [1e10, '1e+10'],
    [1.1e23, '1.1e+23'],
    [-2, '-2.0'],
    [1.5e-5, '1.5e-05'],
  ])('%d is %s', (bound, text) => {
    expect(canonicalFloat(bound)).toBe(text);
  });

  test('is read back as it was', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (bound) => {
        expect(Number(canonicalFloat(bound)) + 0).toBe(bound + 0);
        expect(canonicalFloat(bound)).toMatch(/^-?\d+\.\d+$|^-?\d+(\.\d+)?e[+-]\d\d+$/);
      }),
    );
  });
});
