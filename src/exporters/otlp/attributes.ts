/**
 * What requests of metrics and of logs have in common: `opentelemetry/proto/common/v1/common.proto` of
 * opentelemetry-proto 1.9.
 */
import type { Attributes, AttributeValue, HrTime } from '@opentelemetry/api';
import type { ProtobufWriter } from './protobuf.ts';

/** The fields of an InstrumentationScope. */
export function writeScope(
  out: ProtobufWriter,
  { name, version }: { name: string; version?: string | undefined },
): void {
  out.string(1, name);
  if (version !== undefined) out.string(2, version);
}

/** Attributes as the repeated KeyValue of that field; what is absent is left out. */
export function writeAttributes(out: ProtobufWriter, field: number, attributes: Attributes): void {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null) continue;
    out.message(field, () => {
      out.string(1, key);
      out.message(2, () => writeValue(out, value));
    });
  }
}

/** The field of an AnyValue. What is no attribute by the specification is written as JSON. */
export function writeValue(out: ProtobufWriter, value: AttributeValue): void {
  if (typeof value === 'string') out.string(1, value);
  else if (typeof value === 'boolean') out.varint(2, value ? 1 : 0);
  else if (Array.isArray(value)) writeArray(out, value);
  else if (typeof value !== 'number') out.string(1, JSON.stringify(value) ?? '');
  else if (Number.isSafeInteger(value)) out.int64(3, value);
  else out.double(4, value);
}

function writeArray(out: ProtobufWriter, values: readonly AttributeValue[]): void {
  out.message(5, () => {
    for (const value of values) out.message(1, () => writeValue(out, value));
  });
}

/** Nanoseconds of the epoch. */
export function nanoseconds([seconds, nano]: HrTime): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(nano);
}
