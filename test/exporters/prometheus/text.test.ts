import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Attributes, DiagLogLevel, diag, ValueType } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  AggregationType,
  DataPointType,
  MeterProvider,
  type MeterProviderOptions,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { catalogue } from '../../../src/catalogue.ts';
import { createNames, type NamingOptions } from '../../../src/exporters/prometheus/escaping.ts';
import type { Format, FormatOptions } from '../../../src/exporters/prometheus/format.ts';
import { PageBuffer } from '../../../src/exporters/prometheus/page-buffer.ts';
import { createTextFormat } from '../../../src/exporters/prometheus/text.ts';
import type { UnexportedReason } from '../../../src/exporters/prometheus/unexported.ts';
import { TestReader } from './test-reader.ts';

const naming: NamingOptions = { prefix: '', unitSuffixes: true, utf8: false };

const plain: FormatOptions = {
  names: createNames(naming, 'underscores'),
  appendTimestamp: false,
  withoutScopeInfo: true,
  withoutTargetInfo: true,
  withResourceConstantLabels: undefined,
};

/** A provider and its page; collecting twice gives the second page from the caches. */
function service(options: Partial<FormatOptions> = {}, provider: Omit<MeterProviderOptions, 'readers'> = {}) {
  const reader = new TestReader();
  const meters = new MeterProvider({
    resource: resourceFromAttributes({ 'service.name': 'shop' }),
    ...provider,
    readers: [reader],
  });
  const format = createTextFormat({ ...plain, ...options });
  return {
    meters,
    meter: meters.getMeter('shop', '1.2.3'),
    page: async () => write(format, (await reader.collect()).resourceMetrics),
  };
}

function write(format: Format, collected: ResourceMetrics): string {
  const buffer = new PageBuffer(0);
  const steps = format.write(collected, buffer);
  while (!steps.next().done);
  return buffer.written.toString();
}

/** What a page says of metrics that are not on it. */
function dropped(reason: UnexportedReason, metrics: number): string {
  const name = 'accelmeter_export_dropped';
  const { brief } = catalogue['accelmeter.export.dropped'];
  return `# HELP ${name} ${brief}\n# TYPE ${name} gauge\n${name}{accelmeter_reason="${reason}"} ${metrics}\n`;
}

