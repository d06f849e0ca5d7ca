/**
 * The entry `accelmeter/prom-client`, for services that measure themselves with prom-client, or with its successor
 * @prometheus-io/client: our metrics on the page that they have, and theirs in OpenTelemetry.
 */
import type { MetricProducer } from '@opentelemetry/sdk-metrics';
import type { Profiler } from '../../profiler.ts';
import { registeredProfiler } from '../../registered-profiler.ts';
import { warn } from '../../warning.ts';
import { createProducer } from './producer.ts';
import { createMetrics } from './registered-metrics.ts';
import { checkRegistry, type PromClientMetric, type PromClientRegistry } from './registry.ts';

export type { PromClientRegistry } from './registry.ts';

/** Metrics of ours in a registry of the service. */
export interface Registration {
  /** Takes them out again, and nothing else. To be called before the profiler is closed; may be called twice. */
  unregister(): void;
}

type Source = Pick<Profiler, 'metricProducer'>;

interface Registered {
  readonly profiler: Source | undefined;
  readonly registration: Registration;
  /** False once the service has cleared its registry. */
  isThere(): boolean;
}

/** A registry has the metrics of one profiler: their names are the same. */
const registered = new WeakMap<PromClientRegistry, Registered>();
/** Ours, which no registry gives back to OpenTelemetry. */
const ours = new WeakSet<object>();

/**
 * Adds every metric of the catalogue to a registry: they are on its page from then on, in text and in OpenMetrics, with
 * the registry's default labels, and in a cluster each with the aggregator that it needs. A family without values is
 * there as HELP and TYPE alone.
 *
 * `profiler`: whose metrics; without it those of `accelmeter/register`, as soon as that measures. A name that the
 * registry has already is left to the service, with a warning. Calling it again for the same profiler changes nothing,
 * for another one takes the former's place.
 *
 * Throws a TypeError for what is no registry or no profiler. Once registered nothing here throws: without values from
 * us a page is as if accelmeter were not there.
 */
export function registerInto(registry: PromClientRegistry, profiler?: Source): Registration {
  checkRegistry(registry);
  if (profiler !== undefined && typeof profiler?.metricProducer !== 'function') {
    throw new TypeError(`not a profiler: ${String(profiler)}`);
  }
  const before = registered.get(registry);
  if (before?.profiler === profiler && before?.isThere()) return before.registration;
  before?.registration.unregister();

  const taken: string[] = [];
  const added = createMetrics(registry, createProducerOf(profiler)).filter((metric) => {
    if (registry.getSingleMetric(metric.name) === undefined) {
      registry.registerMetric(metric as never);
      ours.add(metric);
      return true;
    }
    taken.push(metric.name);
    return false;
  });
  if (taken.length > 0) warn(`the registry has metrics of these names already, and keeps them: ${taken.join(', ')}`);

  const isOurs = (metric: PromClientMetric) => registry.getSingleMetric(metric.name) === metric;
  const registration: Registration = {
    unregister() {
      for (const metric of added) if (isOurs(metric)) registry.removeSingleMetric(metric.name);
      if (registered.get(registry)?.registration === registration) registered.delete(registry);
    },
  };
  registered.set(registry, { profiler, registration, isThere: () => added.some(isOurs) });
  return registration;
}

/**
 * A producer for the `metricProducers` of a reader of the OpenTelemetry SDK, 2.x or 3.x: what a registry has, under
 * the names that it has there. Counters are monotonic sums, gauges gauges, histograms have their buckets one by one.
 * The SDK has no summary, so one becomes a gauge with the attribute `quantile` and the monotonic sums `…_sum` and
 * `…_count`. Values are cumulative, since the process began or since the value last fell. What `registerInto` added is
 * left out: the profiler has a producer of its own.
 *
 * A value that is no number, a counter below 0 and buckets that do not add up are left out. A metric that throws or
 * does not answer within the reader's timeout (5 s where it has none) costs itself alone, and is in the result's
 * errors. `collect` never rejects. Throws a TypeError for what is no registry.
 */
export function fromRegistry(registry: PromClientRegistry): MetricProducer {
  checkRegistry(registry);
  return createProducer(registry, (metric) => ours.has(metric));
}

/** One producer for a profiler, also where `register` has another one later. */
function createProducerOf(profiler: Source | undefined): () => MetricProducer | undefined {
  let latest: { readonly of: Source; readonly producer: MetricProducer } | undefined;
  return () => {
    const of = profiler ?? registeredProfiler();
    if (of === undefined) return undefined;
    if (latest?.of !== of) latest = { of, producer: of.metricProducer() };
    return latest.producer;
  };
}
