/**
 * The names that the catalogue's metrics and attributes have in Prometheus, by the exporter's own naming rule. A
 * metric, a part of a histogram or an attribute that does not exist does not compile, so a query cannot be misspelt.
 */
import {
  type AttributeName,
  catalogue,
  type deviceAttributes,
  type Metric,
  type MetricName,
} from '../src/catalogue.ts';
import { labelName, metricName } from '../src/exporters/prometheus/naming.ts';

type NamesOf<Instrument extends Metric['instrument']> = {
  [N in MetricName]: (typeof catalogue)[N]['instrument'] extends Instrument ? N : never;
}[MetricName];

/** Metrics that are histograms in Prometheus: three series names each. */
export type HistogramName = NamesOf<'histogram'>;
/** What a histogram's series are: cumulative counts by `le`, their total, and the sum of what was observed. */
export type HistogramPart = 'bucket' | 'count' | 'sum';
/** The metric, and for a histogram also which of its series. */
export type SeriesOf<N extends MetricName> = N extends HistogramName ? [name: N, part: HistogramPart] : [name: N];

/** Whatever can be asked of a label: an attribute, what Prometheus adds to a target's series, a bucket's bound. */
export type LabelSource = AttributeName | (typeof deviceAttributes)[number] | 'job' | 'instance' | 'le';

/** The family's name, such as `accelmeter_kernel_duration_seconds`. */
function family(name: MetricName): string {
  const { unit, instrument }: Metric = catalogue[name];
  const made = metricName(name, unit, instrument, { prefix: '', unitSuffixes: true });
  if (made === undefined) throw new Error(`${name} has no name in Prometheus`);
  return made;
}

/** The name of one series, such as `accelmeter_kernel_duration_seconds_count`. */
export function series<N extends MetricName>(...[name, part]: SeriesOf<N>): string {
  return part === undefined ? family(name) : `${family(name)}_${part}`;
}

/** Every series name of a metric: one, or a histogram's three. */
export function allSeries(name: MetricName): string[] {
  const { instrument }: Metric = catalogue[name];
  return instrument === 'histogram'
    ? ['bucket', 'count', 'sum'].map((part) => `${family(name)}_${part}`)
    : [family(name)];
}

/** The label of an attribute, such as `accelmeter_kernel_name`. */
export function label(source: LabelSource): string {
  const made = labelName(source);
  if (made === undefined) throw new Error(`${source} has no label in Prometheus`);
  return made;
}