const warnings: string[] = [];
beforeEach(() => {
  warnings.length = 0;
  const quiet = () => {};
  diag.setLogger(
    { error: quiet, info: quiet, debug: quiet, verbose: quiet, warn: (message) => warnings.push(message) },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
});
afterEach(() => diag.disable());

describe('a page has', () => {
  test('a counter with _total and its unit', async () => {
    const { meter, page } = service();
    const io = meter.createCounter('disk.io', { unit: 'By', description: 'Bytes read and written.' });
    io.add(4096, { direction: 'read' });
    io.add(12, { direction: 'write' });
    io.add(1, { direction: 'read' });
    const expected = `\
# HELP disk_io_bytes_total Bytes read and written.
# TYPE disk_io_bytes_total counter
disk_io_bytes_total{direction="read"} 4097
disk_io_bytes_total{direction="write"} 12
`;
    expect(await page()).toBe(expected);
    expect(await page(), 'from the caches').toBe(expected);
  });

  test('an up-down counter as a gauge, without labels or braces where there are none', async () => {
    const { meter, page } = service();
    meter.createUpDownCounter('jobs.active', { unit: '{job}' }).add(-3);
    expect(await page()).toBe('# TYPE jobs_active gauge\njobs_active -3\n');
  });

  test('gauges, synchronous and observed', async () => {
    const { meter, page } = service();
    meter.createGauge('hw.temperature', { unit: 'Cel' }).record(71.5, { 'hw.id': 'a' });
    meter.createObservableGauge('cache.hits', { unit: '1' }).addCallback((result) => result.observe(0.25));
    meter
      .createObservableCounter('cpu.time', { unit: 's' })
      .addCallback((result) => result.observe(1.5, { mode: 'user' }));
    meter.createObservableUpDownCounter('heap.used', { unit: 'By' }).addCallback((result) => result.observe(1e6));
    expect(await page()).toBe(`\
# TYPE hw_temperature_celsius gauge
hw_temperature_celsius{hw_id="a"} 71.5
# TYPE cache_hits_ratio gauge
cache_hits_ratio 0.25
# TYPE cpu_time_seconds_total counter
cpu_time_seconds_total{mode="user"} 1.5
# TYPE heap_used_bytes gauge
heap_used_bytes 1000000
`);
  });

  test('a histogram with cumulative buckets up to +Inf, sum and count', async () => {
    const { meter, page } = service();
    const duration = meter.createHistogram('run.duration', {
      unit: 's',
      advice: { explicitBucketBoundaries: [2 ** -20, 0.5, 4] },
    });
    for (const value of [1e-7, 0.5, 0.6, 100]) duration.record(value, { model: 'x' });
    duration.record(0.25);
    const expected = `\
# TYPE run_duration_seconds histogram
run_duration_seconds_bucket{model="x",le="9.5367431640625e-7"} 1
run_duration_seconds_bucket{model="x",le="0.5"} 2
run_duration_seconds_bucket{model="x",le="4"} 3
run_duration_seconds_bucket{model="x",le="+Inf"} 4
run_duration_seconds_count{model="x"} 4
run_duration_seconds_sum{model="x"} 101.1000001
run_duration_seconds_bucket{le="9.5367431640625e-7"} 0
run_duration_seconds_bucket{le="0.5"} 1
run_duration_seconds_bucket{le="4"} 1
run_duration_seconds_bucket{le="+Inf"} 1
run_duration_seconds_count 1
run_duration_seconds_sum 0.25
`;
    expect(await page()).toBe(expected);
    expect(await page(), 'from the caches').toBe(expected);
  });

  test('a histogram without buckets, and one whose sum may fall', async () => {
    const aggregation = {
      type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM,
      options: { boundaries: [] as number[] },
    } as const;
    const { meter, page } = service({}, { views: [{ instrumentName: '*', aggregation }] });
    meter.createUpDownCounter('delta').add(-2);
    expect(await page()).toBe('# TYPE delta histogram\ndelta_bucket{le="+Inf"} 1\ndelta_count 1\n');
  });

  test('an exponential histogram in octaves', async () => {
    const aggregation = { type: AggregationType.EXPONENTIAL_HISTOGRAM } as const;
    const { meter, page } = service({}, { views: [{ instrumentName: '*', aggregation }] });
    const duration = meter.createHistogram('run.duration', { unit: 's' });
    for (const value of [0, 0.3, 0.5, 3]) duration.record(value, { model: 'x' });
    expect(await page()).toBe(`\
# TYPE run_duration_seconds histogram
run_duration_seconds_bucket{model="x",le="0"} 1
run_duration_seconds_bucket{model="x",le="0.5"} 3
run_duration_seconds_bucket{model="x",le="1"} 3
run_duration_seconds_bucket{model="x",le="2"} 3
run_duration_seconds_bucket{model="x",le="4"} 4
run_duration_seconds_bucket{model="x",le="+Inf"} 4
run_duration_seconds_count{model="x"} 4
run_duration_seconds_sum{model="x"} 3.8
`);
  });

  test('names, values and texts with every odd character', async () => {
    const { meter, page } = service();
    const gauge = meter.createGauge('odd', { description: 'A "quoted" \\ path\nand a second line' });
    gauge.record(1, { 'a.b': 'dot', a_b: 'underscore', '1st': 'digit', path: 'C:\\x', say: '"hi"\n', 名: 'é😀' });
    expect(await page()).toBe(`\
# HELP odd A "quoted" \\\\ path\\nand a second line
# TYPE odd gauge
odd{key_1st="digit",a_b="dot;underscore",path="C:\\\\x",say="\\"hi\\"\\n",key_="é😀"} 1
`);
  });

  test('an attribute called le beside the bucket bounds', async () => {
    const { meter, page } = service();
    meter.createHistogram('x', { advice: { explicitBucketBoundaries: [] } }).record(1, { le: 'mine' });
    expect(await page()).toContain('x_bucket{exported_le="mine",le="+Inf"} 1\n');
  });

  test.each([
    [0, '0'],
    [-0, '0'],
    [7, '7'],
    [1234567890, '1234567890'],
    [2 ** 31, '2147483648'],
    [1_000_000_007_000, '1000000007000'],
    [Number.MAX_SAFE_INTEGER, '9007199254740991'],
    [2 ** 53, '9007199254740992'],
    [1e21, '1e+21'],
    [-42, '-42'],
    [0.1, '0.1'],
    [1e-7, '1e-7'],
    [5e-324, '5e-324'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
  ])('the value %d as %s', async (value, text) => {
    const { meter, page } = service();
    meter.createGauge('x').record(value);
    expect(await page()).toBe(`# TYPE x gauge\nx ${text}\n`);
  });

  test('a comment where there is nothing at all', async () => {
    expect(await service().page()).toBe('# no registered metrics\n');
  });
});

describe('families of several scopes', () => {
  test('are one, with one HELP and TYPE', async () => {
    const { meters, page } = service();
    meters.getMeter('a').createCounter('hits', { description: '' }).add(1, { of: 'a' });
    meters.getMeter('b').createCounter('hits', { description: 'Hits.' }).add(2, { of: 'b' });
    expect(await page()).toBe(
      '# HELP hits_total Hits.\n# TYPE hits_total counter\nhits_total{of="a"} 1\nhits_total{of="b"} 2\n',
    );
    expect(warnings).toEqual([]);
  });

  test('stand in the order of their scopes, whichever is collected first', async () => {
    const { meters, page } = service();
    const wait = [0, 20, 0];
    for (const [i, name] of ['b', 'a', 'c'].entries()) {
      meters.getMeter(name).createCounter('hits').add(i, { of: name });
      const callback = () => new Promise<void>((resolve) => setTimeout(resolve, wait[i]));
      meters.getMeter(name).createObservableGauge('late').addCallback(callback);
    }
    const expected = '# TYPE hits_total counter\nhits_total{of="a"} 1\nhits_total{of="b"} 0\nhits_total{of="c"} 2\n';
    expect(await page()).toBe(expected);
    wait.reverse()[0] = 20;
    expect(await page()).toBe(expected);
  });

  test('of different types are dropped, and that is said once', async () => {
    const { meters, page } = service();
    meters.getMeter('a').createGauge('size').record(1);
    meters.getMeter('b').createHistogram('size').record(2);
    meters.getMeter('c').createGauge('size').record(3);
    meters.getMeter('c').createGauge('other').record(4);
    expect(await page()).toBe(`# TYPE other gauge\nother 4\n${dropped('conflicting_type', 3)}`);
    await page();
    expect(warnings).toEqual(['Prometheus: size is both a gauge and a histogram; not exported.']);
  });

  test('with different descriptions keep the first, and that is said once', async () => {
    const { meters, page } = service();
    meters.getMeter('a').createGauge('size', { description: 'One.' }).record(1, { of: 'a' });
    meters.getMeter('b').createGauge('size', { description: 'Two.' }).record(2, { of: 'b' });
    expect(await page()).toBe('# HELP size One.\n# TYPE size gauge\nsize{of="a"} 1\nsize{of="b"} 2\n');
    await page();
    expect(warnings).toHaveLength(1);
  });
});

describe('a metric that cannot be written costs no other', () => {
  test('where its name is that of a series of a histogram', async () => {
    const { meter, page } = service();
    meter.createGauge('wait.seconds.count').record(7);
    meter.createGauge('wait_seconds_sum').record(7);
    meter.createHistogram('wait', { unit: 's', advice: { explicitBucketBoundaries: [1] } }).record(2);
    meter.createGauge('wait_seconds_bucket').record(7, { le: '1' });
    meter.createGauge('other.count').record(1);
    expect(await page()).toBe(`\
# TYPE wait_seconds histogram
wait_seconds_bucket{le="1"} 0
wait_seconds_bucket{le="+Inf"} 1
wait_seconds_count 1
wait_seconds_sum 2
# TYPE other_count gauge
other_count 1
${dropped('histogram_series', 3)}`);
    await page();
    expect(warnings).toHaveLength(3);
  });

  test('where a program without types gave what is no unit, text or set of attributes', async () => {
    const { meter, page } = service();
    const no = <T>(value: unknown) => value as T;
    meter.createGauge('first').record(1);
    meter.createGauge('unit', { unit: no(5) }).record(1);
    meter.createGauge('unit.of.every.object', { unit: 'constructor' }).record(1);
    meter.createGauge('description', { description: no(5) }).record(1);
    meter.createGauge('attributes').record(1, no('abc'));
    meter.createGauge('last').record(1);
    const expected = `\
# TYPE first gauge
first 1
# TYPE unit_5 gauge
unit_5 1
# TYPE unit_of_every_object_constructor gauge
unit_of_every_object_constructor 1
# HELP description 5
# TYPE description gauge
description 1
# TYPE last gauge
last 1
`;
    expect(await page()).toBe(expected);
    expect(await page()).toBe(expected);
    expect(warnings).toEqual(['Prometheus: attributes could not be written; not exported.']);
  });

  test('where a producer gives differences', () => {
    const sum = (name: string, aggregationTemporality: AggregationTemporality): MetricData => ({
      descriptor: { name, unit: '', description: '', valueType: ValueType.INT },
      aggregationTemporality,
      dataPointType: DataPointType.SUM,
      isMonotonic: true,
      dataPoints: [{ startTime: [0, 0], endTime: [0, 0], attributes: {}, value: 3 }],
    });
    const metrics = [sum('hits', AggregationTemporality.DELTA), sum('all', AggregationTemporality.CUMULATIVE)];
    const resource = resourceFromAttributes({});
    const page = write(createTextFormat(plain), { resource, scopeMetrics: [{ scope: { name: 'a' }, metrics }] });
    expect(page).toBe(`# TYPE all_total counter\nall_total 3\n${dropped('delta', 1)}`);
    expect(warnings).toHaveLength(1);
  });
});

describe('beside the metrics', () => {
  test('target_info stands once, and a metric of that name does not', async () => {
    const { meter, page } = service({ withoutTargetInfo: false });
    meter.createGauge('target.info').record(5);
    expect(await page()).toBe(
      '# HELP target_info Target metadata\n# TYPE target_info gauge\ntarget_info{service_name="shop"} 1\n' +
        dropped('reserved_name', 1),
    );
    expect(warnings).toHaveLength(1);
  });

  test('scopes are labels', async () => {
    const { meters, page } = service({ withoutScopeInfo: false });
    meters.getMeter('a', '1.0', { schemaUrl: 'https://x/1' }).createGauge('size').record(1);
    meters.getMeter('b').createGauge('size').record(2, { k: 'v' });
    expect(await page()).toBe(`\
# TYPE size gauge
size{otel_scope_name="a",otel_scope_schema_url="https://x/1",otel_scope_version="1.0"} 1
size{k="v",otel_scope_name="b"} 2
`);
  });

  test('resource attributes are labels where they match, at every scrape also with the flag g', async () => {
    const resource = resourceFromAttributes({ 'service.name': 'shop', 'telemetry.sdk': 'x', 'k8s.pod': 'p1' });
    const { meter, page } = service({ withResourceConstantLabels: /^(service|k8s)\./g }, { resource });
    meter.createGauge('size').record(1, { 'k8s.pod': 'own' });
    const expected = '# TYPE size gauge\nsize{k8s_pod="own",service_name="shop"} 1\n';
    expect(await page()).toBe(expected);
    expect(await page()).toBe(expected);
  });

  test('samples carry their time where that is asked for', async () => {
    vi.useFakeTimers({ now: 1_700_000_000_123, toFake: ['Date'] });
    try {
      const { meter, page } = service({ appendTimestamp: true });
      meter.createGauge('size').record(1);
      meter.createHistogram('x', { advice: { explicitBucketBoundaries: [1, 2] } }).record(1.5);
      expect(await page()).toBe(`\
# TYPE size gauge
size 1 1700000000123
# TYPE x histogram
x_bucket{le="1"} 0 1700000000123
x_bucket{le="2"} 1 1700000000123
x_bucket{le="+Inf"} 1 1700000000123
x_count 1 1700000000123
x_sum 1.5 1700000000123
`);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('rendered labels', () => {
  // Attributes in new objects at each collection, as a producer may give them.
  const scope = { name: 'x' };
  const collected = (attributes: Attributes): ResourceMetrics => ({
    resource: resourceFromAttributes({}),
    scopeMetrics: [
      {
        scope,
        metrics: [
          {
            descriptor: { name: 'size', description: '', unit: '', valueType: 1 },
            aggregationTemporality: 1,
            dataPointType: 2,
            dataPoints: [{ attributes, startTime: [0, 0], endTime: [0, 0], value: 1 }],
          },
        ],
      },
    ],
  });

  test('are those of the object they came from', () => {
    const format = createTextFormat(plain);
    expect(write(format, collected({ of: 'a' }))).toContain('size{of="a"} 1');
    expect(write(format, collected({ of: 'b' }))).toContain('size{of="b"} 1');
  });

  test('go when the series goes', async () => {
    const format = createTextFormat(plain);
    const series = (() => {
      const attributes = { of: 'a' };
      write(format, collected(attributes));
      return new WeakRef(attributes);
    })();
    setFlagsFromString('--expose-gc');
    const collectGarbage: () => void = runInNewContext('gc');
    await vi.waitFor(() => {
      collectGarbage();
      expect(series.deref() === undefined).toBe(true);
    });
    expect(write(format, collected({ of: 'b' }))).toContain('size{of="b"} 1');
  });
});

test('any label value and any number come back from the page as they were', async () => {
  const line = /^x\{v="((?:[^"\\\n]|\\[\\"n])*)"\} (\S+)$/;
  const numbers: Record<string, number> = { '+Inf': Number.POSITIVE_INFINITY, '-Inf': Number.NEGATIVE_INFINITY };
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), fc.double(), async (value, number) => {
      const { meter, page } = service();
      meter.createGauge('x').record(number, { v: value });
      const [, label = '', text = ''] = line.exec((await page()).split('\n')[1] ?? '') ?? [];
      expect(label.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c))).toBe(value);
      expect(numbers[text] ?? Number(text)).toBe(number === 0 ? 0 : number);
    }),
  );
});

test('any integer is written as JavaScript writes it', () => {
  const buffer = new PageBuffer(0);
  fc.assert(
    fc.property(fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.nat(1000)), (value) => {
      buffer.clear();
      buffer.number(value);
      expect(buffer.written.toString()).toBe(String(value));
    }),
    { numRuns: 1000 },
  );
});
