/**
 * The lines of one histogram. From one page to the next they differ in a few digits and in the sum, so they are kept as
 * they stood last, but for the sum, which stands at the end: the digits of the counts that rose are written over, what
 * stands after a count that got a digit more is moved, and the whole goes to the page as one copy. Only where counts
 * fell or bounds or exemplars changed all is written anew.
 *
 * They are kept from the second page on, so that a producer which gives new attributes at each collection, and whose
 * lines can never be found again, costs no memory.
 */
import { digitsOf, isCount, type PageBuffer, writeDigits } from './page-buffer.ts';

/** What lines begin with, up to the value or to a bucket's bound: `x_bucket{a="1",`, `x_count{a="1"} `, `x_sum{a="1"} `. */
export interface LineStarts {
  readonly bucket: string;
  readonly count: string;
  readonly sum: string;
}

/** A histogram to be written, its buckets aside. */
interface Totals {
  readonly count: number;
  readonly sum?: number | undefined;
}

/** How its lines are written. */
export interface LineFormat {
  /** The bytes that end the labels of each bucket, `+Inf` last: `le="0.5"} `. */
  readonly bounds: readonly Uint8Array[];
  /** What follows a value, with its blank; empty for none. */
  readonly timestamp: string;
  /** Whether there is no count where there is no sum. */
  readonly countNeedsSum: boolean;
  /** What follows that of bucket `i`; empty for most. */
  readonly remark: ((i: number) => string) | undefined;
  /** Changes when any remark does. */
  readonly version: number | undefined;
}

/** The lines as they stood on the last page, up to the sum. */
interface Kept {
  /** With room for digits to come. */
  readonly bytes: Uint8Array;
  /** What of it is used. */
  used: Uint8Array;
  readonly bounds: readonly Uint8Array[];
  readonly version: number | undefined;
  readonly hasSum: boolean;
  /**
   * Of each bucket, and of the count after them: the number, the first that has more digits (0 where it is not there,
   * or no count), and where it ends. In one array, because of a thousand histograms the processor's cache holds none.
   */
  readonly marks: Float64Array;
}

const markSize = 3;

export class HistogramLines {
  readonly #starts: LineStarts;
  #pages = 0;
  #kept: Kept | undefined;

  constructor(starts: LineStarts) {
    this.#starts = starts;
  }

  /** Writes one line a bound, then count and sum; returns how many these are. `counts`: of the buckets, not cumulative. */
  write(page: PageBuffer, counts: readonly number[], totals: Totals, format: LineFormat): number {
    const { sum } = totals;
    const kept = this.#kept;
    const hasSum = sum !== undefined;
    if (
      kept !== undefined &&
      kept.bounds === format.bounds &&
      kept.version === format.version &&
      kept.hasSum === hasSum &&
      rewrite(kept, counts, totals.count)
    ) {
      page.bytes(kept.used);
    } else {
      this.#writeAnew(page, counts, totals, format);
    }
    // The SDK leaves the sum out where values may be negative: such a sum can fall, and would read as a reset.
    if (hasSum) {
      page.number(sum);
      page.endLine(format.timestamp);
      return format.bounds.length + 2;
    }
    return format.bounds.length + (format.countNeedsSum ? 0 : 1);
  }

  #writeAnew(page: PageBuffer, counts: readonly number[], totals: Totals, format: LineFormat): void {
    const { bounds, timestamp, countNeedsSum, remark, version } = format;
    const start = page.length;
    const keep = this.#pages++ > 0 && timestamp === '';
    const marks = keep ? new Float64Array((bounds.length + 1) * markSize) : undefined;
    const last = bounds.length - 1;
    const total = totalOf(counts, totals.count);
    let cumulative = 0;
    page.text(this.#starts.bucket);
    const end = page.length;
    for (let i = 0; i <= last; i++) {
      if (i > 0) page.again(start, end);
      cumulative = i === last ? total : cumulative + (counts[i] ?? 0);
      page.bytes(bounds[i] as Uint8Array);
      page.number(cumulative);
      note(marks, i, cumulative, page.length - start);
      if (remark === undefined) page.endLine(timestamp);
      else page.endLine(timestamp + remark(i));
    }
    const hasSum = totals.sum !== undefined;
    if (hasSum || !countNeedsSum) {
      page.text(this.#starts.count);
      page.number(total);
      note(marks, bounds.length, total, page.length - start);
      page.endLine(timestamp);
    }
    if (hasSum) page.text(this.#starts.sum);
    this.#kept = marks && { ...copyOf(page, start, bounds.length + 1), bounds, version, hasSum, marks };
  }
}

/**
 * How many a histogram counted, in agreement with its buckets: `+Inf` and the count are one number, whatever a producer
 * says. A value without a bucket lies above all.
 */
function totalOf(counts: readonly number[], count: number): number {
  let sum = 0;
  for (let i = 0; i < counts.length; i++) sum += counts[i] as number;
  return Math.max(sum, count);
}

/** Remembers where a number stands; one that is no count cannot be written over. */
function note(marks: Float64Array | undefined, i: number, number: number, end: number): void {
  marks?.set([number, isCount(number) ? 10 ** digitsOf(number) : 0, end], i * markSize);
}

/** What was written from `start` on, with room for a digit more of each number. */
function copyOf(page: PageBuffer, start: number, numbers: number): Pick<Kept, 'bytes' | 'used'> {
  const length = page.length - start;
  const bytes = new Uint8Array(length + numbers);
  bytes.set(page.written.subarray(start));
  return { bytes, used: bytes.subarray(0, length) };
}

/** Writes the counts that rose over the old ones; false where these lines cannot become those of the histogram. */
function rewrite(kept: Kept, counts: readonly number[], count: number): boolean {
  const { bytes, marks } = kept;
  const last = marks.length - 2 * markSize;
  let cumulative = 0;
  for (let mark = 0, i = 0; mark < marks.length; mark += markSize, i++) {
    // The count is the same number as that of the last bucket, and may be missing.
    if (mark < last) cumulative += counts[i] as number;
    else if (mark === last) cumulative = Math.max(cumulative + (counts[i] ?? 0), count);
    else if (marks[mark + 1] === 0) break;
    const before = marks[mark] as number;
    if (cumulative === before) continue;
    if (!(cumulative > before && isCount(cumulative))) return false;
    if (cumulative >= (marks[mark + 1] as number) && !widen(kept, mark, cumulative)) return false;
    writeDigits(bytes, marks[mark + 2] as number, cumulative);
    marks[mark] = cumulative;
  }
  return true;
}

/** Moves what stands after a number that has more digits now; false where there is no room, or it was no count. */
function widen(kept: Kept, mark: number, number: number): boolean {
  const { bytes, marks, used } = kept;
  const limit = marks[mark + 1] as number;
  if (limit === 0) return false;
  const digits = digitsOf(number);
  const more = digits - Math.round(Math.log10(limit));
  const length = used.length + more;
  if (length > bytes.length) return false;
  const end = marks[mark + 2] as number;
  bytes.copyWithin(end + more, end, used.length);
  marks[mark + 1] = 10 ** digits;
  for (let at = mark; at < marks.length; at += markSize) marks[at + 2] = (marks[at + 2] as number) + more;
  kept.used = bytes.subarray(0, length);
  return true;
}
