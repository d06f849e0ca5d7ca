/** The formats that an exporter has, each made when it is first asked for. */
import { createNames, type Escaping, type NamingOptions } from './escaping.ts';
import type { Format, FormatOptions } from './format.ts';
import type { FormatName } from './negotiate.ts';
import { createOpenMetricsFormat, type OpenMetricsOptions } from './openmetrics.ts';
import { createTextFormat } from './text.ts';

export interface FormatsOptions
  extends NamingOptions,
    Omit<FormatOptions, 'names'>,
    Pick<OpenMetricsOptions, 'createdSeries'> {}

/** Which bytes a page has: both versions of the text have the same. */
export type Layout = `${'text' | 'openmetrics'} ${Escaping}`;

export function layoutOf(format: FormatName, escaping: Escaping): Layout {
  return `${format === 'openmetrics' ? 'openmetrics' : 'text'} ${escaping}`;
}

/** Makes formats; who calls keeps them, because a format remembers what it rendered. */
export function createFormatOf(options: FormatsOptions): (layout: Layout) => Format {
  return (layout) => {
    const [kind, escaping] = layout.split(' ') as ['text' | 'openmetrics', Escaping];
    const names = createNames(options, escaping);
    return kind === 'text' ? createTextFormat({ ...options, names }) : createOpenMetricsFormat({ ...options, names });
  };
}
