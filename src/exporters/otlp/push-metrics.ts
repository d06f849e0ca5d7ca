/** Pushes what a MetricProducer collects to an OTLP receiver, again and again, without ever keeping its host alive. */
import type { MetricProducer } from '@opentelemetry/sdk-metrics';
import { createDelivery, type DeliveryOptions } from './delivery.ts';
import { encodeMetrics } from './encode-metrics.ts';
import type { MetricPushSettings } from './settings.ts';

export interface MetricPushOptions extends Pick<DeliveryOptions, 'say' | 'onSerialised'> {
  readonly settings: MetricPushSettings;
  /** Of this push alone, where it gives deltas. */
  readonly producer: MetricProducer;
  /** While it says so nothing is pushed. */
  readonly paused?: () => boolean;
}

export interface MetricPush {
  /** Where to, without credentials. */
  readonly endpoint: string;
  /** Pushes once more, keeping the process alive for at most `milliseconds`. Never rejects. */
  flush(milliseconds: number): Promise<void>;
  /** Pushes no more. */
  stop(): void;
}

/** Starts to push. Throws nothing, now or later. An interval in which the one before is still under way is left out. */
export function pushMetrics({ settings, producer, say, paused, onSerialised }: MetricPushOptions): MetricPush {
  const what = { signal: 'metrics', parts: 'points' };
  const then = () => `tried again every ${settings.interval / 1000} s`;
  const delivery = createDelivery({ settings, what, then, say, onSerialised });
  const timer = setInterval(() => {
    if (!paused?.()) void delivery.deliver(collect);
  }, settings.interval).unref();

  async function collect(): Promise<() => Buffer> {
    const { resourceMetrics } = await producer.collect();
    return () => encodeMetrics(resourceMetrics);
  }

  return {
    endpoint: delivery.endpoint,
    async flush(milliseconds) {
      const deadline = performance.now() + milliseconds;
      await delivery.idle(milliseconds);
      const left = deadline - performance.now();
      if (left > 0) await delivery.deliverLast(collect, left);
    },
    stop: () => clearInterval(timer),
  };
}
