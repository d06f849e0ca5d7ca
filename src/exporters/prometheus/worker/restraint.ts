/**
 * How often the service's thread is asked for the same: whenever its last answer is older than a second, and more often
 * only in bursts. Each kind of answer has its own measure, so that who asks for one as fast as it comes costs the service
 * little and the readers of another nothing.
 */
import { createRateLimit } from '../web-config/rate-limit.ts';
import { now } from './messages.ts';

/** What is younger is fresh: no series of Prometheus is of a finer grain. */
const freshSeconds = 1;
/** What one scrape costs the service it may have as often at once. */
const burst = 10;

/** Whether the service is asked for this kind, of which the last answer was made at that time of `now`. */
export type Restraint = (kind: string, madeAt: number) => boolean;

/** Returns a restraint that remembers each kind it is asked about; there must be few. */
export function createRestraint(): Restraint {
  const buckets = new Map<string, () => boolean>();

  return (kind, madeAt) => {
    const take = buckets.get(kind) ?? createRateLimit({ intervalMillis: freshSeconds * 1000, burst });
    buckets.set(kind, take);
    const withinBurst = take();
    return withinBurst || now() - madeAt > freshSeconds;
  };
}
