/**
 * What is remembered of each series from one collection to the next: its attributes as one object, which exporters
 * render once, and since when it counts. What a collection does not have is forgotten by it.
 */
import type { Attributes, HrTime } from '@opentelemetry/api';

interface Series {
  readonly attributes: Attributes;
  readonly startTime: HrTime;
  readonly value: number;
}

/** A registry is in this process, and counted nothing before it began. */
const processStart: HrTime = [
  Math.floor(performance.timeOrigin / 1000),
  Math.round((performance.timeOrigin % 1000) * 1e6),
];

export class SeriesMemory {
  #before = new Map<string, Series>();
  #now = new Map<string, Series>();
  #previousEnd = processStart;
  #end = processStart;

  /** Before the first series of a collection, which is of the time `end`. */
  begin(end: HrTime): void {
    this.#before = this.#now;
    this.#now = new Map();
    this.#previousEnd = this.#end;
    this.#end = end;
  }

  /** `value`: what only rises while the series goes on. Where it fell, the series began anew since the last look. */
  take(key: string, labels: Readonly<Record<string, string>>, value: number): Pick<Series, 'attributes' | 'startTime'> {
    const before = this.#before.get(key);
    const startTime = before === undefined ? processStart : value < before.value ? this.#previousEnd : before.startTime;
    const attributes = before?.attributes ?? Object.freeze({ ...labels });
    this.#now.set(key, { attributes, startTime, value });
    return { attributes, startTime };
  }
}
