/** A Worker that listens for a service whose event loop is blocked. */
import { expect, test } from 'vitest';
import { serve } from './service.ts';

const ageOf = (page: string) => Number(/^accelmeter_page_age_seconds (\S+)$/m.exec(page)?.[1]);

test('a page that it serves tells its age, which is next to nothing while the loop turns', async () => {
  const { meter, get } = await serve({ worker: true });
  meter.createGauge('size').record(1, { k: 'é' });
  const { headers, body } = await get('/metrics');
  expect(body).toMatch(/^size\{k="é",.*\} 1$/m);
  expect(Number(headers['content-length'])).toBe(Buffer.byteLength(body));
  expect(ageOf(body)).toBeLessThan(1);
});
