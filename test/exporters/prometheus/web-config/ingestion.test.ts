/** Real Prometheus servers scrape an endpoint that wants TLS, a client's certificate and a password. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hash } from 'bcryptjs';
import { describe, expect, test, vi } from 'vitest';
import { startPrometheus } from '../../../dashboards/prometheus-server.ts';
import { lacks } from '../../../parts.ts';
import { serveSecured } from './secured.ts';

describe.each(['prometheus', 'prometheus3'] as const)('%s', (part) => {
  test.skipIf(lacks(part))('scrapes by https with what it has, and not without', { timeout: 60_000 }, async () => {
    const { port, meter, authority, folder } = await serveSecured([
      'tls_server_config:',
      '  cert_file: server.crt',
      '  key_file: server.key',
      '  client_auth_type: RequireAndVerifyClientCert',
      '  client_ca_file: ca.crt',
      '  client_allowed_sans: [prometheus.example]',
      'basic_auth_users:',
      `  prometheus: ${await hash('right', 10)}`,
    ]);
    meter.createCounter('orders').add(42);
    const client = await authority.issue('prometheus', ['dns:prometheus.example']);
    writeFileSync(join(folder, 'client.crt'), client.cert);
    writeFileSync(join(folder, 'client.key'), client.key);
    const address = `127.0.0.1:${port}`;
    const own = { cert_file: join(folder, 'client.crt'), key_file: join(folder, 'client.key') };
    const job = (tls: object, password: string) => ({
      scheme: 'https',
      static_configs: [{ targets: [address] }],
      scrape_interval: '500ms',
      scrape_timeout: '500ms',
      tls_config: { ca_file: join(folder, 'ca.crt'), ...tls },
      basic_auth: { username: 'prometheus', password },
    });
    const up = async (settings: Record<string, unknown>, expected: number) => {
      const prometheus = await startPrometheus([address], { part, job: settings });
      try {
        const one = async (expression: string) => (await prometheus.query(expression))[0]?.values[0];
        await vi.waitFor(async () => expect(await one('up')).toBe(expected), { timeout: 20_000, interval: 200 });
        return { orders: await one('orders_total'), age: await one('accelmeter_page_age_seconds') };
      } finally {
        await prometheus.close();
      }
    };
    const nothing = { orders: undefined, age: undefined };
    const [scraped, wrong, nobody] = await Promise.all([
      up(job(own, 'right'), 1),
      up(job(own, 'wrong'), 0),
      up(job({}, 'right'), 0),
    ]);
    expect(scraped.orders).toBe(42);
    expect(scraped.age).toBeLessThan(2);
    expect({ wrong, nobody }).toEqual({ wrong: nothing, nobody: nothing });
  });
});
