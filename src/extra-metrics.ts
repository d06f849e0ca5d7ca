/** Metrics that are exported only where they are asked for. What they say is in the API always. */

/** "health" is `accelmeter.health.score`, "trend" is `accelmeter.trend.ratio`. */
export const extraMetricNames = ['health', 'trend'] as const;
export type ExtraMetricName = (typeof extraMetricNames)[number];

/** Those of these names, each once. Throws a TypeError for what is no list of them. */
export function checkExtraMetrics(names: readonly string[] | undefined): readonly ExtraMetricName[] | undefined {
  if (names === undefined) return undefined;
  if (!Array.isArray(names)) throw new TypeError(`extraMetrics must be an array, such as ["${extraMetricNames[0]}"]`);
  const unknown = names.find((name) => !extraMetricNames.some((known) => known === name));
  if (unknown === undefined) return extraMetricNames.filter((name) => names.includes(name));
  throw new TypeError(`extraMetrics knows no ${JSON.stringify(unknown)}; there are ${extraMetricNames.join(', ')}`);
}

/** The names in the text of a variable, separated by commas, in any case. Throws as `checkExtraMetrics` does. */
export function extraMetricsIn(text: string): readonly ExtraMetricName[] | undefined {
  const names = text.split(',').map((name) => name.trim().toLowerCase());
  return checkExtraMetrics(names.filter((name) => name !== ''));
}
