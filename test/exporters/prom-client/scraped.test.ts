/** A real Prometheus, old and new, scrapes a page of prom-client that has our metrics. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { registerInto } from '../../../src/exporters/prom-client/bridge.ts';
import { startPrometheus } from '../../dashboards/prometheus-server.ts';
import { machine, runEverything } from '../../otel/machine.ts';
import { lacks } from '../../parts.ts';
import { type Client, clients, openMetrics, samplesOf, text } from './clients.ts';

/** Address of a page, and the names of the samples on it. */
async function page(client: Client, contentType: string) {
  const { profiler, sink } = await machine({ collects: true });
  runEverything(sink);
  const registry = new client.Registry();
  registry.setContentType(contentType as typeof text);
  registry.setDefaultLabels({ app: 'shop' });
  registerInto(registry, profiler);
  const server = createServer(async (_, response) => {
    response.writeHead(200, { 'Content-Type': registry.contentType }).end(await registry.metrics());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const series = [...samplesOf(await registry.metrics()).keys()].map((key) => key.replace(/le="([^"]*)"/, bound));
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, series };
}

/** The newer one writes boundaries its own way. */
const bound = (_: string, le: string) => `le="${Number(le.replace('Inf', 'Infinity'))}"`;

const keyOf = ({ __name__, instance, job, ...labels }: Readonly<Record<string, string>>) => {
  const text = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return `${__name__}{${text
    .sort()
    .join()
    .replace(/le="([^"]*)"/, bound)}}`;
};

const parts = ['prometheus', 'prometheus3'] as const;

it.skipIf(lacks(...parts))('both take every series of all four pages: each package, text and OpenMetrics', async () => {
  const pages = await Promise.all(
    clients.flatMap(([, client]) => [text, openMetrics].map((contentType) => page(client, contentType))),
  );
  const addresses = pages.map(({ address }) => address);
  // Together, since each takes five seconds to its first scrape.
  const taken = parts.map(async (part) => {
    const prometheus = await startPrometheus(addresses, { part });
    onTestFinished(() => prometheus.close());
    const up = async () => (await prometheus.query('up == 1')).length;
    for (let i = 0; i < 100 && (await up()) < 4; i++) await sleep(100);
    expect((await prometheus.targets()).map(({ lastError }) => lastError)).toEqual(['', '', '', '']);
    for (const { address, series } of pages) {
      const stored = new Set((await prometheus.series(`{instance="${address}",app="shop"}`)).map(keyOf));
      expect(series.length).toBeGreaterThan(200);
      expect(series.filter((key) => !stored.has(key))).toEqual([]);
    }
    return prometheus.query('accelmeter_device_busy_seconds_total{hw_id="GPU-1"}');
  });
  for (const busy of await Promise.all(taken)) expect(busy).toHaveLength(4);
});
