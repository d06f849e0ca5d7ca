/**
 * What prom-client 15 and its successor @prometheus-io/client 0.16 have in common, as far as it is needed here. Neither
 * is a dependency: a registry is known by its shape, and whichever the service has is used.
 */

/** A `Registry`, or an `AggregatorRegistry`, of either package. */
export interface PromClientRegistry {
  /** Of text or of OpenMetrics. */
  readonly contentType: string;
  // `never`, so that a registry that only takes metrics of its own classes is one of these. It takes any object.
  registerMetric(metric: never): void;
  removeSingleMetric(name: string): void;
  getSingleMetric(name: string): unknown;
  getMetricsAsArray(): readonly object[];
  getMetricsAsJSON(): Promise<readonly object[]>;
}

/** One line of a family. */
export interface PromClientValue {
  /** Where it is not the name of the family: `…_bucket`, `…_sum`, `…_count`. */
  readonly metricName?: string | undefined;
  readonly labels: Readonly<Record<string, string | number>>;
  /** What all lines of a series have in common; the registry renders one such object once. */
  readonly sharedLabels?: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** What `get` of a metric answers. */
export interface PromClientFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  /** How the processes of a cluster become one. */
  readonly aggregator: 'sum' | 'first' | 'min' | 'max';
  readonly values: readonly PromClientValue[];
}

/** A metric as a registry wants it. */
export interface PromClientMetric extends Omit<PromClientFamily, 'values'> {
  /** For `getMetricsAsJSON`, which is what the workers of a cluster send to their primary. */
  get(): Promise<PromClientFamily>;
  /** For a page. */
  getForPromString(): Promise<PromClientFamily>;
  /** Called by the registry's `resetMetrics`. */
  reset(): void;
}

const methods = ['registerMetric', 'removeSingleMetric', 'getSingleMetric', 'getMetricsAsArray', 'getMetricsAsJSON'];

/** Throws a TypeError for what is no registry. */
export function checkRegistry(registry: unknown): asserts registry is PromClientRegistry {
  const given = Object(registry) as Readonly<Record<string, unknown>>;
  const missing = methods.filter((method) => typeof given[method] !== 'function');
  if (missing.length === 0) return;
  throw new TypeError(`not a registry of prom-client or @prometheus-io/client: it has no ${missing.join(', ')}`);
}

/** Of OpenMetrics counters the family has no `_total`; a registry adds that to their samples. */
export function isOpenMetrics({ contentType }: PromClientRegistry): boolean {
  return String(contentType).startsWith('application/openmetrics-text');
}
