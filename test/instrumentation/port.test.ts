/** The port of register's endpoint, and services that want it for themselves. */
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { type Child, onEveryNode } from '../child.ts';

const register = ['--import', 'accelmeter/register'];

/** A port that nobody listens on, as far as that can be known. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const get = async (port: number) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();

onEveryNode(({ startNode }) => {
  const start = (program: string, port: number): Child =>
    startNode([...register, '--input-type=module', '-e', program], { OTEL_EXPORTER_PROMETHEUS_PORT: String(port) });

  it('the service gets it before us and after us, and we come back when it is free', async () => {
    const opensFirst = async () => {
      const port = await freePort();
      const service = start(
        `import { createServer } from 'node:http';
         const server = createServer((_, response) => response.end('of the service'));
         server.listen(${port}, () => console.log('listening'));
         setTimeout(() => { server.close(); server.closeAllConnections(); }, 2200);
         setTimeout(() => {}, 60_000);`,
        port,
      );
      await service.said(/not served, port \d+ is taken/);
      expect(await get(port)).toBe('of the service');
      await service.said(/^accelmeter: http:\S+\/metrics$/m);
      expect(await get(port)).toContain('accelmeter_build_info');
    };
    const opensLater = async () => {
      const port = await freePort();
      const service = start(
        `import { createServer } from 'node:http';
         setTimeout(() => {
           const server = createServer((_, response) => response.end('of the service'));
           server.listen(${port}, () => console.log('listening'));
           setTimeout(() => { server.close(); server.closeAllConnections(); }, 1500);
         }, 2200);
         setTimeout(() => {}, 60_000);`,
        port,
      );
      await service.said(/^accelmeter \d.*http:\S+\/metrics/m);
      expect(await get(port)).toContain('accelmeter_build_info');
      await service.said(/listening/);
      expect(await get(port)).toBe('of the service');
      await service.said(/is left to the service/);
      await service.said(/^accelmeter: http:\S+\/metrics$/m);
      expect(await get(port)).toContain('accelmeter_build_info');
    };
    await Promise.all([opensFirst(), opensLater()]);
  });

  it('the official exporter gets it, whichever comes first', async () => {
    const exporting = (port: number) =>
      `const { PrometheusExporter } = await import('@opentelemetry/exporter-prometheus');
       const { MeterProvider } = await import('@opentelemetry/sdk-metrics');
       const exporter = new PrometheusExporter({ port: ${port} }, (error) => console.log(error ?? 'exporting'));
       new MeterProvider({ readers: [exporter] }).getMeter('own').createCounter('orders').add(3);
       setTimeout(() => {}, 60_000);`;
    const before = async () => {
      const port = await freePort();
      const service = start(exporting(port), port);
      await service.said(/exporting/);
      await service.said(/not served, port \d+ is taken/);
      expect(await get(port)).toMatch(/^orders_total\b.* 3$/m);
    };
    const after = async () => {
      const port = await freePort();
      const service = start(`setTimeout(async () => { ${exporting(port)} }, 2200)`, port);
      await service.said(/^accelmeter \d.*http:\S+\/metrics/m);
      expect(await get(port)).toContain('accelmeter_build_info');
      await service.said(/exporting/);
      expect(await get(port)).toMatch(/^orders_total\b.* 3$/m);
    };
    await Promise.all([before(), after()]);
  });

  it('the workers of a cluster get it', async () => {
    const port = await freePort();
    const service = startNode([...register, 'test/programs/listens.mjs', String(port)], {
      OTEL_EXPORTER_PROMETHEUS_PORT: String(port),
    });
    await service.said(/^accelmeter \d.*http:\S+\/metrics/m);
    expect(await get(port)).toContain('accelmeter_build_info');
    await service.said(/listening/);
    expect(await get(port)).toBe('of a worker');
  });
});
