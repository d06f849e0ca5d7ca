import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  escapeHelp,
  escapeLabelValue,
  labelName,
  labelText,
  metricName,
  type StreamKind,
} from '../../../src/exporters/prometheus/naming.ts';

const suffixed = { prefix: '', unitSuffixes: true };

describe('a metric is named in Prometheus', () => {
  const cases: [name: string, unit: string, kind: StreamKind, expected: string | undefined][] = [
    // Words
    ['requests', '', 'gauge', 'requests'],
    ['http.server.requests', '', 'gauge', 'http_server_requests'],
    ['http-server/requests', '', 'gauge', 'http_server_requests'],
    ['http..server__requests', '', 'gauge', 'http_server_requests'],
    ['.leading.and.trailing.', '', 'gauge', 'leading_and_trailing'],
    ['camelCase.Name', '', 'gauge', 'camelCase_Name'],
    ['two words', '', 'gauge', 'two_words'],
    ['température.max', '', 'gauge', 'temp_rature_max'],
    ['名前.size', '', 'gauge', 'size'],
    ['job:requests:rate', '', 'gauge', 'job:requests:rate'],
    ['2xx.responses', '', 'gauge', '_2xx_responses'],
    ['9', '', 'gauge', '_9'],
    ['', '', 'gauge', undefined],
    ['...', '', 'gauge', undefined],
    ['名前', 's', 'gauge', undefined],
    // Units of time, size and physics
    ['wait', 'd', 'gauge', 'wait_days'],
    ['wait', 'h', 'gauge', 'wait_hours'],
    ['wait', 'min', 'gauge', 'wait_minutes'],
    ['wait', 's', 'gauge', 'wait_seconds'],
    ['wait', 'ms', 'gauge', 'wait_milliseconds'],
    ['wait', 'us', 'gauge', 'wait_microseconds'],
    ['wait', 'ns', 'gauge', 'wait_nanoseconds'],
    ['size', 'By', 'gauge', 'size_bytes'],
    ['size', 'KiBy', 'gauge', 'size_kibibytes'],
    ['size', 'MiBy', 'gauge', 'size_mebibytes'],
    ['size', 'GiBy', 'gauge', 'size_gibibytes'],
    ['size', 'kBy', 'gauge', 'size_kilobytes'],
    ['size', 'KBy', 'gauge', 'size_kilobytes'],
    ['size', 'MBy', 'gauge', 'size_megabytes'],
    ['size', 'GBy', 'gauge', 'size_gigabytes'],
    ['length', 'm', 'gauge', 'length_meters'],
    ['supply', 'V', 'gauge', 'supply_volts'],
    ['supply', 'A', 'gauge', 'supply_amperes'],
    ['hw.energy', 'J', 'counter', 'hw_energy_joules_total'],
    ['hw.power', 'W', 'gauge', 'hw_power_watts'],
    ['mass', 'g', 'gauge', 'mass_grams'],
    ['hw.temperature', 'Cel', 'gauge', 'hw_temperature_celsius'],
    ['clock', 'Hz', 'gauge', 'clock_hertz'],
    ['fill', '%', 'gauge', 'fill_percent'],
    // Rates
    ['transfer.bandwidth', 'By/s', 'gauge', 'transfer_bandwidth_bytes_per_second'],
    ['speed', 'm/s', 'gauge', 'speed_meters_per_second'],
    ['speed', 'm/m', 'gauge', 'speed_meters_per_minute'],
    ['growth', 'By/h', 'gauge', 'growth_bytes_per_hour'],
    ['growth', 'By/d', 'gauge', 'growth_bytes_per_day'],
    ['growth', 'By/w', 'gauge', 'growth_bytes_per_week'],
    ['growth', 'By/mo', 'gauge', 'growth_bytes_per_month'],
    ['growth', 'By/y', 'gauge', 'growth_bytes_per_year'],
    ['arrivals', '1/s', 'gauge', 'arrivals_per_second'],
    ['arrivals', '{request}/s', 'gauge', 'arrivals_per_second'],
    ['arrivals', '/s', 'gauge', 'arrivals_per_second'],
    ['ratio.of', 'By/{request}', 'gauge', 'ratio_of_bytes'],
    // Units that say nothing, or nothing known
    ['queue', '{command}', 'gauge', 'queue'],
    ['queue', '{command}', 'updowncounter', 'queue'],
    ['queue', '{a}/{b}', 'gauge', 'queue'],
    ['queue', ' s ', 'gauge', 'queue_seconds'],
    ['queue', 'items', 'gauge', 'queue_items'],
    ['queue', 'Foo-Bar', 'gauge', 'queue_Foo_Bar'],
    ['queue', '°', 'gauge', 'queue'],
    // Ratios: gauges only
    ['hw.gpu.utilization', '1', 'gauge', 'hw_gpu_utilization_ratio'],
    ['hit.ratio', '1', 'gauge', 'hit_ratio'],
    ['ratio.hit', '1', 'gauge', 'hit_ratio'],
    ['active', '1', 'updowncounter', 'active'],
    ['runs', '1', 'counter', 'runs_total'],
    ['score', '1', 'histogram', 'score'],
    // Counters
    ['requests', '', 'counter', 'requests_total'],
    ['requests.total', '', 'counter', 'requests_total'],
    ['total.requests', '', 'counter', 'requests_total'],
    ['requests', '{request}', 'counter', 'requests_total'],
    ['cpu.time', 's', 'counter', 'cpu_time_seconds_total'],
    ['cpu.time.total', 's', 'counter', 'cpu_time_seconds_total'],
    ['requests.total', '', 'gauge', 'requests_total'],
    ['live', 'By', 'updowncounter', 'live_bytes'],
    // A unit that the name has already
    ['wait.seconds', 's', 'gauge', 'wait_seconds'],
    ['wait.seconds.max', 's', 'gauge', 'wait_seconds_max'],
    ['read.bytes', 'By', 'counter', 'read_bytes_total'],
    ['bytes.moved', 'By/s', 'gauge', 'bytes_moved_per_second'],
    ['wait.milliseconds', 's', 'gauge', 'wait_milliseconds_seconds'],
    ['kernel.duration', 's', 'histogram', 'kernel_duration_seconds'],
  ];

  test.each(cases)('%j in %j, a %s: %s', (name, unit, kind, expected) => {
    expect(metricName(name, unit, kind, suffixed)).toBe(expected);
  });

  test('after a prefix, which the digit rule then looks at', () => {
    expect(metricName('2xx', 's', 'counter', { prefix: 'my-app', unitSuffixes: true })).toBe(
      'my_app_2xx_seconds_total',
    );
    expect(metricName('x', '', 'gauge', { prefix: '9', unitSuffixes: true })).toBe('_9_x');
  });

  test('without its unit where that is asked for, and still with _total', () => {
    const plain = { prefix: '', unitSuffixes: false };
    expect(metricName('cpu.time', 's', 'counter', plain)).toBe('cpu_time_total');
    expect(metricName('hw.gpu.utilization', '1', 'gauge', plain)).toBe('hw_gpu_utilization');
  });

  test('so that any name is legal', () => {
    const kinds = fc.constantFrom<StreamKind>('counter', 'updowncounter', 'gauge', 'histogram');
    const text = fc.string({ unit: 'binary', maxLength: 24 });
    fc.assert(
      fc.property(text, text, kinds, text, (name, unit, kind, prefix) => {
        const named = metricName(name, unit, kind, { prefix, unitSuffixes: true });
        if (named !== undefined) expect(named).toMatch(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/);
      }),
    );
  });
});

