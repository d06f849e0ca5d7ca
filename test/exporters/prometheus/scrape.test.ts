import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AggregationTemporality, type CollectionResult, DataPointType } from '@opentelemetry/sdk-metrics';
import { describe, expect, test } from 'vitest';
import { createFormatOf } from '../../../src/exporters/prometheus/formats.ts';
import { negotiate } from '../../../src/exporters/prometheus/negotiate.ts';
import { createScraper, type ScraperOptions } from '../../../src/exporters/prometheus/scrape.ts';
import { plainFormats } from './pages.ts';
import { pause } from './service.ts';

const plainText = negotiate({});
const protobuf = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';

function decoded(bytes: Uint8Array, encoding: string): Buffer {
  if (encoding === 'gzip') return gunzipSync(bytes);
  return encoding === 'zstd' ? zstdDecompressSync(bytes) : Buffer.from(bytes);
}

/** A collection of gauges, all of one value, so that a mixed page would show. */
function gauges(count: number, value: number): CollectionResult {
  const attributes = Array.from({ length: count }, (_, i) => ({ i: String(i) }));
  return {
    errors: [],
    resourceMetrics: {
      resource: resourceFromAttributes({}),
      scopeMetrics: [
        {
          scope: { name: 'x' },
          metrics: [
            {
              descriptor: { name: 'size', description: '', unit: '', valueType: 1 },
              aggregationTemporality: AggregationTemporality.CUMULATIVE,
              dataPointType: DataPointType.GAUGE,
              dataPoints: attributes.map((each) => ({ attributes: each, startTime: [0, 0], endTime: [0, 0], value })),
            },
          ],
        },
      ],
    },
  };
}

function scraperOf(
  collect: ScraperOptions['collect'],
  onSerialised?: ScraperOptions['onSerialised'],
  onFormat: () => void = () => {},
) {
  const createFormat = createFormatOf(plainFormats);
  const formatOf: typeof createFormat = (layout) => {
    onFormat();
    return createFormat(layout);
  };
  const amend = ({ resourceMetrics }: CollectionResult) => resourceMetrics;
  return createScraper({ collect, formatOf, amend, ...(onSerialised === undefined ? {} : { onSerialised }) });
}

const text = async (page: { bytes: Uint8Array }) => Buffer.from(page.bytes).toString();

