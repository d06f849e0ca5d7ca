/** Counters that the hardware keeps since it was made, or its driver loaded, as counts since we began to look. */

/** A counter of 32 bits begins again at zero when it is full; any does that the driver was loaded anew for. */
const wrapsAt = 2 ** 32;

export interface Counts {
  /**
   * What was counted since the first call with that name: 0 at the first. Never falls. `isNarrow`: it has 32 bits, by its
   * type: what a counter has come to does not tell that.
   */
  since(name: string, value: number, isNarrow: boolean): number;
}

export function createCounts(): Counts {
  const counters = new Map<string, { last: number; total: number }>();
  return {
    since(name, value, isNarrow) {
      const counter = counters.get(name) ?? { last: value, total: 0 };
      counters.set(name, counter);
      counter.total += increase(counter.last, value, isNarrow);
      counter.last = value;
      return counter.total;
    },
  };
}

/** A narrow one that fell has wrapped where it was near the end; else it began again at zero. */
function increase(last: number, value: number, isNarrow: boolean): number {
  if (value >= last) return value - last;
  return isNarrow && last > wrapsAt / 2 && value < wrapsAt / 2 ? value + wrapsAt - last : value;
}
