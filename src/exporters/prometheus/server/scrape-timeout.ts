/** How long an answer may take, as Prometheus says it. */
import type { IncomingHttpHeaders } from 'node:http';

/** How long a scrape may take that does not say it: Prometheus' own default. */
const defaultMillis = 10_000;

/** Seconds. */
const steps = [60, 30, 15, 10, 5, 2, 1, 0.5];

/**
 * The step below a timeout, as the header says it: scrapes that have nearly the same can share an answer, and there are
 * few that cannot.
 */
export function sharedTimeout(millis: number): string {
  return String(steps.find((step) => step * 1000 <= millis) ?? 0.25);
}

/** The timeout of the scrape that asks, in milliseconds: Prometheus sends it along. */
export function scrapeTimeoutOf(headers: IncomingHttpHeaders): number {
  const asked = Number(headers['x-prometheus-scrape-timeout-seconds']) * 1000;
  return asked > 0 && asked < 3_600_000 ? asked : defaultMillis;
}
