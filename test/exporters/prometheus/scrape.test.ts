import { resourceFromAttributes } from '@opentelemetry/resources';
import { AggregationTemporality, type CollectionResult, DataPointType } from '@opentelemetry/sdk-metrics';
import { describe, expect, test } from 'vitest';
import { createFormatOf } from '../../../src/exporters/prometheus/formats.ts';
import { negotiate } from '../../../src/exporters/prometheus/negotiate.ts';
import { createScraper, type ScraperOptions } from '../../../src/exporters/prometheus/scrape.ts';
import { pause } from './service.ts';

const plainText = negotiate({});

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

function scraperOf(collect: ScraperOptions['collect'], onSerialised?: ScraperOptions['onSerialised']) {
  const formatOf = createFormatOf({
    prefix: '',
    unitSuffixes: true,
    utf8: false,
    createdSeries: false,
    appendTimestamp: false,
    withoutScopeInfo: true,
    withoutTargetInfo: true,
    withResourceConstantLabels: undefined,
  });
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
});
