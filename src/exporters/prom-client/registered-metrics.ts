/**
 * The catalogue as metrics of a registry of prom-client. Each is asked for its values when a page is made; what all of
 * them answer comes from one collection, however many the registry asks. A metric that throws would cost the service
 * its whole page, so these never do.
 */
import type { MetricData, MetricProducer } from '@opentelemetry/sdk-metrics';
import { catalogue, type Metric, type MetricName } from '../../catalogue.ts';
import { warn } from '../../warning.ts';
import { metricName, type StreamKind } from '../prometheus/naming.ts';
import { aggregatorOf } from './aggregators.ts';
import { isOpenMetrics, type PromClientFamily, type PromClientMetric, type PromClientRegistry } from './registry.ts';
import { jsonSamplesOf, samplesOf } from './samples.ts';

/** What was collected, by the names of the catalogue. */
type Collection = ReadonlyMap<string, MetricData>;

/** A page waits no longer for our values: a cluster's primary gives all of its workers 5 s. */
const patienceMillis = 2000;
/** Failed collections in a row after which no further one is tried. */
const mostFaults = 3;

/** `producer` gives what is collected from at that moment; `undefined` while there is nothing to collect. */
export function createMetrics(
  registry: PromClientRegistry,
  producer: () => MetricProducer | undefined,
): PromClientMetric[] {
  const collect = createCollector(producer);
  return Object.entries<Metric>(catalogue).map(([name, metric]) => {
    const kind: StreamKind = metric.instrument;
    return createMetric(registry, collect, {
      source: name as MetricName,
      // The catalogue has no name without a letter.
      name: metricName(name, metric.unit, kind, { prefix: '', unitSuffixes: true }) as string,
      help: metric.brief,
      type: kind === 'updowncounter' ? 'gauge' : kind,
    });
  });
}

interface Declared extends Pick<PromClientFamily, 'name' | 'help' | 'type'> {
  readonly source: MetricName;
}

function createMetric(
  registry: PromClientRegistry,
  collect: () => Promise<Collection>,
  { source, name, help, type }: Declared,
): PromClientMetric {
  const aggregator = aggregatorOf(source);
  /** What the registry calls the metric for the page that it makes right now. */
  let asked: string | undefined;
  let said = false;
  const answer = async (asName: string, samples: typeof samplesOf): Promise<PromClientFamily> => {
    const metric = (await collect()).get(source);
    let values: PromClientFamily['values'] = [];
    try {
      if (metric !== undefined) values = samples(metric, asName);
    } catch (error) {
      if (!said) warn(`${asName} is missing on a page of prom-client: ${String(error)}`);
      said = true; // Not at every scrape.
    }
    return { name: asName, help, type, aggregator, values };
  };
  const inOpenMetrics = type === 'counter' ? name.replace(/_total$/, '') : name;

  return {
    get name() {
      return name;
    },
    // For a page in OpenMetrics a registry takes `_total` off the name for good, and then asks. Kept, the name would
    // also be wrong in text, and in what a worker sends.
    set name(forThisPage: string) {
      asked = forThisPage;
    },
    help,
    type,
    aggregator,
    get: () => answer(name, jsonSamplesOf),
    getForPromString() {
      const asName = asked ?? (isOpenMetrics(registry) ? inOpenMetrics : name);
      asked = undefined;
      return answer(asName, samplesOf);
    },
    // What devices did stays done; a counter that falls would be a restart to who reads it.
    reset() {},
  };
}

/**
 * Returns a function that collects, and gives all who ask before it is done the same. It gives nothing where there is
 * nothing to collect from, or not in time, or where the collection fails, and never rejects.
 */
function createCollector(producer: () => MetricProducer | undefined): () => Promise<Collection> {
  const nothing: Collection = new Map();
  let current: Promise<Collection> | undefined;
  let faults = 0;

  async function collect(): Promise<Collection> {
    try {
      const source = producer();
      if (source === undefined || faults >= mostFaults) return nothing;
      const { resourceMetrics } = await within(patienceMillis, source.collect());
      faults = 0;
      const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
      return new Map(metrics.map((metric) => [metric.descriptor.name, metric]));
    } catch (error) {
      faults++;
      const last = faults >= mostFaults ? '; no more is tried' : '';
      warn(`the metrics of accelmeter are missing on a page of prom-client${last}: ${String(error)}`);
      return nothing;
    }
  }

  return () => {
    current ??= collect().finally(() => {
      current = undefined;
    });
    return current;
  };
}

async function within<T>(millis: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expiry = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not collected within ${millis / 1000} s`)), millis).unref();
  });
  try {
    return await Promise.race([promise, expiry]);
  } finally {
    clearTimeout(timer);
  }
}
