/** A series that two metrics have, or one has twice, is once on a page: the first, and the page says so. */
import { diag } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { DataPointType, type MetricData } from '@opentelemetry/sdk-metrics';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { FormatsOptions } from '../../../src/exporters/prometheus/formats.ts';
import { readPage } from './client-model.ts';
import { formatIn, write } from './pages.ts';

type Points = readonly [attributes: object, value: unknown][];
type Scope = readonly [scope: string, metrics: readonly MetricData[]];

function metric(name: string, points: Points, dataPointType = DataPointType.GAUGE): MetricData {
  const time = [1_700_000_000, 0];
  return {
    descriptor: { name, unit: '', description: '', valueType: 1 },
    ...{ aggregationTemporality: 1, dataPointType, isMonotonic: true },
    dataPoints: points.map(([attributes, value]) => ({ attributes, value, startTime: time, endTime: time })),
  } as unknown as MetricData;
}

const explicit = (count: number) => ({ buckets: { boundaries: [1], counts: [count, 0] }, count, sum: 1 });

let warnings: string[];
beforeEach(() => {
  warnings = [];
  const warn = vi.spyOn(diag, 'warn').mockImplementation((sentence) => void warnings.push(sentence));
  onTestFinished(() => warn.mockRestore());
});

/** Pages of text, as lines that are no comments. */
function pages(options: Partial<FormatsOptions> = {}) {
  const format = formatIn('text underscores', options);
  return (...scopes: Scope[]) => {
    const scopeMetrics = scopes.map(([name, metrics]) => ({ scope: { name }, metrics: [...metrics] }));
    const page = write(format, { resource: resourceFromAttributes({}), scopeMetrics }).toString();
    return page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  };
}
const dropped = (streams: number) => `accelmeter_export_dropped{accelmeter_reason="duplicate_series"} ${streams}`;

describe('is once on a page', () => {
  test('where names of two metrics become one, of which the second keeps what it alone has', () => {
    const page = pages();
    const metrics = [
      metric('a.b', [[{ of: 'x' }, 1]]),
      metric('a_b', [
        [{ of: 'x' }, 2],
        [{ of: 'y' }, 3],
      ]),
    ];
    const expected = ['a_b{of="x"} 1', 'a_b{of="y"} 3', dropped(1)];
    expect(page(['s', metrics])).toEqual(expected);
    expect(page(['s', metrics])).toEqual(expected); // From what was found on the page before.
    expect(warnings).toEqual(['Prometheus: a_b has series twice; the first of each is exported.']);
  });

  test('where two scopes have a metric and pages do not tell scopes apart', () => {
    const scopes: Scope[] = [
      ['b', [metric('q', [[{}, 2]])]],
      ['a', [metric('q', [[{}, 1]])]],
    ];
    expect(pages()(...scopes)).toEqual(['q 1', dropped(1)]);
    expect(pages({ withoutScopeInfo: false })(...scopes)).toEqual([
      'q{otel_scope_name="a"} 1',
      'q{otel_scope_name="b"} 2',
    ]);
  });

  test('where it is a histogram', () => {
    const histogram = (name: string, count: number) => metric(name, [[{}, explicit(count)]], DataPointType.HISTOGRAM);
    expect(pages()(['s', [histogram('h.x', 1), histogram('h_x', 2)]])).toEqual([
      'h_x_bucket{le="1"} 1',
      'h_x_bucket{le="+Inf"} 1',
      'h_x_count 1',
      'h_x_sum 1',
      dropped(1),
    ]);
  });

  test.each<[string, object, object]>([
    ['of another type', { a: '1' }, { a: 1 }],
    ['in another order', { 'a.b': 'x', a_a: 'y' }, { a_b: 'x', a_a: 'y' }],
    ['of which one is empty, which is none', { a: '1', b: '' }, { a: '1' }],
    ['that are no others at all', { a: '1' }, { a: '1' }],
  ])('where one metric has points with attributes %s', (_, one, other) => {
    const [first, ...others] = pages()([
      's',
      [
        metric('q', [
          [one, 1],
          [other, 2],
        ]),
      ],
    ]);
    expect(first).toMatch(/^q\{.*\} 1$/);
    expect(others).toEqual([dropped(1)]);
  });
});

test('it is found on the page where it comes up, also among many, and is there once what it repeated has gone', () => {
  const page = pages();
  const { descriptor } = metric('q', []);
  const points: Points = Array.from({ length: 1000 }, (_, i) => [{ of: i }, i]);
  const q = (...given: Points) => ({ ...metric('q', given), descriptor }) as MetricData;
  expect(page(['s', [q(...points)]])).toHaveLength(1000);
  const repeating = page(['s', [q(...points, [{ of: '700' }, -1])]]);
  expect(repeating).toHaveLength(1001);
  expect(repeating).toContain('q{of="700"} 700');
  expect(repeating.at(-1)).toBe(dropped(1));
  const mended = page(['s', [q(...points.toSpliced(700, 1), [{ of: '700' }, -1])]]);
  expect(mended).toContain('q{of="700"} -1');
  expect(mended.at(-1)).toBe(dropped(0));
});

test('in OpenMetrics, which forbids it, and in protobuf as well', () => {
  const metrics = [metric('hits', [[{}, 1]], DataPointType.SUM), metric('hits_total', [[{}, 2]], DataPointType.SUM)];
  const collected = { resource: resourceFromAttributes({}), scopeMetrics: [{ scope: { name: 's' }, metrics }] };
  expect(write(formatIn('openmetrics underscores'), collected).toString()).toMatch(
    /^# TYPE hits counter\nhits_total 1\n# /,
  );
  const families = readPage(write(formatIn('protobuf underscores'), collected));
  expect(
    families.map(({ name, metric }) => [name, metric.map((each) => each.counter?.value ?? each.gauge?.value)]),
  ).toEqual([
    ['hits_total', [1]],
    ['accelmeter_export_dropped', [1]],
  ]);
});
