/** The messages that several others have in them. */
import type { HrTime } from '@opentelemetry/api';
import type { ProtobufCursor } from './protobuf-cursor.ts';

/** A google.protobuf.Timestamp; none where there is no time. */
export function writeTime(cursor: ProtobufCursor, field: number, [seconds, nanos]: HrTime): void {
  if (seconds <= 0) return;
  cursor.tag(field, 'length');
  const start = cursor.open();
  cursor.tag(1, 'varint');
  cursor.varint(seconds);
  if (nanos > 0) {
    cursor.tag(2, 'varint');
    cursor.varint(nanos);
  }
  cursor.close(start);
}

/** A LabelPair. */
export function writeLabel(cursor: ProtobufCursor, field: number, name: string, value: string): void {
  cursor.tag(field, 'length');
  const start = cursor.open();
  cursor.tag(1, 'length');
  cursor.text(name);
  cursor.tag(2, 'length');
  cursor.text(value);
  cursor.close(start);
}