describe('an attribute is a label', () => {
  test.each([
    ['http.method', 'http_method'],
    ['http..method', 'http_method'],
    ['http_method', 'http_method'],
    ['UPPER', 'UPPER'],
    ['3d', 'key_3d'],
    ['_private', 'key_private'],
    ['__name__', 'key_name_'],
    ['a:b', 'a_b'],
    ['naïve', 'na_ve'],
    ['名', 'key_'],
    ['', undefined],
  ])('%j: %s', (attribute, expected) => {
    expect(labelName(attribute)).toBe(expected);
  });

  test('with its value: strings as they are, all else as JSON', () => {
    expect(labelText({ text: 'a', number: 1.5, flag: true, list: ['x', 'y'] })).toBe(
      'flag="true",list="[\\"x\\",\\"y\\"]",number="1.5",text="a"',
    );
  });

  test('joined with others of the same name by semicolons, in the order of the original names', () => {
    expect(labelText({ 'b.c': 'dot', 'b-c': 'dash', b_c: 'underscore' })).toBe('b_c="dash;dot;underscore"');
  });

  test('left out where it has no value', () => {
    expect(labelText({ a: undefined, b: '' })).toBe('b=""');
  });

  test('called exported_… where its name belongs to the format', () => {
    expect(labelText({ le: 'north' }, 'le')).toBe('exported_le="north"');
    expect(labelText({ le: 'north' })).toBe('le="north"');
  });

  test('of a value that JSON does not know, too', () => {
    const circular: unknown[] = [];
    circular.push(circular);
    expect(labelText({ a: circular as string[], b: 1n as unknown as number })).toBe('a="",b="1"');
  });
});

test('a label escapes backslash, quote and line feed; a HELP text only backslash and line feed', () => {
  expect(escapeLabelValue('C:\\a "b"\nc\ré')).toBe('C:\\\\a \\"b\\"\\nc\ré');
  expect(escapeHelp('C:\\a "b"\nc')).toBe('C:\\\\a "b"\\nc');
});
