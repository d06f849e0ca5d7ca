/** A bucket of tokens, of which each request takes one. It is one for all who ask, as in Prometheus' toolkit. */
import type { RateLimit } from './web-config.ts';

/** Returns a function that is true where a request is within the limit. The bucket is full at first. */
export function createRateLimit(
  { intervalMillis, burst }: RateLimit,
  now: () => number = () => performance.now(),
): () => boolean {
  let tokens = burst;
  let filled = now();

  return () => {
    const at = now();
    tokens = Math.min(burst, tokens + (at - filled) / intervalMillis);
    filled = at;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}
