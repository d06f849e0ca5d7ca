/**
 * A registry of prom-client as a MetricProducer. The registry is asked as a whole, so that its default labels are on
 * everything; but each metric is asked through a wrapper that answers for it where it throws or hangs.
 */
import type { CollectionResult, MetricProducer } from '@opentelemetry/sdk-metrics';
import { processResource } from '../../otel/resource.ts';
import { version } from '../../version.ts';
import { isOpenMetrics, type PromClientRegistry } from './registry.ts';
import { createTranslator } from './translator.ts';

const scope = { name: 'accelmeter/prom-client', version };
const defaultTimeoutMillis = 5000;

interface Asked {
  readonly name?: unknown;
  get?(): unknown;
  getForPromString?(): unknown;
}

/** Metrics for which `skip` is true are not asked. */
export function createProducer(registry: PromClientRegistry, skip: (metric: object) => boolean): MetricProducer {
  const resource = processResource(process.env);
  const translate = createTranslator();

  return {
    async collect({ timeoutMillis = defaultTimeoutMillis } = {}): Promise<CollectionResult> {
      const errors: Error[] = [];
      const fail = (what: string, cause?: unknown) => {
        errors.push(new Error(`prom-client: ${what}`, cause === undefined ? {} : { cause }));
      };
      const families = await readAll(registry, skip, timeoutMillis, fail);
      const metrics = translate({ families, openMetrics: isOpenMetrics(registry), now: Date.now() }, fail);
      return { resourceMetrics: { resource, scopeMetrics: [{ scope, metrics }] }, errors };
    },
  };
}

type Fail = (what: string, cause?: unknown) => void;

/** What the metrics answer, with default labels. Never rejects, and answers when the time is over. */
async function readAll(
  registry: PromClientRegistry,
  skip: (metric: object) => boolean,
  millis: number,
  fail: Fail,
): Promise<readonly unknown[]> {
  const deadline = createDeadline(millis);
  const wrapped = (metric: Asked) => ({
    async get(): Promise<unknown> {
      try {
        // The second has the labels of a histogram's series once instead of on each of its lines.
        const answer = metric.getForPromString ? metric.getForPromString() : metric.get?.();
        return copyOf(await Promise.race([answer, deadline.passed]));
      } catch (error) {
        fail(`${String(metric.name)} could not be read`, error);
        return {};
      }
    },
  });
  // The registry itself, but for what it takes for its metrics.
  const view: PromClientRegistry = Object.create(registry, {
    getMetricsAsArray: {
      value: () =>
        registry
          .getMetricsAsArray()
          .filter((metric) => !skip(metric))
          .map(wrapped),
    },
  });
  const read = async (asked: PromClientRegistry) => {
    const answer: unknown = await Promise.race([asked.getMetricsAsJSON(), deadline.over]);
    if (!Array.isArray(answer)) throw new TypeError('getMetricsAsJSON answered no list of metrics');
    return answer as readonly unknown[];
  };
  try {
    return await read(view).catch(async (error) => {
      // A class of the service's own may have private fields, which only the registry itself gives its methods.
      if (!(error instanceof TypeError)) throw error;
      const skipped = new Set(registry.getMetricsAsArray().filter(skip).map(nameOf));
      return (await read(registry)).filter((family) => !skipped.has(nameOf(family)));
    });
  } catch (error) {
    fail('the registry could not be read', error);
    return [];
  } finally {
    deadline.clear();
  }
}

function nameOf(metric: unknown): unknown {
  return (Object(metric) as Asked).name;
}

/** The registry puts its default labels into what it is answered, and counters answer with what they count in. */
function copyOf(answer: unknown): unknown {
  const { values } = Object(answer) as { values?: unknown };
  return Array.isArray(values) ? { ...Object(answer), values: values.map((value) => ({ ...value })) } : {};
}

interface Deadline {
  /** Rejects when the time is over. */
  readonly passed: Promise<never>;
  /** Rejects a turn of the event loop later: what others answer because of `passed` still counts. */
  readonly over: Promise<never>;
  clear(): void;
}

function createDeadline(millis: number): Deadline {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${millis / 1000} s`)), millis).unref();
  });
  const over = passed.catch(async (error) => {
    await new Promise((resolve) => setImmediate(resolve));
    throw error;
  });
  over.catch(() => {}); // Nobody may be waiting for it.
  return { passed, over, clear: () => clearTimeout(timer) };
}
