// A service that has an OpenTelemetry SDK and serves Prometheus already: accelmeter's exporter takes the place of
// @opentelemetry/exporter-prometheus, with the same options, and its producer brings the devices in. One page then
// holds the service's own metrics and what its kernels take.
//
//   node examples/existing-sdk.mjs
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { createProfiler } from 'accelmeter';
import { PrometheusExporter } from 'accelmeter/prometheus';

const profiler = await createProfiler();
const exporter = new PrometheusExporter({
  port: Number(process.env.PORT ?? 9464),
  preventServerStart: true,
  metricProducers: [profiler.metricProducer()],
});
const provider = new MeterProvider({ readers: [exporter] });
await exporter.startServer();

const requests = provider.getMeter('shop').createCounter('shop.requests', { unit: '{request}' });
requests.add(3, { route: '/search' });
for (const device of profiler.devices) device.timeKernel('embed', () => Math.hypot(3, 4));

const page = await (await fetch(exporter.metricsUrl)).text();
console.log(page.match(/^(shop_requests_total|accelmeter_kernel_duration_seconds_count).*$/gm).join('\n'));

await provider.shutdown();
await profiler.close();
