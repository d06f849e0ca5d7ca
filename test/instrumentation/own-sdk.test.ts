/** Services that have an OpenTelemetry SDK of their own: their MeterProvider gets what we measure. */
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Child, onEveryNode } from '../child.ts';
import { lacks, part } from '../parts.ts';

const register = ['--import', 'accelmeter/register'];
const sdk = ['--import', './test/programs/node-sdk.mjs'];
const idle = ['-e', 'setTimeout(() => {}, 60_000)'];
const root = join(import.meta.dirname, '../..');
const services = { 'SDK 3': root, 'SDK 2': join(root, 'test/services/sdk-2') };

/** The SDK's own Prometheus exporter and ours listen on one port, as they do by default. */
async function environment(more: Record<string, string>): Promise<Record<string, string>> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return {
    OTEL_METRICS_EXPORTER: 'prometheus',
    OTEL_EXPORTER_PROMETHEUS_PORT: String(port),
    OTEL_TRACES_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
    OTEL_NODE_RESOURCE_DETECTORS: 'env,process',
    ...more,
  };
}

/** The page of the service's own exporter, once we are attached to its MeterProvider. */
async function pageOf(service: Child, port: string): Promise<string> {
  await service.said(/metrics go to the MeterProvider of the service, nothing is served here/);
  const get = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return get().catch(() => pause(1000).then(get)); // The exporter may still be looking up its host.
}

/** Attached once: each of our series is there, and there once. */
function expectOurMetrics(page: string): void {
  expect(page).toMatch(/^accelmeter_build_info\{/m);
  const uptimes = page.split('\n').filter((line) => /^process_uptime\b/.test(line));
  expect(uptimes).toHaveLength(1);
  expect(uptimes[0]).toContain('otel_scope_name="accelmeter"');
  expect(page).toMatch(/^accelmeter_source_up\{accelmeter_source="process".*\} 1$/m);
}

onEveryNode(({ startNode }) => {
  describe.each(Object.entries(services))('a service with %s', (_, service) => {
    it.each([
      ['before us', { SERVICE: service }, [...sdk, ...register, ...idle]],
      ['after us', { SERVICE: service }, [...register, ...sdk, ...idle]],
      ['while we are serving', { SERVICE: service, DELAY: '1200' }, [...register, 'test/programs/node-sdk.mjs']],
    ])('that is started %s', async (when, more, args) => {
      const env = await environment(more);
      const program = startNode(args, env);
      if (when === 'while we are serving') await program.said(/^accelmeter \d.*http:\S+\/metrics/m);
      expectOurMetrics(await pageOf(program, env.OTEL_EXPORTER_PROMETHEUS_PORT ?? ''));
    });
  });

  describe.skipIf(lacks('auto-instrumentations'))('a service under auto-instrumentations-node', () => {
    const found = part('auto-instrumentations');
    const file = found.present ? found.path : '';

    it.each([
      ['before us, by --require', ['--require', file, ...register, ...idle]],
      ['after us, by --import', [...register, '--import', file.replace(/\.cjs$/, '.mjs'), ...idle]],
    ])('that is loaded %s', async (_, args) => {
      const env = await environment({ OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'http' });
      const program = startNode(args, env);
      expectOurMetrics(await pageOf(program, env.OTEL_EXPORTER_PROMETHEUS_PORT ?? ''));
    });
  });
});
