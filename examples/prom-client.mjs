// A service that measures itself with prom-client and has a page for Prometheus: one line puts accelmeter's metrics on
// that page. The other way round, a reader of an OpenTelemetry SDK gets what the service measures.
//
//   npm install prom-client; node examples/prom-client.mjs
//
// With @prometheus-io/client, prom-client's successor, it is the same.
import { createServer } from 'node:http';
import { ConsoleMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { createProfiler } from 'accelmeter';
import { fromRegistry, registerInto } from 'accelmeter/prom-client';
import { Counter, register } from 'prom-client';

const searches = new Counter({ name: 'shop_searches_total', help: 'Searches.', labelNames: ['route'] });
const server = createServer(async (_request, response) => {
  response.writeHead(200, { 'Content-Type': register.contentType }).end(await register.metrics());
});
await new Promise((resolve) => server.listen(Number(process.env.PORT ?? 9400), '127.0.0.1', resolve));

const profiler = await createProfiler();
const registration = registerInto(register, profiler); // under accelmeter/register: registerInto(register)

searches.inc({ route: '/search' });
for (const device of profiler.devices) device.timeKernel('embed', () => Math.hypot(3, 4));

const page = await (await fetch(`http://127.0.0.1:${server.address().port}/metrics`)).text();
console.log(page.match(/^(shop_searches_total|accelmeter_kernel_duration_seconds_count).*$/gm).join('\n'));

const exporter = new ConsoleMetricExporter();
const reader = new PeriodicExportingMetricReader({ exporter, metricProducers: [fromRegistry(register)] });
const meters = new MeterProvider({ readers: [reader] });
await meters.shutdown(); // tells all once more

server.close();
registration.unregister();
await profiler.close();
