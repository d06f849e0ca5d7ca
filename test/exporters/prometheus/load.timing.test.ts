/** Two hundred scrapers at once, half of them hostile, for some seconds. `npm run bench -- load` has a minute of it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { expect, test } from 'vitest';
import { startNode } from '../../child.ts';
import { pause } from './service.ts';
import { folder } from './web-config/secured.ts';

const seconds = 4;

test('scrapers of any kind do no harm to the service', { timeout: 60_000 }, async () => {
  const file = join(folder(), 'web.yml');
  writeFileSync(file, `basic_auth_users:\n  prometheus: ${hashSync('right', 8)}\n`);
  const service = startNode(['--expose-gc', '--import', 'accelmeter/register', 'bench/programs/loaded-service.mjs'], {
    ACCELMETER_WEB_CONFIG_FILE: file,
    OTEL_EXPORTER_PROMETHEUS_PORT: '0',
  });
  const port = (await service.said(/^service (\d+)$/m))[1];
  const scraped = (await service.said(/http:\/\/127\.0\.0\.1:(\d+)\/metrics/))[1] ?? '';
  const ask = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  const resident = async () => JSON.parse(await ask('/memory')).rss / 2 ** 20;
  const load = async () => {
    const scrapers = startNode(['bench/programs/scrapers.mjs', scraped, String(seconds), '200', 'prometheus:right']);
    const [, latencies, { stdout }] = [await pause(500), await measure(ask), await scrapers.ended];
    return { latencies, told: JSON.parse(stdout) as Record<string, Record<string, number>> };
  };

  await load(); // until everything is compiled
  const before = await resident();
  const quiet = await measure(ask);
  const { latencies, told } = await load();

  expect(Object.keys(told.behaves ?? {})).toEqual(['200']);
  // Also in the midst of it every one of them sees how things are now.
  expect(told.page?.told).toBeGreaterThan(100);
  expect(told.page?.oldest).toBeLessThan(2);
  expect(Object.keys(told['has no password'] ?? {})).toEqual(['401']);
  expect(Object.keys(told['has the same wrong password'] ?? {})).toEqual(['401']);
  expect(Object.keys(told.guesses ?? {}).filter((status) => !['401', '503'].includes(status))).toEqual([]);
  for (const outcomes of Object.values(told)) expect(Object.keys(outcomes)).not.toContain('ECONNREFUSED');
  // The bench has the exact ratio, over a minute and on a machine of its own.
  expect(quantile(latencies, 0.99)).toBeLessThan(quantile(quiet, 0.99) * 1.5 + 5);
  expect((await resident()) - before).toBeLessThan(25);
});

/** Latencies of the service's own requests, a hundred a second. */
async function measure(ask: (path: string) => Promise<string>): Promise<number[]> {
  const latencies: number[] = [];
  const until = performance.now() + (seconds - 1) * 1000;
  while (performance.now() < until) {
    const asked = performance.now();
    await ask('/');
    latencies.push(performance.now() - asked);
    await pause(10);
  }
  return latencies;
}

function quantile(values: readonly number[], q: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * q)] ?? Number.NaN;
}
