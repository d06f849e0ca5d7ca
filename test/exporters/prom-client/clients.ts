/** Both packages, and what a page of theirs says. */
import * as successor from '@prometheus-io/client';
import * as promClient from 'prom-client';

export const clients = [
  ['prom-client', promClient],
  // The same classes, in another package: to a compiler they are others.
  ['@prometheus-io/client', successor as unknown as typeof promClient],
] as const;
export type Client = typeof promClient;

export const text = 'text/plain; version=0.0.4; charset=utf-8';
export const openMetrics = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** The samples of a page by what stands before the value, in the order of the labels' names. */
export function samplesOf(page: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of page.split('\n')) {
    const [, name = '', labels = '', value = ''] = /^([^#{ ][^{ ]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === '') continue;
    const sorted = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)]
      .filter(([, label = '']) => !label.startsWith('otel_scope_'))
      .map(([label]) => label)
      .sort();
    const key = `${name}{${sorted.join()}}`;
    if (samples.has(key)) throw new Error(`twice on one page: ${key}`);
    samples.set(key, Number(value.replace('Inf', 'Infinity')));
  }
  return samples;
}

export const typesOf = (page: string) =>
  Object.fromEntries([...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
