/**
 * Events as an OTLP request in protobuf. Field numbers are those of opentelemetry-proto 1.9
 * (https://github.com/open-telemetry/opentelemetry-proto), `opentelemetry/proto/logs/v1/logs.proto`.
 */
import type { Attributes } from '@opentelemetry/api';
import type { EventRecord } from '../../otel/logger-provider.ts';
import { writeAttributes, writeScope, writeValue } from './attributes.ts';
import { ProtobufWriter } from './protobuf.ts';

/** A record, with what the SDK would add to it. */
export interface ScopedRecord {
  readonly record: EventRecord;
  readonly scope: { readonly name: string; readonly version?: string | undefined };
  /** When it was emitted, in milliseconds of the epoch. */
  readonly observedAt: number;
}

/** ExportLogsServiceRequest. Records of one scope stand together, in the order they came in. */
export function encodeLogs(resource: Attributes, records: readonly ScopedRecord[]): Buffer {
  const out = new ProtobufWriter();
  out.message(1, () => {
    out.message(1, () => writeAttributes(out, 1, resource));
    for (const ofScope of Map.groupBy(records, ({ scope }) => `${scope.name}\n${scope.version}`).values()) {
      out.message(2, () => {
        const [first] = ofScope;
        if (first) out.message(1, () => writeScope(out, first.scope));
        for (const each of ofScope) out.message(2, () => writeRecord(out, each));
      });
    }
  });
  return out.finish();
}

function writeRecord(out: ProtobufWriter, { record, observedAt }: ScopedRecord): void {
  out.fixed64(1, fromMilliseconds(record.timestamp.getTime()));
  out.varint(2, record.severityNumber);
  out.string(3, record.severityText);
  out.message(5, () => writeValue(out, record.body));
  writeAttributes(out, 6, record.attributes);
  out.fixed64(11, fromMilliseconds(observedAt));
  out.string(12, record.eventName);
}

const fromMilliseconds = (milliseconds: number) => BigInt(Math.round(milliseconds)) * 1_000_000n;