describe('a scraper', () => {
  test('reuses its buffer only when the last reader is done', async () => {
    let collections = 0;
    const scraper = scraperOf(async () => gauges(500, ++collections));
    const reading = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const slow = scraper.scrape(plainText, 1000, async (page) => {
      entered.resolve();
      const before = await text(page);
      await reading.promise;
      return { before, after: await text(page) };
    });
    await entered.promise;
    expect(await scraper.scrape(plainText, 1000, text)).toContain('size{i="0"} 2\n');
    expect(await scraper.scrape(plainText, 1000, text)).toContain('size{i="0"} 3\n');
    reading.resolve();
    const { before, after } = await slow;
    expect(before).toContain('size{i="0"} 1\n');
    expect(after).toBe(before);
  });

  test('takes the page of the oldest slow reader when too many keep theirs', async () => {
    const scraper = scraperOf(async () => gauges(1, 1));
    const aborted: number[] = [];
    const done = Promise.withResolvers<void>();
    const readers: Promise<void>[] = [];
    for (let i = 0; i < 6; i++) {
      const entered = Promise.withResolvers<void>();
      const reader = scraper.scrape(plainText, 1000, (_page, signal) => {
        entered.resolve();
        signal.addEventListener('abort', () => aborted.push(i));
        return done.promise;
      });
      readers.push(reader);
      await entered.promise;
    }
    done.resolve();
    await Promise.all(readers);
    expect(aborted).toEqual([0, 1]);
  });

  test('lets the event loop run while it writes a large page of one collection', async () => {
    const scraper = scraperOf(async () => gauges(60_000, 7));
    let turns = 0;
    let writing = true;
    const count = () => {
      if (!writing) return;
      turns++;
      setImmediate(count);
    };
    setImmediate(count);
    const page = await scraper.scrape(plainText, 10_000, text);
    writing = false;
    expect(turns).toBeGreaterThan(3);
    expect(page.match(/^size\{i="\d+"\} 7$/gm)).toHaveLength(60_000);
  });

  test('tells size, series and time of each page, and survives an observer that throws', async () => {
    const told: { seconds: number; bytes: number; series: number }[] = [];
    const scraper = scraperOf(
      async () => gauges(10, 1),
      (seconds, bytes, series) => {
        told.push({ seconds, bytes, series });
        throw new Error('not the page’s fault');
      },
    );
    expect(scraper.latest()).toBeUndefined();
    const page = await scraper.scrape(plainText, 1000, text);
    expect(told).toEqual([{ seconds: expect.any(Number), bytes: Buffer.byteLength(page), series: 10 }]);
    expect(told[0]?.seconds).toBeGreaterThan(0);
    expect(scraper.latest()?.families).toEqual([{ name: 'size', type: 'gauge', series: 10 }]);
  });

  test('recovers after a failed collection, and after one that came too late', async () => {
    let turn = 0;
    const scraper = scraperOf(async () => {
      turn++;
      if (turn === 1) throw new Error('no');
      if (turn === 2) await pause(150);
      return gauges(1, turn);
    });
    await expect(scraper.scrape(plainText, 1000, text)).rejects.toThrow('no');
    await expect(scraper.scrape(plainText, 50, text)).rejects.toThrow('Metrics were not collected within 0.05 s.');
    await pause(200);
    expect(await scraper.scrape(plainText, 1000, text)).toContain('size{i="0"} 3\n');
  });

  test('makes pages of several formats and encodings from one collection, each once', async () => {
    let collections = 0;
    const sizes: number[] = [];
    const scraper = scraperOf(
      async () => {
        collections++;
        await pause(20);
        return gauges(500, collections);
      },
      (_, bytes) => void sizes.push(bytes),
    );
    const accepts = ['text/plain', 'application/openmetrics-text', protobuf];
    const asked = accepts.flatMap((accept) =>
      ['identity', 'gzip', 'zstd'].map((encoding) => negotiate({ accept, 'accept-encoding': encoding })),
    );
    const pages = await Promise.all(
      [...asked, ...asked].map((each) =>
        scraper.scrape(each, 1000, async ({ bytes, contentType, contentEncoding }) => ({
          contentType,
          contentEncoding,
          text: decoded(bytes, contentEncoding).toString(),
        })),
      ),
    );
    expect(collections).toBe(1);
    expect(sizes).toHaveLength(3);
    for (const [i, { encoding }] of [...asked, ...asked].entries()) {
      expect(pages[i]?.contentEncoding).toBe(encoding);
      expect(pages[i]?.text).toBe(pages[Math.floor((i % 9) / 3) * 3]?.text);
      expect(pages[i]?.text).toContain('size');
    }
    expect(new Set(pages.map(({ contentType }) => contentType)).size).toBe(3);
  });

  test('gives both versions of the text the same bytes under their own types', async () => {
    const scraper = scraperOf(async () => gauges(1, 1));
    const [old, new_] = await Promise.all(
      ['0.0.4', '1.0.0'].map((version) =>
        scraper.scrape(negotiate({ accept: `text/plain;version=${version}` }), 1000, async (page) => ({
          type: page.contentType,
          text: await text(page),
        })),
      ),
    );
    expect(old?.text).toBe(new_?.text);
    expect([old?.type, new_?.type]).toEqual([
      'text/plain; version=0.0.4; charset=utf-8',
      'text/plain; version=1.0.0; charset=utf-8',
    ]);
  });

  test('does not compress what fits a packet', async () => {
    const scraper = scraperOf(async () => gauges(1, 1));
    const asked = negotiate({ 'accept-encoding': 'gzip' });
    const encodings = await scraper.scrape(asked, 1000, async ({ contentEncoding }) => contentEncoding);
    expect(encodings).toBe('identity');
  });

  test('remembers the formats that are asked for, and no more than four', async () => {
    let made = 0;
    const scraper = scraperOf(
      async () => gauges(1, 1),
      undefined,
      () => void made++,
    );
    const ask = (accept: string) => scraper.scrape(negotiate({ accept }), 1000, text);
    const openMetrics = (escaping: string) => `application/openmetrics-text;escaping=${escaping}`;
    for (let i = 0; i < 3; i++) {
      for (const accept of ['text/plain', protobuf, openMetrics('underscores'), openMetrics('values')])
        await ask(accept);
    }
    expect(made).toBe(4);
    await ask(openMetrics('dots'));
    await ask(openMetrics('values'));
    expect(made).toBe(5);
    await ask('text/plain');
    expect(made).toBe(6);
  });
});
