/**
 * Examples of what a distribution counted: for each octave the last duration of which it is known in which trace it was
 * measured. At most one an octave is taken in an interval, so that a busy kernel asks for its trace a few dozen times in
 * that and not at every record.
 */
import { classicBucket } from './sketch.ts';

/** One measured duration, and where it can be looked at. */
export interface Exemplar {
  /** In seconds. */
  readonly value: number;
  /** When it was measured, in seconds since 1970. */
  readonly time: number;
  /** 32 and 16 hexadecimal digits. */
  readonly traceId: string;
  readonly spanId: string;
}

/** A place in a trace. */
export type TraceContext = Pick<Exemplar, 'traceId' | 'spanId'>;

const none: readonly Exemplar[] = [];

export class Exemplars {
  /** Rises with each one taken. */
  version = 0;
  /** The octaves that have one of this interval, a bit each. */
  #taken = 0;
  /** How many more will not be wanted, because there was no trace lately. */
  #pause = 0;
  /** Varies the pauses, so that no rhythm of the program can keep step with them. */
  #turn = 0;
  /** By octave. Only where one was ever taken. */
  #latest: (Exemplar | undefined)[] | undefined;

  /** Whether to look for the trace of this duration: not where none would be taken. On the hot path. */
  wants(seconds: number): boolean {
    if (this.#pause > 0) {
      this.#pause -= 1;
      return false;
    }
    return ((this.#taken >>> classicBucket(seconds)) & 1) === 0;
  }

  /**
   * Somebody looked and there was no trace: the next few durations are not wanted. To look costs half of what a record
   * does, and most programs have no tracer.
   */
  missed(): void {
    this.#turn = (this.#turn * 5 + 3) & 7;
    this.#pause = 4 + this.#turn;
  }

  /** Takes one, where the octave has none of this interval and the ids are ids. `time`: in seconds since 1970. */
  take(value: number, { traceId, spanId }: TraceContext, time: number): void {
    if (traceId.length !== 32 || spanId.length !== 16) return;
    const octave = classicBucket(value);
    if ((this.#taken >>> octave) & 1) return;
    this.#taken |= 1 << octave;
    this.#latest ??= [];
    this.#latest[octave] = { value, time, traceId, spanId };
    this.version += 1;
  }

  /** From here on each octave takes one again; those there are stay until then. */
  closeInterval(): void {
    this.#taken = 0;
  }

  /** One an octave, from the shortest duration to the longest. */
  latest(): readonly Exemplar[] {
    return this.#latest === undefined ? none : this.#latest.filter((each) => each !== undefined);
  }
}
