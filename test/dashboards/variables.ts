/** What Grafana does with a dashboard's variables before it asks Prometheus: resolves them in order, all at All. */
import type { PrometheusServer } from './prometheus-server.ts';

/** The part of a query variable that matters here. */
export interface QueryVariable {
  readonly name: string;
  readonly query: { readonly query: string };
  readonly regex?: string;
  readonly allValue?: string;
}

export interface Option {
  readonly text: string;
  readonly value: string;
}

/** What each variable offers, and what stands for it in a query when it is at All. */
export interface Resolved {
  readonly offered: ReadonlyMap<string, readonly Option[]>;
  readonly atAll: Readonly<Record<string, string>>;
}

/** Asks for the options of each variable, with those before it at All. */
export async function resolveVariables(
  variables: readonly QueryVariable[],
  prometheus: PrometheusServer,
): Promise<Resolved> {
  const offered = new Map<string, readonly Option[]>();
  const atAll: Record<string, string> = {};
  for (const variable of variables) {
    const options = await optionsOf(variable, interpolate(variable.query.query, atAll), prometheus);
    offered.set(variable.name, options);
    atAll[variable.name] = variable.allValue ?? `(${options.map(({ value }) => escapeRegex(value)).join('|')})`;
  }
  return { offered, atAll };
}

/** `text` with its `$variables` replaced; one that is not known is an error. */
export function interpolate(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\$(\w+)/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`no variable $${name} in ${text}`);
    return value;
  });
}

async function optionsOf({ regex }: QueryVariable, query: string, prometheus: PrometheusServer): Promise<Option[]> {
  const values = /^label_values\((?<selector>.+), (?<label>\w+)\)$/.exec(query)?.groups;
  if (values?.selector && values.label) {
    const { selector, label } = values;
    const found = new Set((await prometheus.series(selector)).map((labels) => labels[label] ?? ''));
    return [...found].map((value) => ({ text: value, value }));
  }
  const result = /^query_result\((?<expression>.+)\)$/.exec(query)?.groups;
  if (!result?.expression || !regex) throw new Error(`a variable asks ${query}`);
  const pattern = new RegExp(regex.slice(1, -1));
  return (await prometheus.query(result.expression)).map(({ labels, values }) => {
    const text = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
    const match = pattern.exec(`{${text.join(',')}} ${values[0]}`)?.groups;
    return { text: match?.text ?? '', value: match?.value ?? '' };
  });
}

/** As Grafana's Prometheus data source does it, inside of a quoted string of PromQL. */
function escapeRegex(value: string): string {
  return value.replaceAll('\\', '\\\\\\\\').replace(/[$^*{}[\]'+?.()|]/g, '\\\\$&');
}
