/** Pushes what a MetricProducer collects to an OTLP receiver, again and again, without ever keeping its host alive. */
import type { CollectionResult, MetricProducer } from '@opentelemetry/sdk-metrics';
import { decodeResponse, encodeRequest } from './encode.ts';
import { post } from './post.ts';
import type { OtlpSettings } from './settings.ts';

export interface PushOptions {
  readonly settings: OtlpSettings;
  /** Of this push alone, where it gives deltas. */
  readonly producer: MetricProducer;
  /** Told when an outage begins and when it is over, and what a receiver refuses; each once. */
  readonly say: (line: string) => void;
  /** While it says so nothing is pushed. */
  readonly paused?: () => boolean;
  /** Told what encoding took, in seconds. */
  readonly onSerialised?: (seconds: number) => void;
}

export interface Push {
  /** Where to, without credentials. */
  readonly endpoint: string;
  /** Pushes once more, keeping the process alive for at most `milliseconds`. Never rejects. */
  flush(milliseconds: number): Promise<void>;
  /** Pushes no more. */
  stop(): void;
}

/** Starts to push. Throws nothing, now or later. */
export function startPush({ settings, producer, say, paused, onSerialised }: PushOptions): Push {
  const endpoint = `${settings.url.origin}${settings.url.pathname}`;
  const said = new Set<string>();
  let outage = false;
  let pushing: Promise<void> | undefined;
  const timer = setInterval(() => {
    if (!paused?.()) void push(performance.now() + settings.exportTimeout, false);
  }, settings.interval).unref();

  return {
    endpoint,
    async flush(milliseconds) {
      const deadline = performance.now() + Math.min(milliseconds, settings.exportTimeout);
      if (pushing) await within(milliseconds, pushing); // which by itself does not keep the process alive
      if (performance.now() < deadline) await push(deadline, true);
    },
    stop: () => clearInterval(timer),
  };

  /** One at a time: an interval in which the one before is still under way is left out. */
  function push(deadline: number, keepAlive: boolean): Promise<void> {
    pushing ??= pushOnce(deadline, keepAlive)
      .then(overcome, (error: Error) => fail(error.message))
      .finally(() => {
        pushing = undefined;
      });
    return pushing;
  }

  async function pushOnce(until: number, keepAlive: boolean): Promise<void> {
    const { resourceMetrics } = await producer.collect();
    const deadline = Math.min(until, performance.now() + settings.timeout);
    const answer = decodeResponse(await post(settings, encode(resourceMetrics), { deadline, keepAlive }));
    if (answer === undefined) return;
    const refused = answer.rejectedPoints > 0 ? `refused ${answer.rejectedPoints} points: ` : '';
    sayOnce(`OTLP ${endpoint} ${refused}${answer.message}`);
  }

  function encode(collected: CollectionResult['resourceMetrics']): Buffer {
    const start = performance.now();
    const message = encodeRequest(collected);
    onSerialised?.((performance.now() - start) / 1000);
    return message;
  }

  function fail(reason: string): void {
    if (!outage)
      say(`OTLP ${endpoint} does not take metrics: ${reason}; tried again every ${settings.interval / 1000} s`);
    outage = true;
  }

  function overcome(): void {
    if (outage) say(`OTLP ${endpoint} takes metrics again`);
    outage = false;
  }

  /** A few different ones at most: the words are the receiver's. */
  function sayOnce(line: string): void {
    if (said.has(line) || said.size >= 8) return;
    said.add(line);
    say(line.slice(0, 500));
  }
}

/** Waits for the work, but not longer than so many milliseconds, and keeps the process alive for it. */
async function within(milliseconds: number, work: Promise<void>): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  await Promise.race([work, over]);
  clearTimeout(timer);
}
