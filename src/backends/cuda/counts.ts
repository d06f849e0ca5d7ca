/** Counters that the hardware keeps since it was made, or its driver loaded, as counts since we began to look. */

/** A counter of 32 bits begins again at zero; so does any that the driver was loaded anew for. */
const wrapsAt = 2 ** 32;

export interface Counts {
  /** What was counted since the first call with that name: 0 at the first. Never falls. */
  since(name: string, value: number): number;
}

export function createCounts(): Counts {
  const counters = new Map<string, { last: number; total: number }>();
  return {
    since(name, value) {
      const counter = counters.get(name) ?? { last: value, total: 0 };
      counters.set(name, counter);
      counter.total += increase(counter.last, value);
      counter.last = value;
      return counter.total;
    },
  };
}

/** One that fell has wrapped where it was near the end of its 32 bits; else it began again at zero. */
function increase(last: number, value: number): number {
  if (value >= last) return value - last;
  return last < wrapsAt && last > wrapsAt / 2 && value < wrapsAt / 2 ? value + wrapsAt - last : value;
}
