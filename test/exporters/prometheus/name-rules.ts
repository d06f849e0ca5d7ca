/**
 * What names, units and attributes become, in bulk: from the rules as OpenTelemetry publishes them ("Prometheus and
 * OpenMetrics Compatibility", OTLP metric points to Prometheus), each applied to every character, unit and kind it is
 * about. What is expected is spelled out in the tables or put together from them, never computed from the given name.
 */
import type { Attributes } from '@opentelemetry/api';
import type { StreamKind } from '../../../src/exporters/prometheus/naming.ts';

export interface NameCase {
  readonly name: string;
  readonly unit: string;
  readonly kind: StreamKind;
  /** `undefined` where there is no name to give. */
  readonly expected: string | undefined;
}

export interface LabelCase {
  readonly attributes: Attributes;
  readonly expected: Readonly<Record<string, string>>;
}

const kinds = ['counter', 'updowncounter', 'gauge', 'histogram'] as const;

/** What a kind adds to the end of every name. */
const typeSuffix: Record<StreamKind, string> = { counter: '_total', updowncounter: '', gauge: '', histogram: '' };

/** The units that the specification has words for. */
const units: Readonly<Record<string, string>> = {
  ...{ d: 'days', h: 'hours', min: 'minutes', s: 'seconds', ms: 'milliseconds', us: 'microseconds', ns: 'nanoseconds' },
  ...{ By: 'bytes', KiBy: 'kibibytes', MiBy: 'mebibytes', GiBy: 'gibibytes', TiBy: 'tebibytes' },
  ...{ kBy: 'kilobytes', MBy: 'megabytes', GBy: 'gigabytes', TBy: 'terabytes' },
  ...{ m: 'meters', V: 'volts', A: 'amperes', J: 'joules', W: 'watts', g: 'grams', Cel: 'celsius', Hz: 'hertz' },
  '%': 'percent',
};

/** What a rate is per. In this place `m` is no meter. */
const perUnits: Readonly<Record<string, string>> = {
  ...{ s: 'second', m: 'minute', h: 'hour', d: 'day', w: 'week', mo: 'month', y: 'year' },
};

/** Units that are no word of the specification: as they are, without what a name cannot have. */
const otherUnits: readonly (readonly [unit: string, suffix: string])[] = [
  ['', ''],
  ['{request}', ''],
  ['{}', ''],
  ['{a}/{b}', ''],
  ['By/{request}', '_bytes'],
  ['{request}/s', '_per_second'],
  ['/s', '_per_second'],
  ['1/s', '_per_second'],
  ['By/', '_bytes'],
  [' s ', '_seconds'],
  ['By / s', '_bytes_per_second'],
  ['items', '_items'],
  ['Foo-Bar', '_Foo_Bar'],
  ['KBy', '_kilobytes'],
  ['By/fortnight', '_bytes_per_fortnight'],
  ['m/s/s', '_meters_per_s_s'],
  ['[degF]', '_degF_'],
  ['°', ''],
  ['m2', '_m2'],
  ['dB[SPL]', '_dB_SPL_'],
  ['a_b', '_a_b'],
  ['a__b', '_a_b'],
];

/** Names of every shape, as they become without a unit and without what a kind adds. */
const names: readonly (readonly [name: string, plain: string])[] = [
  ['requests', 'requests'],
  ['http.server.request.duration', 'http_server_request_duration'],
  ['http/server/requests', 'http_server_requests'],
  ['http-server-requests', 'http_server_requests'],
  ['http server requests', 'http_server_requests'],
  ['http..server', 'http_server'],
  ['http__server', 'http_server'],
  ['http._-server', 'http_server'],
  ['.requests', 'requests'],
  ['requests.', 'requests'],
  ['_requests_', 'requests'],
  ['__requests', 'requests'],
  ['camelCase', 'camelCase'],
  ['UPPER.CASE', 'UPPER_CASE'],
  ['job:requests:rate5m', 'job:requests:rate5m'],
  [':requests', ':requests'],
  ['requests:', 'requests:'],
  ['2xx', '_2xx'],
  ['2xx.responses', '_2xx_responses'],
  ['.2xx', '_2xx'],
  ['_2xx', '_2xx'],
  ['0', '_0'],
  ['9.9.9', '_9_9_9'],
  ['x2', 'x2'],
  ['température', 'temp_rature'],
  ['größe.max', 'gr_e_max'],
  ['数量.requests', 'requests'],
  ['requests.数量', 'requests'],
  ['a数b', 'a_b'],
  ['emoji.🔥.count', 'emoji_count'],
  ['a\nb', 'a_b'],
  ['a"b', 'a_b'],
  ['a{b="c"}', 'a_b_c'],
  ['Ⅷ.x', 'x'],
  ['٣.x', 'x'],
  ['a\u0000b', 'a_b'],
];

