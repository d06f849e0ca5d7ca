/**
 * From a request to a page: one collection at a time, shared by all who ask meanwhile, whatever their format; of each
 * format one page at a time, written in slices between which the event loop runs; of each page one compression. All of
 * it is given up in time.
 */
import type { CollectionResult, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { compress } from './compression.ts';
import type { FamilyCount, Format } from './format.ts';
import { type Layout, layoutOf } from './formats.ts';
import { contentTypeOf, type Encoding, type Representation } from './negotiate.ts';
import { PageBuffer } from './page-buffer.ts';

/** A page, valid while `use` of `scrape` runs. */
export interface Page {
  readonly bytes: Uint8Array;
  readonly contentType: string;
  /** `identity` where the bytes are not compressed. */
  readonly contentEncoding: Encoding;
}

/** What is known of the latest page when its bytes are gone. */
export interface PageSummary {
  readonly families: readonly FamilyCount[];
  readonly series: number;
  /** Before compression. */
  readonly bytes: number;
  /** Time on the event loop that writing it took, in seconds; collecting is not in it. */
  readonly seconds: number;
}

export interface ScraperOptions {
  readonly collect: (options: { timeoutMillis: number }) => Promise<CollectionResult>;
  /** Makes the format of a layout. It is kept while that is asked for. */
  readonly formatOf: (layout: Layout) => Format;
  /** Sees each collection before it is written: where what went wrong in it becomes a metric. */
  readonly amend: (result: CollectionResult) => ResourceMetrics;
  readonly onSerialised?: (seconds: number, bytes: number, series: number) => void;
}

export interface Scraper {
  /**
   * Gives a page to `use`, and takes its bytes back when `use` has settled. `use` stops early when `signal` aborts:
   * its page is needed elsewhere. Rejects with a ScrapeTimeout after `timeoutMillis`, or with the collection's error.
   */
  scrape<T>(
    asked: Representation,
    timeoutMillis: number,
    use: (page: Page, signal: AbortSignal) => Promise<T>,
  ): Promise<T>;
  /** The latest page, `undefined` before the first. */
  latest(): PageSummary | undefined;
}

/** The collection was not there in time; a late page would be of no use to the server. */
export class ScrapeTimeout extends Error {
  override readonly name = 'ScrapeTimeout';
}

/** A block of the event loop that writing may take, in milliseconds: with its last step it stays under 5. */
const sliceMillis = 2;
/** A collection that runs longer is taken for lost, and the next request starts another. */
const lostAfterMillis = 30_000;
/** Pages that slow readers may keep; a further one takes the oldest of them away. Compressed ones are small. */
const unreadPages = { whole: 4, compressed: 16 };
/** Layouts whose format and buffer are kept from one scrape to the next. */
const layoutsKept = 4;

/** What is kept for the pages of one layout. */
interface Press {
  readonly format: Format;
  spare: PageBuffer | undefined;
  /** Size of its latest page. */
  bytes: number;
}

/** A page while it is made and read. */
interface Flight {
  readonly key: string;
  readonly started: number;
  readonly page: Promise<Body>;
  readonly abort: AbortController;
  /** Where the bytes go when nobody reads them any more; nowhere for compressed ones. */
  takeBack: (() => void) | undefined;
  /** Requests that wait for the page or read it. */
  readers: number;
  /** Whether the page is made, or has failed. */
  settled: boolean;
}

interface Body {
  readonly bytes: Uint8Array;
  readonly encoding: Encoding;
}

/** Returns a scraper. Between scrapes it holds one buffer for each of the layouts that are asked for, of its latest size. */
export function createScraper(options: ScraperOptions): Scraper {
  const collectShared = createSharedCollection(options);
  const presses = new Map<Layout, Press>();
  /** Those whose page is not made yet. */
  const flights = new Map<string, Flight>();
  let unread: Flight[] = [];
  let latest: PageSummary | undefined;

  /** The least recently used of them goes. */
  function pressFor(layout: Layout): Press {
    const press = presses.get(layout) ?? { format: options.formatOf(layout), spare: undefined, bytes: 0 };
    presses.delete(layout);
    presses.set(layout, press);
    const [oldest] = presses.keys();
    if (presses.size > layoutsKept && oldest !== undefined) presses.delete(oldest);
    return press;
  }

  async function print(layout: Layout, timeoutMillis: number, flight: Flight): Promise<Body> {
    const collected = await collectShared(timeoutMillis);
    await nextTurn(); // To collect may have blocked the event loop for a while already.
    const press = pressFor(layout);
    const buffer = press.spare ?? new PageBuffer(press.bytes);
    press.spare = undefined;
    flight.takeBack = () => giveBack(press, buffer);
    const written = await writeInSlices(press.format, collected, buffer);
    press.bytes = buffer.length;
    latest = { ...written, bytes: buffer.length };
    report(latest);
    return { bytes: buffer.written, encoding: 'identity' };
  }

  function report({ seconds, bytes, series }: PageSummary): void {
    try {
      options.onSerialised?.(seconds, bytes, series);
    } catch {
      // An observer's fault is not the page's.
    }
  }

  /** The flight of a key, or a new one whose page `make` makes. */
  function board(key: string, make: (flight: Flight) => Promise<Body>): Flight {
    const current = flights.get(key);
    if (current !== undefined && performance.now() - current.started <= lostAfterMillis) return current;
    const started = performance.now();
    const abort = new AbortController();
    // The page is made from the next turn on, when `flight` is whole.
    const page = Promise.resolve().then(() => make(flight).finally(() => land(flight)));
    page.catch(() => {}); // Each reader sees the failure; with no reader left it is nobody's.
    const flight: Flight = { key, started, page, abort, takeBack: undefined, readers: 0, settled: false };
    flights.set(key, flight);
    return flight;
  }

  function land(flight: Flight): void {
    if (flights.get(flight.key) === flight) flights.delete(flight.key);
    flight.settled = true;
    if (flight.readers === 0) {
      release(flight);
      return;
    }
    unread.push(flight);
    const alike = unread.filter((other) => (other.takeBack === undefined) === (flight.takeBack === undefined));
    const most = flight.takeBack === undefined ? unreadPages.compressed : unreadPages.whole;
    if (alike.length <= most) return;
    unread = unread.filter((other) => other !== alike[0]);
    alike[0]?.abort.abort();
  }

  function release(flight: Flight): void {
    unread = unread.filter((other) => other !== flight);
    flight.takeBack?.();
    flight.takeBack = undefined;
  }

  async function read<T>(
    flight: Flight,
    timeoutMillis: number,
    use: (body: Body, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    flight.readers++;
    try {
      return await use(await within(timeoutMillis, flight.page), flight.abort.signal);
    } finally {
      flight.readers--;
      if (flight.readers === 0 && flight.settled) release(flight);
    }
  }

  return {
    async scrape(asked, timeoutMillis, use) {
      const layout = layoutOf(asked.format, asked.escaping);
      const { encoding } = asked;
      // A collection ends a little before its page is due: one hanging callback then costs its series, not the page.
      const whole = () => board(layout, (flight) => print(layout, timeoutMillis * 0.8, flight));
      const flight =
        encoding === 'identity'
          ? whole()
          : board(`${layout} ${encoding}`, () =>
              read(whole(), timeoutMillis, ({ bytes }) => compress(bytes, encoding)),
            );
      const contentType = contentTypeOf(asked);
      return read(flight, timeoutMillis, (body, signal) =>
        use({ bytes: body.bytes, contentType, contentEncoding: body.encoding }, signal),
      );
    },
    latest: () => latest,
  };
}

/** One collection at a time: who asks while one runs gets that. */
function createSharedCollection({ collect, amend }: ScraperOptions) {
  let current: { readonly started: number; readonly collected: Promise<ResourceMetrics> } | undefined;

  return (timeoutMillis: number): Promise<ResourceMetrics> => {
    if (current !== undefined && performance.now() - current.started <= lostAfterMillis) return current.collected;
    const mine = {
      started: performance.now(),
      collected: collect({ timeoutMillis })
        .then(amend)
        .finally(() => {
          if (current === mine) current = undefined;
        }),
    };
    current = mine;
    return mine.collected;
  };
}

/** After a spike the large buffer goes; the next one starts at the size of the latest page. */
function giveBack(press: Press, buffer: PageBuffer): void {
  if (buffer.capacity > 64 * 1024 && buffer.capacity > buffer.length * 4) return;
  buffer.clear();
  press.spare = buffer;
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
    await nextTurn();
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
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
