/**
 * The bytes of one page. A page of a thousand histograms is some megabytes of which nearly all repeats, so it is
 * written into one growing buffer: text that is at hand as a string is encoded once, what stands in the buffer
 * already is copied within it, and integers are written digit by digit without a string in between.
 */
import { Buffer } from 'node:buffer';

/** Room for any number and the end of its line. */
const numberRoom = 64;
const smallest = 16 * 1024;

export class PageBuffer {
  #bytes: Buffer;
  #length = 0;

  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(smallest, capacity));
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  get capacity(): number {
    return this.#bytes.length;
  }

  /** What was written: a view, valid until the next `clear`. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  /** Takes back what was written after `length`. */
  cut(length: number): void {
    this.#length = length;
  }

  /**
   * Makes room for so many bytes and gives the whole buffer, for writers that fill it themselves: from `length` on, and
   * `advance` then says where they ended. Good until the next call of any kind.
   */
  room(more: number): Buffer {
    this.#reserve(more);
    return this.#bytes;
  }

  /** What was written into `room` ends here. */
  advance(length: number): void {
    this.#length = length;
  }

  /** Writes a string as UTF-8. */
  text(text: string): void {
    this.#reserve(text.length * 3); // A UTF-16 unit takes at most three bytes.
    this.#length += this.#bytes.write(text, this.#length);
  }

  /** Ends a line, with a timestamp where there is one. A line feed as a string would be a call into C++. */
  endLine(timestamp: string): void {
    if (timestamp !== '') this.text(timestamp);
    this.#reserve(1);
    this.#bytes[this.#length++] = 10;
  }

  /** Writes bytes as they are. */
  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Writes again what stands between two offsets. */
  again(start: number, end: number): void {
    this.#reserve(end - start);
    this.#bytes.copyWithin(this.#length, start, end);
    this.#length += end - start;
  }

  /**
   * Writes a number so that Prometheus reads the same double: the shortest decimal form, `+Inf`, `-Inf`, `NaN`. Throws a
   * TypeError for what is no number: a program without types can give anything.
   */
  number(value: number): void {
    this.#reserve(numberRoom);
    if (isCount(value)) {
      this.#length += digitsOf(value);
      writeDigits(this.#bytes, this.#length, value);
    } else {
      if (typeof value !== 'number') throw new TypeError(`${String(value)} is no number`);
      const infinite = value === Number.POSITIVE_INFINITY ? '+Inf' : '-Inf';
      const text = Math.abs(value) === Number.POSITIVE_INFINITY ? infinite : String(value);
      this.#length += this.#bytes.write(text, this.#length, 'latin1'); // Short ones are slow as UTF-8.
    }
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.written);
    this.#bytes = larger;
  }
}

/** True for whole numbers that are written with digits alone. */
export function isCount(value: number): boolean {
  return value >= 0 && ((value | 0) === value || (value <= Number.MAX_SAFE_INTEGER && Number.isInteger(value)));
}

/** How many digits a count has. */
export function digitsOf(count: number): number {
  let digits = 1;
  for (let limit = 10; count >= limit; limit *= 10) digits++;
  return digits;
}

/** Writes the digits of a count so that they end before `end`. */
export function writeDigits(bytes: Uint8Array, end: number, count: number): void {
  let at = end - 1;
  let rest = count;
  if (rest > 0x7fffffff) {
    const high = Math.floor(rest / 1e9); // At most 9 007 199, so both halves are small integers.
    let low = rest - high * 1e9;
    for (const middle = end - 9; at >= middle; at--) {
      const tens = (low / 10) | 0;
      bytes[at] = 48 + low - tens * 10;
      low = tens;
    }
    rest = high;
  }
  do {
    const tens = (rest / 10) | 0;
    bytes[at--] = 48 + rest - tens * 10;
    rest = tens;
  } while (rest > 0);
}
