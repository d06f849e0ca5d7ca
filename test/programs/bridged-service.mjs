/** A service that registers a global MeterProvider of its SDK and bridges a profiler to it. */
import { metrics } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { bridgeToApi, createProfiler } from 'accelmeter';

const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));

const profiler = await createProfiler({ backends: ['cpu'] });
bridgeToApi(profiler);
for (let i = 0; i < 3; i++) profiler.devices[0].timeKernel('work', () => i);

const { resourceMetrics, errors } = await reader.collect();
const ours = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
const durations = ours.find(({ descriptor }) => descriptor.name === 'accelmeter.kernel.duration');
console.log(JSON.stringify({ errors, executions: durations?.dataPoints[0]?.value.count }));
await profiler.close();
