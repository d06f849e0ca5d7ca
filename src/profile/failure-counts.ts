/** Failures of one kind of work by `error.type`, within a bound, because error types come from programs. */
import { boundedText, otherName } from './kernel-names.ts';

/** The attributes of a series. One frozen object for as long as the series lives, so that it can serve as a key. */
export type SeriesAttributes = Readonly<Record<string, string>>;

/** One series of failures. */
export interface FailureSeries {
  readonly attributes: SeriesAttributes;
  readonly count: number;
}

/** How many error types are told apart; what comes after them counts as "other". */
const maxErrorTypes = 16;

/** How many series the failures of all kernels of a device may have beside those of "other". */
const maxSeries = 256;

/** The room for series that some counts share: error types times kernels would be a thousand. */
export class FailureRoom {
  left = maxSeries;
}

export class FailureCounts {
  /** Failures of all types. */
  total = 0;
  readonly #base: SeriesAttributes;
  readonly #room: FailureRoom;
  readonly #byType = new Map<string, { readonly attributes: SeriesAttributes; count: number }>();

  /** `base`: the attributes that the series have beside `error.type`. */
  constructor(base: SeriesAttributes, room = new FailureRoom()) {
    this.#base = base;
    this.#room = room;
  }

  /**
   * Counts a failure. `errorType` is OpenTelemetry's `error.type`, such as `out_of_memory`. Never throws: programs call
   * this where they handle an error, with whatever its `code` happens to be.
   */
  record(errorType: string): void {
    this.#add((typeof errorType === 'string' && boundedText(errorType)) || otherName, 1);
  }

  /** Takes all that another counted, which is then of no use any more. */
  merge(other: FailureCounts): void {
    for (const errorType of other.#byType.keys()) if (errorType !== otherName) other.#room.left += 1;
    for (const [errorType, { count }] of other.#byType) this.#add(errorType, count);
  }

  /** A picture of the counts by `error.type`. */
  byType(): ReadonlyMap<string, number> {
    return new Map(Array.from(this.#byType, ([errorType, { count }]) => [errorType, count]));
  }

  /** One series for each error type seen. */
  series(): Iterable<FailureSeries> {
    return this.#byType.values();
  }

  #add(errorType: string, count: number): void {
    const room = (this.#byType.size < maxErrorTypes && this.#room.left > 0) || this.#byType.has(errorType);
    const type = room ? errorType : otherName;
    const known = this.#byType.get(type);
    if (known !== undefined) known.count += count;
    else {
      this.#byType.set(type, { attributes: Object.freeze({ ...this.#base, 'error.type': type }), count });
      if (type !== otherName) this.#room.left -= 1;
    }
    this.total += count;
  }
}