/** Names that have words of their suffixes already. */
const suffixed: readonly (readonly [name: string, unit: string, kind: StreamKind, expected: string])[] = [
  ['requests.total', '', 'counter', 'requests_total'],
  ['requests_total', '', 'counter', 'requests_total'],
  ['total.requests', '', 'counter', 'requests_total'],
  ['total', '', 'counter', 'total'],
  ['total.total', '', 'counter', 'total'],
  ['requests.total', '', 'gauge', 'requests_total'],
  ['requests.total', '', 'updowncounter', 'requests_total'],
  ['requests.Total', '', 'counter', 'requests_Total_total'],
  ['requests.totals', '', 'counter', 'requests_totals_total'],
  ['subtotal', '', 'counter', 'subtotal_total'],
  ['cpu.time.total', 's', 'counter', 'cpu_time_seconds_total'],
  ['cpu.seconds.total', 's', 'counter', 'cpu_seconds_total'],
  ['cpu.total.seconds', 's', 'counter', 'cpu_seconds_total'],
  ['wait.seconds', 's', 'gauge', 'wait_seconds'],
  ['wait.seconds', 's', 'histogram', 'wait_seconds'],
  ['wait.seconds.max', 's', 'gauge', 'wait_seconds_max'],
  ['seconds.waited', 's', 'gauge', 'seconds_waited'],
  ['wait.milliseconds', 's', 'gauge', 'wait_milliseconds_seconds'],
  ['wait.s', 's', 'gauge', 'wait_s_seconds'],
  ['waitseconds', 's', 'gauge', 'waitseconds_seconds'],
  ['disk.read.bytes', 'By', 'counter', 'disk_read_bytes_total'],
  ['bytes.moved', 'By/s', 'gauge', 'bytes_moved_per_second'],
  ['moved.per_second', 'By/s', 'gauge', 'moved_per_second_bytes_per_second'],
  ['moved.bytes.per.second', 'By/s', 'gauge', 'moved_bytes_per_second_per_second'],
  ['hw.gpu.utilization', '1', 'gauge', 'hw_gpu_utilization_ratio'],
  ['hit.ratio', '1', 'gauge', 'hit_ratio'],
  ['ratio.of.hits', '1', 'gauge', 'of_hits_ratio'],
  ['ratio', '1', 'gauge', 'ratio'],
  ['hit.ratio', '', 'gauge', 'hit_ratio'],
  ['hits', '1', 'counter', 'hits_total'],
  ['hits', '1', 'updowncounter', 'hits'],
  ['hits', '1', 'histogram', 'hits'],
  ['hits', ' 1 ', 'gauge', 'hits'],
  ['hits', '{hit}', 'gauge', 'hits'],
  ['disk.percent', '%', 'gauge', 'disk_percent'],
  ['run.items', 'items', 'gauge', 'run_items'],
  ['run.foo_bar', 'foo-bar', 'gauge', 'run_foo_bar_foo_bar'],
  ['2xx', 's', 'counter', '_2xx_seconds_total'],
];

const nothingToName = ['', '.', '...', '_', '___', '数量', '🔥', ' ', '\n', '-', '/', '¹', '"{}"'];

const asciiCharacters = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));
const isLetter = (character: string) => /^[a-zA-Z]$/.test(character);
const isDigit = (character: string) => /^[0-9]$/.test(character);

/** Every printable character in the middle, at the start and at the end. */
function charactersInNames(): [name: string, expected: string][] {
  return asciiCharacters.flatMap((c): [string, string][] => {
    if (isLetter(c) || c === ':') return [`a${c}b`, `${c}a`, `a${c}`].map((name) => [name, name]);
    if (isDigit(c))
      return [
        [`a${c}b`, `a${c}b`],
        [`${c}a`, `_${c}a`],
        [`a${c}`, `a${c}`],
      ];
    return [
      [`a${c}b`, 'a_b'],
      [`${c}a`, 'a'],
      [`a${c}`, 'a'],
    ];
  });
}

export const nameCases: readonly NameCase[] = [
  ...names.flatMap(([name, plain]) =>
    kinds.map((kind) => ({ name, unit: '', kind, expected: plain + typeSuffix[kind] })),
  ),
  ...Object.entries(units).flatMap(([unit, word]) =>
    kinds.map((kind) => ({ name: 'size', unit, kind, expected: `size_${word}${typeSuffix[kind]}` })),
  ),
  ...Object.entries(perUnits).flatMap(([per, word]) => [
    { name: 'speed', unit: `By/${per}`, kind: 'gauge' as const, expected: `speed_bytes_per_${word}` },
    { name: 'speed', unit: `{x}/${per}`, kind: 'gauge' as const, expected: `speed_per_${word}` },
    { name: 'speed', unit: `1/${per}`, kind: 'counter' as const, expected: `speed_per_${word}_total` },
    { name: `a.per_${word}`, unit: `m/${per}`, kind: 'gauge' as const, expected: `a_per_${word}_meters_per_${word}` },
  ]),
  ...otherUnits.flatMap(([unit, suffix]) =>
    (['gauge', 'histogram'] as const).map((kind) => ({ name: 'x', unit, kind, expected: `x${suffix}` })),
  ),
  ...suffixed.map(([name, unit, kind, expected]) => ({ name, unit, kind, expected })),
  ...charactersInNames().map(([name, expected]) => ({ name, unit: '', kind: 'gauge' as const, expected })),
  ...nothingToName.map((name) => ({ name, unit: '', kind: 'gauge' as const, expected: undefined })),
];

