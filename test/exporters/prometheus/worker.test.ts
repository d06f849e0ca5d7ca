/** A Worker that listens for a service whose event loop is blocked. */
import { expect, test } from 'vitest';
import { serve } from './service.ts';

test('x', async () => {
  const { meter, get, exporter } = await serve({ worker: true });
  meter.createGauge('size').record(1, { k: 'é' });
  const page = await get('/metrics');
  expect(page.body).toContain('accelmeter_page_age');
  console.log(page, exporter.url, await get('/').then((a) => a.status));
  await exporter.stopServer();
});
