/**
 * The bucket lines of one histogram. From one page to the next they differ in a few digits only: the lines are kept as
 * they stood last, the digits of the counts that rose are written over, and the whole goes to the page as one copy.
 * Where a count got one digit more, or the bounds changed, all lines are written anew.
 *
 * They are kept from the second page on, so that a producer which gives new attributes at each collection, and whose
 * lines can never be found again, costs no memory.
 */
import { digitsOf, isCount, type PageBuffer, writeDigits } from './page-buffer.ts';

/** What stands between name and value of a histogram's lines. */
export interface BucketFormat {
  /** The bytes that end the labels of each bucket, `+Inf` last: `le="0.5"} `. */
  readonly bounds: readonly Uint8Array[];
  /** What ends a line: a line feed, with a timestamp before it where there is one. */
  readonly ending: string;
  /** What follows the count of bucket `i`, before the ending; empty for most. */
  readonly exemplar?: ((i: number) => string) | undefined;
  /** Changes when any exemplar does. */
  readonly version?: number | undefined;
}

/** The lines as they stood on the last page. */
interface Kept {
  readonly bytes: Uint8Array;
  readonly bounds: readonly Uint8Array[];
  readonly version: number | undefined;
  /** Of each line: the count, how many digits it has, and where it ends. */
  readonly counts: Float64Array;
  readonly digits: Uint8Array;
  readonly ends: Uint32Array;
}

export class BucketLines {
  /** What each line begins with: `x_bucket{a="1",`. */
  readonly #head: string;
  #pages = 0;
  #kept: Kept | undefined;

  constructor(head: string) {
    this.#head = head;
  }

  /**
   * Writes one line a bound. `counts` are those of the buckets, not cumulative; `total` is the count of the histogram,
   * which `+Inf` says.
   */
  write(page: PageBuffer, counts: readonly number[], total: number, format: BucketFormat): void {
    const kept = this.#kept;
    if (kept?.bounds === format.bounds && kept.version === format.version && rewrite(kept, counts, total)) {
      page.bytes(kept.bytes);
      return;
    }
    const keep = this.#pages++ > 0 && format.ending === '\n';
    const lines = keep ? linesFor(format.bounds.length) : undefined;
    const start = page.length;
    this.#writeAnew(page, counts, total, format, lines);
    this.#kept = lines && {
      ...lines,
      bytes: Uint8Array.prototype.slice.call(page.written, start),
      bounds: format.bounds,
      version: format.version,
    };
  }

  #writeAnew(
    page: PageBuffer,
    counts: readonly number[],
    total: number,
    { bounds, ending, exemplar }: BucketFormat,
    lines: ReturnType<typeof linesFor> | undefined,
  ): void {
    const start = page.length;
    page.text(this.#head);
    const end = page.length;
    const last = bounds.length - 1;
    let cumulative = 0;
    for (let i = 0; i <= last; i++) {
      if (i > 0) page.again(start, end);
      cumulative = i === last ? total : cumulative + (counts[i] ?? 0);
      page.bytes(bounds[i] as Uint8Array);
      page.number(cumulative);
      if (lines !== undefined) {
        lines.counts[i] = cumulative;
        lines.digits[i] = isCount(cumulative) ? digitsOf(cumulative) : 0;
        lines.ends[i] = page.length - start;
      }
      const remark = exemplar?.(i) ?? '';
      if (remark !== '') page.text(remark);
      page.text(ending);
    }
  }
}

function linesFor(buckets: number) {
  return {
    counts: new Float64Array(buckets),
    digits: new Uint8Array(buckets),
    ends: new Uint32Array(buckets),
  };
}

/** Writes the counts that changed over the old ones; false where one does not fit. */
function rewrite(kept: Kept, counts: readonly number[], total: number): boolean {
  const { bytes, counts: before, digits, ends } = kept;
  const last = before.length - 1;
  let cumulative = 0;
  for (let i = 0; i <= last; i++) {
    cumulative = i === last ? total : cumulative + (counts[i] ?? 0);
    if (cumulative === before[i]) continue;
    const width = digits[i] as number;
    if (!isCount(cumulative) || digitsOf(cumulative) !== width) return false;
    writeDigits(bytes, ends[i] as number, width, cumulative);
    before[i] = cumulative;
  }
  return true;
}
