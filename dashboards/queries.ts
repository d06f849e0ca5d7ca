/**
 * PromQL in the terms of the overview: series already narrowed to what the dashboard's variables choose, and the few
 * shapes in which all panels ask for them.
 */
import { catalogue, type Metric, type MetricName } from '../src/catalogue.ts';
import { type HistogramName, type LabelSource, label, type SeriesOf, series } from './series.ts';

/** The window of every rate: never shorter than four scrapes, as Grafana computes it. */
const window = '$__rate_interval';

/** The dashboard's variables that narrow series down, and the label that each is about. */
export const filters = {
  job: 'job',
  instance: 'instance',
  backend: 'accelmeter.backend',
  device: 'hw.id',
  kernel: 'accelmeter.kernel.name',
} as const satisfies Record<string, LabelSource>;
export type FilterName = keyof typeof filters;

/** The series of a metric that all variables choose that apply to it. */
export function chosen<N extends MetricName>(...named: SeriesOf<N>): string {
  const { about, attributes }: Metric = catalogue[named[0]];
  const applicable: FilterName[] = ['job', 'instance'];
  if (about === 'device') applicable.push('backend', 'device');
  if (attributes.includes('accelmeter.kernel.name')) applicable.push('kernel');
  return chosenBy(applicable, series(...named));
}

/** The series of this name that the given variables choose. */
export function chosenBy(names: readonly FilterName[], seriesName: string): string {
  const conditions = names.map((name) => `${label(filters[name])}=~"$${name}"`);
  return conditions.length === 0 ? seriesName : `${seriesName}{${conditions.join(',')}}`;
}

/** Of chosen series those with this text as a label. */
export const where = (selector: string, source: LabelSource, text: string): string =>
  selector.replace(/\}$/, `,${label(source)}="${text}"}`);

/** The labels by which a result is told apart. */
export const by = (...sources: readonly LabelSource[]): string => `by (${sources.map(label).join(', ')})`;

/** A label's value in a legend. */
export const legendOf = (source: LabelSource): string => `{{${label(source)}}}`;

/** How fast a counter grows, per second. */
export const perSecond = (counter: string): string => `rate(${counter}[${window}])`;

/**
 * By how much a counter grew in `range`. A counter of failures is born with its first failure, and `increase` does not
 * see the step from nothing to one: a series that is younger than the range therefore counts in full. Rounded, because
 * `increase` stretches what it saw to the whole range, and 1.3 failures are none that happened.
 */
export const growth = (counter: string, range: '$__range' | '$__rate_interval'): string =>
  `round((${counter} unless ${counter} offset ${range}) or increase(${counter}[${range}]))`;

/**
 * Adds the device's name and index to series of devices, for legends. `topk` because two identities of one device (a
 * driver updated minutes ago) would make the join fail.
 */
export function withDevice(expression: string): string {
  const device = by('job', 'instance', 'hw.id');
  const identity = `topk ${device} (1, ${chosen('accelmeter.device.info')})`;
  const added = ['hw.name', 'accelmeter.device.index'] as const;
  return `${expression} * on (${on}) group_left (${added.map(label).join(', ')}) ${identity}`;
}

/** What tells GPUs apart, and how people call them. */
export const ofGpu = ['hw.id', 'hw.name', 'accelmeter.device.index'] as const;

/** One series a GPU: each process tells the same of one that several use, and the greatest is one of them. */
export const once = (expression: string, ...more: readonly LabelSource[]): string =>
  `max ${by(...ofGpu, ...more)} (${withDevice(`(${expression})`)})`;

/** The speed of each GPU's fastest fan, as a series of the GPU: a fan is a component of its own, and says whose. */
export function fastestFan(): string {
  const fans = chosenBy(['job', 'instance', 'backend'], series('hw.fan.speed_ratio'));
  return `label_join(max ${by('job', 'instance', 'hw.parent')} (${fans}), "${label('hw.id')}", "", "${label('hw.parent')}")`;
}

const on = (['job', 'instance', 'hw.id'] as const).map(label).join(', ');

/** The sum over all that is not in `sources`; with `hw.name` among them the device's name is joined in first. */
export function sumBy(sources: readonly LabelSource[], expression: string): string {
  return `sum ${by(...sources)} (${sources.includes('hw.name') ? withDevice(expression) : expression})`;
}

/** A quantile of what a histogram observed in the window. Not a number where nothing was, and that is left out. */
export function quantile(q: number, name: HistogramName, sources: readonly LabelSource[]): string {
  return `histogram_quantile(${q}, ${sumBy(['le', ...sources], perSecond(chosen(name, 'bucket')))}) >= 0`;
}

/** `expression`, a single value, or 0; but nothing where nothing reports, for then nobody knows. */
export const orZero = (expression: string): string => `${expression} or 0 * count(${chosen('accelmeter.build.info')})`;

/** 1 or 0 for each source, and for each endpoint whether Prometheus reaches it; by OTLP there is no such endpoint. */
export const everySource = (): string =>
  `(${chosen('accelmeter.source.up')} or ${named(chosenBy(['job', 'instance'], 'up'), 'accelmeter.source', 'endpoint')})`;

/** Sets a label of every series to the same text. */
export const named = (expression: string, source: LabelSource, text: string): string =>
  `label_replace(${expression}, "${label(source)}", "${text}", "", "")`;
