/** What a page cannot have is left out, and the page says how much that is. */
import { diag } from '@opentelemetry/api';
import { AggregationTemporality, type MetricProducer } from '@opentelemetry/sdk-metrics';
import { expect, onTestFinished, test, vi } from 'vitest';
import { serve } from './service.ts';

const droppedOn = (page: string) =>
  Object.fromEntries(
    Array.from(
      page.matchAll(/^accelmeter_export_dropped\{accelmeter_reason="(\w+)"\} (\d+)$/gm),
      ([, reason, count]) => [reason, Number(count)],
    ),
  );

/** A producer of the service's own, whose metrics a test changes. */
function producer(): MetricProducer & { metrics: object[] } {
  const given = {
    metrics: [] as object[],
    collect: async () =>
      ({
        resourceMetrics: { resource: {}, scopeMetrics: [{ scope: { name: 'p' }, metrics: given.metrics }] },
        errors: [],
      }) as never,
  };
  return given;
}

function metric(name: unknown, type: number, more: object = {}) {
  return {
    descriptor: { name, unit: '', description: '' },
    dataPointType: type,
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPoints: [{ attributes: {}, startTime: [0, 0], endTime: [1, 0], value: 1 }],
    ...more,
  };
}
const [gauge, sum] = [2, 3];

test('a page says how many metrics it cannot have, by the reason, and that there are none when they are mended', async () => {
  const said = vi.fn();
  const silent = () => {};
  diag.setLogger({ error: silent, warn: said, info: silent, debug: silent, verbose: silent });
  onTestFinished(() => diag.disable());
  const own = producer();
  const { get } = await serve({ metricProducers: [own] });
  const page = async () => (await get('/metrics')).body;
  expect(await page()).not.toContain('accelmeter_export_dropped');

  own.metrics = [
    metric('size', gauge),
    metric('size.total', gauge),
    metric('size', sum, { isMonotonic: true }),
    metric('size', sum, { isMonotonic: true }),
    metric('...', gauge),
    metric('', gauge),
    metric(undefined, gauge),
    metric('target.info', gauge),
    metric('fell', sum, { isMonotonic: true, aggregationTemporality: AggregationTemporality.DELTA }),
    metric('fine', gauge),
  ];
  const expected = { conflicting_type: 3, no_name: 3, reserved_name: 1, delta: 1 };
  const first = await page();
  expect(droppedOn(first)).toEqual(expected);
  expect(first).toMatch(/^size\{[^}]*\} 1$/m); // the gauge; the counter would be size_total
  expect(first).not.toMatch(/^size_total/m);
  expect(first).toMatch(/^fine\{[^}]*\} 1$/m);
  expect(droppedOn(await page())).toEqual(expected);
  expect(said).toHaveBeenCalledTimes(6); // Each metric once, though there were two pages.

  own.metrics = [metric('fine', gauge)];
  expect(droppedOn(await page())).toEqual({ conflicting_type: 0, no_name: 0, reserved_name: 0, delta: 0 });
});

test('in every format alike', async () => {
  const own = producer();
  own.metrics = [metric('size', gauge), metric('size.total', sum, { isMonotonic: true }), metric('size.total', gauge)];
  const { get } = await serve({ metricProducers: [own] });
  for (const Accept of ['text/plain;version=0.0.4', 'application/openmetrics-text;version=1.0.0']) {
    const { body } = await get('/metrics', { headers: { Accept } });
    expect(droppedOn(body.replaceAll(/\} (\d+)(\.0)?$/gm, '} $1')), Accept).toEqual({ conflicting_type: 2 });
  }
});
