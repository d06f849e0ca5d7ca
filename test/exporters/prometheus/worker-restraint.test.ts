/** What those who ask as fast as it comes cost the service and each other, where a Worker listens. */
import { expect, test } from 'vitest';
import type { ExporterConfig } from '../../../src/exporters/prometheus/exporter.ts';
import { ask, serve } from './service.ts';

const openMetrics = 'application/openmetrics-text;version=1.0.0';
/** The burst of a kind, and what a slow machine may have in the seconds of a test. */
const few = 10 + 6;

/** A service that counts how often it is asked; `many` asks a hundred times, each time with other headers. */
async function counting(config: (count: () => void) => ExporterConfig) {
  const asked = { times: 0 };
  const count = () => {
    asked.times++;
  };
  const service = await serve({ worker: true, ...config(count) });
  const many = async (path: string, headers: (i: number) => Record<string, string>) => {
    const answers = [];
    for (let i = 0; i < 100; i++) answers.push(await ask(service.port, path, { headers: headers(i) }));
    return answers;
  };
  return { ...service, asked, many };
}

const counted = (count: () => void): ExporterConfig => ({
  metricProducers: [
    {
      async collect() {
        count();
        return { resourceMetrics: { resource: undefined as never, scopeMetrics: [] }, errors: [] };
      },
    },
  ],
});

test('who hammers at text keeps nobody from a fresh page of OpenMetrics', async () => {
  const { meter, many, get } = await counting(counted);
  const counter = meter.createCounter('hits');
  await many('/metrics', () => ({ accept: 'text/plain' }));
  counter.add(3);
  const { headers, body } = await get('/metrics', { headers: { accept: openMetrics } });
  expect(headers['content-type']).toMatch(/^application\/openmetrics-text/);
  expect(body).toMatch(/^hits_total\{.*\} 3$/m);
});

test('of one kind of page the service makes few, in whichever words and with whichever timeout it is asked for', async () => {
  const { many, asked } = await counting(counted);
  const answers = await many('/metrics', (i) => ({
    accept: `text/plain;version=0.0.4;q=0.${i + 1},application/x-${i};q=0.0001`,
    'x-prometheus-scrape-timeout-seconds': `${10 + i / 100}`,
  }));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(asked.times).toBeLessThan(few);
});

test('a service whose collection fails is not asked more often for that', async () => {
  const { many, asked } = await counting((count) => ({
    metricProducers: [
      {
        collect() {
          count();
          throw new Error('no');
        },
      },
    ],
  }));
  await many('/metrics', () => ({}));
  expect(asked.times).toBeLessThan(few);
});

test('of the landing page the service makes few as well, and each reader sees the host that was asked', async () => {
  const { many, asked, port, get } = await counting((count) => ({
    status: () => {
      count();
      return undefined as never;
    },
  }));
  const answers = await many('/', (i) => ({ host: `gpu-${i}:9464` }));
  answers.forEach(({ status, headers, body }, i) => {
    expect(status).toBe(200);
    expect(body).toContain(`targets: [&quot;gpu-${i}:9464&quot;]`);
    expect(Number(headers['content-length'])).toBe(Buffer.byteLength(body));
  });
  expect(asked.times).toBeLessThan(few);
  expect((await get('/', { headers: { host: '"<x>' } })).body).toContain(`&quot;127.0.0.1:${port}&quot;`);
});
