/** The expressions of docs/METRICS.md for objectives, asked of a real Prometheus. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { overObjective } from '../../docs/objectives.ts';
import { createMetricProducer } from '../../src/otel/metric-producer.ts';
import { startPrometheus } from '../dashboards/prometheus-server.ts';
import { serve } from '../exporters/prometheus/service.ts';
import { lacks } from '../parts.ts';
import { gpu, stateOver } from '../profiler-state.ts';

describe.skipIf(lacks('prometheus'))('in PromQL', () => {
  test('P95 is over its objective exactly when more than 5 % of the executions are', async () => {
    const objectives = { kernels: { '*': { p95: '10ms', p99: '10ms' } } };
    const { state, profile } = stateOver([gpu], { objectives });
    /** 100 executions, of which so many took longer. */
    const run = (name: string, over: number) => {
      for (let i = 0; i < 100; i++)
        profile('GPU-1')
          .kernel(name)
          .record(i < over ? 0.011 : 0.01);
    };
    const { port } = await serve({ metricProducers: [createMetricProducer(state)] });
    const prometheus = await startPrometheus([`127.0.0.1:${port}`]);
    onTestFinished(() => prometheus.close());
    run('none', 0);
    run('five', 5);
    run('six', 6);
    const over = async (...of: Parameters<typeof overObjective>) => {
      const series = await prometheus.query(overObjective(...of));
      return Object.fromEntries(series.map(({ labels, values }) => [labels.accelmeter_kernel_name, values[0]]));
    };
    // Rates begin at the second scrape, and are extrapolated from few. This kernel fails its objective only now.
    for (let second = 0; second < 20 && (await over('p99', '1m')).none === undefined; second++) {
      await sleep(500);
      run('none', 50);
    }
    expect((await over('p99', '1m')).none).toBeGreaterThan(0.2);
    expect(await over('p95')).toMatchObject({ six: 0.06 });
    expect(await over('p95')).not.toHaveProperty('five');
    expect(await over('p99')).toMatchObject({ five: 0.05, six: 0.06 });
  }, 30_000);
});
