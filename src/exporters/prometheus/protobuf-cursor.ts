/**
 * Writes the wire format of Protocol Buffers into a page: https://protobuf.dev/programming-guides/encoding/
 *
 * It has a place in bytes that have room enough, and checks no more than that a double is one: made for a thousand
 * messages a millisecond. A message is written behind a length of two bytes, and moved where that takes more; a length
 * may have more bytes than it needs.
 */

/** Room for the longest field that is no text: a tag, and ten bytes. */
export const fieldRoom = 12;

export class ProtobufCursor {
  bytes: Buffer = Buffer.alloc(0);
  /** Where the next byte goes. */
  at = 0;

  /** A field's number and type. */
  tag(field: number, type: 'varint' | 'fixed64' | 'length'): void {
    this.varint(field * 8 + (type === 'varint' ? 0 : type === 'fixed64' ? 1 : 2));
  }

  /** A whole number that is not negative. */
  varint(value: number): void {
    this.at = writeVarint(this.bytes, this.at, value);
  }

  /** A whole number of either sign, as sint32 and sint64 have it. */
  zigzag(value: number): void {
    this.at = writeZigzag(this.bytes, this.at, value);
  }

  /** Throws a TypeError for what is no number, of which it would make one. */
  double(value: number): void {
    if (typeof value !== 'number') throw new TypeError(`${String(value)} is no number`);
    this.at = this.bytes.writeDoubleLE(value, this.at);
  }

  /** A string with its length. */
  text(value: string): void {
    const length = Buffer.byteLength(value);
    this.varint(length);
    this.at += this.bytes.write(value, this.at);
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** Begins a message inside another, after its tag; what this returns is given to `close`. */
  open(): number {
    this.at += 2;
    return this.at;
  }

  /** Ends the message that `open` began, and writes its length before it. */
  close(start: number): void {
    const length = this.at - start;
    let from = start;
    if (length >= 0x4000) {
      const extra = 3; // Up to 34 GB: five bytes.
      this.bytes.copyWithin(start + extra, start, this.at);
      this.at += extra;
      from += extra;
    }
    writePaddedVarint(this.bytes, start - 2, from, length);
  }
}

/** Writes a whole number that is not negative; answers where it ended. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  let to = at;
  while (rest > 0x7fffffff) {
    bytes[to++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  while (rest > 0x7f) {
    bytes[to++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[to] = rest;
  return to + 1;
}

/** Writes a whole number of either sign; answers where it ended. Most take a byte or two. */
export function writeZigzag(bytes: Uint8Array, at: number, value: number): number {
  const short = value | 0;
  if (short !== value || short >= 0x2000 || short < -0x2000) {
    return writeVarint(bytes, at, value < 0 ? -2 * value - 1 : 2 * value);
  }
  const zigzag = (short << 1) ^ (short >> 31);
  if (zigzag < 0x80) {
    bytes[at] = zigzag;
    return at + 1;
  }
  bytes[at] = (zigzag & 0x7f) | 0x80;
  bytes[at + 1] = zigzag >> 7;
  return at + 2;
}

/** A length that fills the bytes from `start` to `end`. */
export function writePaddedVarint(bytes: Uint8Array, start: number, end: number, value: number): void {
  let rest = value;
  for (let at = start; at < end; at++) {
    bytes[at] = (rest & 0x7f) | (at < end - 1 ? 0x80 : 0);
    rest >>>= 7;
  }
}