/** Every printable character of an attribute's name in the middle, at the start and at the end. */
function charactersInAttributes(): [attribute: string, expected: string][] {
  return asciiCharacters.flatMap((c): [string, string][] => {
    if (isLetter(c)) return [`a${c}b`, `${c}a`, `a${c}`].map((name) => [name, name]);
    if (isDigit(c))
      return [
        [`a${c}b`, `a${c}b`],
        [`${c}a`, `key_${c}a`],
        [`a${c}`, `a${c}`],
      ];
    return [
      [`a${c}b`, 'a_b'],
      [`${c}a`, 'key_a'],
      [`a${c}`, 'a_'],
    ];
  });
}

const attributes: readonly (readonly [attribute: string, label: string])[] = [
  ['http.request.method', 'http_request_method'],
  ['http..method', 'http_method'],
  ['http__method', 'http_method'],
  ['http.-_method', 'http_method'],
  ['http.method.', 'http_method_'],
  ['UPPER', 'UPPER'],
  ['3d', 'key_3d'],
  ['404', 'key_404'],
  ['_private', 'key_private'],
  ['.hidden', 'key_hidden'],
  ['naïve', 'na_ve'],
  ['名前.x', 'key_x'],
  ['x名前', 'x_'],
  ['🔥x', 'key_x'],
  ['job', 'job'],
  ['instance', 'instance'],
  ['quantile', 'quantile'],
  // What begins with two underscores is the server's own.
  ['__name__', 'key_name_'],
  ['__address__', 'key_address_'],
  ['__x', 'key_x'],
  ['_', 'key_'],
  ['名', 'key_'],
];

const labelSets: readonly LabelCase[] = [
  { attributes: {}, expected: {} },
  // Values
  { attributes: { a: 'text' }, expected: { a: 'text' } },
  { attributes: { a: '' }, expected: { a: '' } },
  { attributes: { a: 1 }, expected: { a: '1' } },
  { attributes: { a: -0.5 }, expected: { a: '-0.5' } },
  { attributes: { a: 1e21 }, expected: { a: '1e+21' } },
  { attributes: { a: true }, expected: { a: 'true' } },
  { attributes: { a: ['x', 'y"z'] }, expected: { a: '["x","y\\"z"]' } },
  { attributes: { a: [1, 2.5] }, expected: { a: '[1,2.5]' } },
  { attributes: { a: [true, false] }, expected: { a: '[true,false]' } },
  { attributes: { a: [] }, expected: { a: '[]' } },
  { attributes: { a: 'x;y' }, expected: { a: 'x;y' } },
  { attributes: { a: 'a\\b"c\nd' }, expected: { a: 'a\\b"c\nd' } },
  // Names that become one: values in the order of the original names
  { attributes: { 'a.b': '1', a_b: '2' }, expected: { a_b: '1;2' } },
  { attributes: { a_b: '2', 'a.b': '1' }, expected: { a_b: '1;2' } },
  { attributes: { 'a-b': 'x', 'a.b': 'y', 'a/b': 'z', a_b: 'w' }, expected: { a_b: 'x;y;z;w' } },
  { attributes: { 'a b': '1', 'a!b': '2' }, expected: { a_b: '1;2' } },
  { attributes: { 'a..b': '1', 'a.b': '2' }, expected: { a_b: '1;2' } },
  { attributes: { '3d': '1', key_3d: '2' }, expected: { key_3d: '1;2' } },
  { attributes: { '.a': '1', _a: '2', key_a: '3' }, expected: { key_a: '1;2;3' } },
  { attributes: { 'a.b': 1, 'a-b': true }, expected: { a_b: 'true;1' } },
  { attributes: { 'a.b': '', a_b: '' }, expected: { a_b: ';' } },
  { attributes: { 'a.b': 'x', a_b: 'x' }, expected: { a_b: 'x;x' } },
  { attributes: { 'a.b': '1;2', a_b: '3' }, expected: { a_b: '1;2;3' } },
  { attributes: { 'a.b': '1', a_b: '2', 'c.d': '3', c: '4' }, expected: { a_b: '1;2', c: '4', c_d: '3' } },
  { attributes: { A: '1', a: '2' }, expected: { A: '1', a: '2' } },
  { attributes: { é: '1', è: '2' }, expected: { key_: '2;1' } },
  { attributes: { 'a.B': '1', 'a.b': '2', a_B: '3' }, expected: { a_B: '1;3', a_b: '2' } },
  // Nothing to name, nothing to tell
  { attributes: { '': 'x' }, expected: {} },
  { attributes: { '': 'x', a: 'y' }, expected: { a: 'y' } },
  { attributes: { a: undefined, b: 'y' }, expected: { b: 'y' } },
];

export const labelCases: readonly LabelCase[] = [
  ...[...charactersInAttributes(), ...attributes].map(([attribute, label]) => ({
    attributes: { [attribute]: 'v' },
    expected: { [label]: 'v' },
  })),
  ...labelSets,
];
