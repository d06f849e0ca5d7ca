/**
 * The wire format of Protocol Buffers, as far as OTLP metrics need it: https://protobuf.dev/programming-guides/encoding/
 *
 * A message is written in place behind a length of one byte, and moved where its length takes more.
 */

const varintType = 0;
const fixed64Type = 1;
const lengthType = 2;
const fixed32Type = 5;

const initialSize = 64 * 1024;

export class ProtobufWriter {
  #buffer = Buffer.allocUnsafe(initialSize);
  #end = 0;

  /** What was written. It stays valid: the writer is for one message. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#end);
  }

  /** int32, uint64, bool, enum: a whole number that is not negative. */
  varint(field: number, value: number): void {
    this.#tag(field, varintType);
    this.#varint(value);
  }

  /** int64: a whole number, which takes ten bytes where it is negative. */
  int64(field: number, value: number): void {
    this.#tag(field, varintType);
    if (value >= 0) {
      this.#varint(value);
      return;
    }
    for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
      this.#room(1);
      this.#buffer[this.#end++] = Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0);
      if (rest <= 0x7fn) return;
    }
  }

  /** sint32. */
  zigzag(field: number, value: number): void {
    this.varint(field, value < 0 ? -2 * value - 1 : 2 * value);
  }

  fixed64(field: number, value: bigint): void {
    this.#tag(field, fixed64Type);
    this.#room(8);
    this.#end = this.#buffer.writeBigUInt64LE(value, this.#end);
  }

  double(field: number, value: number): void {
    this.#tag(field, fixed64Type);
    this.#room(8);
    this.#end = this.#buffer.writeDoubleLE(value, this.#end);
  }

  string(field: number, text: string): void {
    this.#tag(field, lengthType);
    const length = Buffer.byteLength(text);
    this.#varint(length);
    this.#room(length);
    this.#end += this.#buffer.write(text, this.#end);
  }

  /** repeated fixed64, packed. */
  packedFixed64(field: number, values: readonly number[]): void {
    this.message(field, () => {
      this.#room(8 * values.length);
      for (const value of values) this.#end = this.#buffer.writeBigUInt64LE(BigInt(value), this.#end);
    });
  }

  /** repeated double, packed. */
  packedDouble(field: number, values: readonly number[]): void {
    this.message(field, () => {
      this.#room(8 * values.length);
      for (const value of values) this.#end = this.#buffer.writeDoubleLE(value, this.#end);
    });
  }

  /** repeated uint64, packed. */
  packedVarint(field: number, values: readonly number[]): void {
    this.message(field, () => {
      for (const value of values) this.#varint(value);
    });
  }

  /** A message inside this one; `write` writes its fields. */
  message(field: number, write: () => void): void {
    this.#tag(field, lengthType);
    this.#room(1);
    const start = this.#end + 1;
    this.#end = start;
    write();
    const length = this.#end - start;
    const extra = varintSize(length) - 1;
    this.#room(extra + 10); // also for the length, which is written where the message began
    if (extra > 0) this.#buffer.copyWithin(start + extra, start, this.#end);
    this.#end = start - 1;
    this.#varint(length);
    this.#end += length;
  }

  #tag(field: number, type: number): void {
    this.#varint(field * 8 + type);
  }

  #varint(value: number): void {
    this.#room(10);
    let rest = value;
    while (rest > 0x7f) {
      this.#buffer[this.#end++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#end++] = rest;
  }

  #room(bytes: number): void {
    if (this.#end + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(2 * this.#buffer.length, this.#end + bytes));
    this.#buffer.copy(grown, 0, 0, this.#end);
    this.#buffer = grown;
  }
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) size += 1;
  return size;
}

/** The fields of a message: numbers as they are, everything with a length as its bytes. Throws for what is no message. */
export function* readFields(message: Buffer): Iterable<readonly [field: number, value: number | Buffer]> {
  let at = 0;
  const varint = (): number => {
    for (let value = 0, factor = 1; ; factor *= 0x80) {
      const byte = message[at++];
      if (byte === undefined) throw new RangeError('the message ends within a number');
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    if (tag % 8 === varintType) {
      yield [field, varint()];
      continue;
    }
    const type = tag % 8;
    const length = type === lengthType ? varint() : type === fixed64Type ? 8 : type === fixed32Type ? 4 : undefined;
    if (length === undefined || at + length > message.length) throw new RangeError('not a message');
    yield [field, message.subarray(at, at + length)];
    at += length;
  }
}
