/**
 * What a series has for labels, rendered when it is first seen, and kept by the identity of its attributes object: the
 * SDK keeps one object for a series from its first collection on, and so does our producer. An object that is new is
 * only rendered anew. The cache is weak, so it goes with the series.
 */
import type { Attributes } from '@opentelemetry/api';
import type { MetricDescriptor } from '@opentelemetry/sdk-metrics';
import type { Stream } from './families.ts';
import type { FormatOptions } from './format.ts';
import { labelsOf } from './naming.ts';

/** Labels in their order. */
export type Labels = ReadonlyMap<string, string>;

interface Known<T> {
  /** The name, the constant labels and the scope for which all was rendered. */
  readonly of: string;
  readonly series: WeakMap<Attributes, T>;
}

export type SeriesOptions = Pick<FormatOptions, 'names' | 'withoutScopeInfo' | 'withResourceConstantLabels'>;

/** Finds what was rendered for a series of one stream, or renders it. */
export type SeriesOf<T> = (attributes: Attributes) => T;

/**
 * Returns a function that gives the series of a stream. `render` makes what is kept of one, from its name and its
 * labels. `reserved`: a label that the format writes itself.
 */
export function createSeries<T>(
  options: SeriesOptions,
  render: (name: string, labels: Labels) => T,
  reserved?: string,
): (name: string, stream: Stream, resource: Attributes) => SeriesOf<T> {
  const known = new WeakMap<MetricDescriptor, Known<T>>();

  return (name, stream, resource) => {
    const { metric } = stream;
    const shared = sharedAttributes(stream, resource, options);
    const key = JSON.stringify([name, shared]);
    let entry = known.get(metric.descriptor);
    if (entry?.of !== key) {
      entry = { of: key, series: new WeakMap() };
      known.set(metric.descriptor, entry);
    }
    const { series } = entry;
    return (attributes) => {
      let rendered = series.get(attributes);
      if (rendered === undefined) {
        // Of a key that the point and its scope or resource both have, the point's own value is the more specific.
        rendered = render(name, labelsOf({ ...shared, ...attributes }, reserved, options.names.label));
        series.set(attributes, rendered);
      }
      return rendered;
    };
  };
}

/** What all series of a stream have for attributes beside their own. */
export function sharedAttributes(
  { scope }: Stream,
  resource: Attributes,
  options: Pick<SeriesOptions, 'withoutScopeInfo' | 'withResourceConstantLabels'>,
): Attributes {
  return {
    ...(scope && matching(resource, options.withResourceConstantLabels)),
    ...(scope && !options.withoutScopeInfo && scopeAttributes(scope)),
  };
}

function scopeAttributes(scope: NonNullable<Stream['scope']>): Attributes {
  return {
    'otel.scope.name': scope.name,
    ...(scope.version ? { 'otel.scope.version': scope.version } : {}),
    ...(scope.schemaUrl ? { 'otel.scope.schema_url': scope.schemaUrl } : {}),
  };
}

/** `search` and not `test`: an expression with the flag `g` would remember where it was. */
function matching(attributes: Attributes, pattern: RegExp | undefined): Attributes {
  if (pattern === undefined) return {};
  return Object.fromEntries(Object.entries(attributes).filter(([key]) => key.search(pattern) >= 0));
}
