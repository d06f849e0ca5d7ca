/**
 * From a request to a page: one collection at a time, shared by all who ask meanwhile, written in slices between
 * which the event loop runs, and given up in time.
 */
import type { CollectionResult, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { FamilyCount, Format } from './format.ts';
import { PageBuffer } from './page-buffer.ts';

/** A page, valid while `use` of `scrape` runs. */
export interface Page {
  readonly bytes: Uint8Array;
  readonly contentType: string;
}

/** What is known of the latest page when its bytes are gone. */
export interface PageSummary {
  readonly families: readonly FamilyCount[];
  readonly series: number;
  readonly bytes: number;
  /** Time on the event loop that writing it took, in seconds; collecting is not in it. */
  readonly seconds: number;
}

export interface ScraperOptions {
  readonly collect: (options: { timeoutMillis: number }) => Promise<CollectionResult>;
  readonly format: Format;
  /** Sees each collection before it is written: where what went wrong in it becomes a metric. */
  readonly amend: (result: CollectionResult) => ResourceMetrics;
  readonly onSerialised?: (seconds: number, bytes: number, series: number) => void;
}

export interface Scraper {
  /**
   * Gives a page to `use`, and takes its bytes back when `use` has settled. `use` stops early when `signal` aborts:
   * its page is needed elsewhere. Rejects with a ScrapeTimeout after `timeoutMillis`, or with the collection's error.
   */
  scrape<T>(timeoutMillis: number, use: (page: Page, signal: AbortSignal) => Promise<T>): Promise<T>;
  /** The latest page, `undefined` before the first. */
  latest(): PageSummary | undefined;
}

/** The collection was not there in time; a late page would be of no use to the server. */
export class ScrapeTimeout extends Error {
  override readonly name = 'ScrapeTimeout';
}

/** A block of the event loop that writing may take, in milliseconds, well under the 10 ms a service might notice. */
const sliceMillis = 4;
/** A collection that runs longer is taken for lost, and the next request starts another. */
const lostAfterMillis = 30_000;
/** Pages that slow readers may keep; a further page takes the oldest of them away. */
const unreadPages = 4;

/** One collection and its page. */
interface Flight {
  readonly started: number;
  readonly page: Promise<Page>;
  readonly abort: AbortController;
  buffer: PageBuffer | undefined;
  /** Requests that wait for the page or read it. */
  readers: number;
  /** Whether the page is made, or has failed. Until then its buffer is being written. */
  settled: boolean;
}

/** Returns a scraper. It holds one buffer between scrapes, of the size of the latest pages. */
export function createScraper(options: ScraperOptions): Scraper {
  let current: Flight | undefined;
  let unread: Flight[] = [];
  let spare: PageBuffer | undefined;
  let latest: PageSummary | undefined;

  async function makePage(flight: Flight, timeoutMillis: number): Promise<Page> {
    try {
      const collected = options.amend(await options.collect({ timeoutMillis }));
      const buffer = spare ?? new PageBuffer(latest?.bytes ?? 0);
      spare = undefined;
      flight.buffer = buffer;
      const written = await writeInSlices(options.format, collected, buffer);
      latest = { ...written, bytes: buffer.length };
      report(latest);
      return { bytes: buffer.written, contentType: options.format.contentType };
    } finally {
      if (current === flight) current = undefined;
      flight.settled = true;
      if (flight.readers > 0) unread.push(flight);
      else takeBack(flight);
    }
  }

  function report({ seconds, bytes, series }: PageSummary): void {
    try {
      options.onSerialised?.(seconds, bytes, series);
    } catch {
      // An observer's fault is not the page's.
    }
  }

  function start(timeoutMillis: number): Flight {
    if (unread.length >= unreadPages) unread.shift()?.abort.abort();
    const started = performance.now();
    const abort = new AbortController();
    // The page is made from the next turn on, when `flight` is whole.
    const page = Promise.resolve().then(() => makePage(flight, timeoutMillis));
    page.catch(() => {}); // Each reader sees the failure; with no reader left it is nobody's.
    const flight: Flight = { started, page, abort, buffer: undefined, readers: 0, settled: false };
    return flight;
  }

  function takeBack(flight: Flight): void {
    unread = unread.filter((other) => other !== flight);
    const buffer = flight.buffer;
    flight.buffer = undefined;
    if (buffer === undefined) return;
    // After a spike the large buffer goes; the next one starts at the size of the latest page.
    if (buffer.capacity > 64 * 1024 && buffer.capacity > buffer.length * 4) return;
    buffer.clear();
    spare = buffer;
  }

  return {
    async scrape(timeoutMillis, use) {
      if (current !== undefined && performance.now() - current.started > lostAfterMillis) current = undefined;
      // A collection ends a little before its page is due: one hanging callback then costs its series, not the page.
      current ??= start(timeoutMillis * 0.8);
      const flight = current;
      flight.readers++;
      try {
        return await use(await within(timeoutMillis, flight.page), flight.abort.signal);
      } finally {
        flight.readers--;
        if (flight.readers === 0 && flight.settled) takeBack(flight);
      }
    },
    latest: () => latest,
  };
}

/** Writes until a slice is used up, lets the event loop run, and goes on. The collection itself stays as it was. */
async function writeInSlices(
  format: Format,
  collected: ResourceMetrics,
  buffer: PageBuffer,
): Promise<Omit<PageSummary, 'bytes'>> {
  const steps = format.write(collected, buffer);
  let spent = 0;
  for (;;) {
    const begun = performance.now();
    let step = steps.next();
    while (!step.done && performance.now() - begun < sliceMillis) step = steps.next();
    spent += performance.now() - begun;
    if (step.done) {
      const series = step.value.reduce((sum, family) => sum + family.series, 0);
      return { families: step.value, series, seconds: spent / 1000 };
    }
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** The promise's outcome, or a ScrapeTimeout. */
async function within<T>(millis: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expiry = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new ScrapeTimeout(`Metrics were not collected within ${(millis / 1000).toFixed(2)} s.`));
    }, millis).unref();
  });
  try {
    return await Promise.race([promise, expiry]);
  } finally {
    clearTimeout(timer);
  }
}
