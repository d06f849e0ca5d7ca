/** The formats that an exporter has, each made when it is first asked for. */
import { createNames, type Escaping, type NamingOptions } from './escaping.ts';
import type { Format, FormatOptions } from './format.ts';
import type { FormatName } from './negotiate.ts';
import { createOpenMetricsFormat, type OpenMetricsOptions } from './openmetrics.ts';
import { createProtobufFormat, type ProtobufOptions } from './protobuf.ts';
import { createTextFormat } from './text.ts';

export interface FormatsOptions
  extends NamingOptions,
    Omit<FormatOptions, 'names'>,
    Pick<OpenMetricsOptions, 'createdSeries'>,
    Pick<ProtobufOptions, 'protobufHistograms'> {}

type Kind = 'text' | 'openmetrics' | 'protobuf';

/** Which bytes a page has: both versions of the text have the same. */
export type Layout = `${Kind} ${Escaping}`;

export function layoutOf(format: FormatName, escaping: Escaping): Layout {
  return `${format === 'text-0.0.4' || format === 'text-1.0.0' ? 'text' : format} ${escaping}`;
}

/** Makes formats; who calls keeps them, because a format remembers what it rendered. */
export function createFormatOf(options: FormatsOptions): (layout: Layout) => Format {
  const create = { text: createTextFormat, openmetrics: createOpenMetricsFormat, protobuf: createProtobufFormat };
  return (layout) => {
    const [kind, escaping] = layout.split(' ') as [Kind, Escaping];
    return create[kind]({ ...options, names: createNames(options, escaping) });
  };
}
