/** How long an answer may take, as Prometheus says it. */
import type { IncomingHttpHeaders } from 'node:http';

/** How long a scrape may take that does not say it: Prometheus' own default. */
const defaultMillis = 10_000;

/** The timeout of the scrape that asks, in milliseconds: Prometheus sends it along. */
export function scrapeTimeoutOf(headers: IncomingHttpHeaders): number {
  const asked = Number(headers['x-prometheus-scrape-timeout-seconds']) * 1000;
  return asked > 0 && asked < 3_600_000 ? asked : defaultMillis;
}
