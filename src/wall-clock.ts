/**
 * Process seconds as a time for people and logs, ISO 8601 in UTC. The monotonic clock stands still while a machine sleeps,
 * and the wall clock is set: after a night the two are hours apart, and the wall clock is right.
 */
export function wallTime(processSeconds: number): string {
  const apart = Date.now() - (performance.timeOrigin + performance.now());
  // Less is how finely they can be read: then the same moment has the same time whenever it is asked for.
  const correction = Math.abs(apart) < tolerated ? 0 : apart;
  return new Date(performance.timeOrigin + processSeconds * 1000 + correction).toISOString();
}

/** Milliseconds. */
const tolerated = 1000;
