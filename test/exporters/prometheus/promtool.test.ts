/** Prometheus' own linter reads a page with every kind of instrument. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { lacks, requirePart } from '../../parts.ts';
import { serve } from './service.ts';

describe.skipIf(lacks('promtool'))('promtool check metrics', () => {
  const check = (page: string) => {
    const { status, stdout, stderr } = spawnSync(requirePart('promtool').path, ['check', 'metrics'], { input: page });
    return { status, said: `${stdout}${stderr}` };
  };

  test('finds nothing to say about our page', async () => {
    const { meters, meter, get } = await serve();
    const description = 'A metric.';
    meter.createCounter('hw.energy', { unit: 'J', description }).add(3, { 'hw.id': '"\\\n' });
    meter.createUpDownCounter('hw.gpu.memory.usage', { unit: 'By', description }).add(-3, { '1': '2', 'le.': 'x' });
    meter.createGauge('hw.gpu.utilization', { unit: '1', description }).record(0.25);
    meter.createGauge('temperature', { unit: 'Cel', description }).record(Number.NaN);
    meter.createGauge('bandwidth', { unit: 'By/s', description }).record(Number.POSITIVE_INFINITY);
    meter.createHistogram('run.duration', { unit: 's', description }).record(1e-7, { le: 'x', model: 'é' });
    meters.getMeter('other').createCounter('hw.energy', { unit: 'J' }).add(1);
    meter.createObservableGauge('broken').addCallback(() => {
      throw new Error('gone');
    });
    const { body } = await get('/metrics');
    expect(body.split('\n').length).toBeGreaterThan(30);
    expect(check(body)).toEqual({ status: 0, said: '' });
  });

  test('would have said it', () => {
    expect(check('# TYPE x_total gauge\nx_total{a="1",a="2"} 1\n').status).not.toBe(0);
  });
});
