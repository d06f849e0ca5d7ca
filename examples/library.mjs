// The library in a program of your own: time your kernels, look at their statistics, and export them with whatever
// readers your OpenTelemetry SDK has.
//
//   node examples/library.mjs
import { ConsoleMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { createProfiler, ProfilingMetric } from 'accelmeter';

const profiler = await createProfiler({ backends: ['cpu'] });
const provider = new MeterProvider({
  readers: [
    new PeriodicExportingMetricReader({
      exporter: new ConsoleMetricExporter(),
      metricProducers: [profiler.metricProducer()],
    }),
  ],
});

const [cpu] = profiler.devices;
for (let i = 0; i < 100; i++) {
  cpu.timeKernel('sort', () => Float64Array.from({ length: 10_000 }, Math.random).sort());
}
const scale = cpu.kernel('scale'); // bound once: `record` is then a few nanoseconds
scale.record(0.00125);
cpu.report(ProfilingMetric.create('Custom', 42, 'tokens in flight', '{token}'));

const { kernelStats, metrics } = await cpu.getProfilingSnapshot();
console.log(`${kernelStats.totalExecutions} kernels, P95 ${kernelStats.p95ExecutionTimeMs.toFixed(2)} ms`);
console.log(metrics.find(({ name }) => name === 'tokens in flight'));

await provider.shutdown(); // exports once more
await profiler.close();
