import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Distribution } from '../../../src/distribution/distribution.ts';
import { Sketch } from '../../../src/distribution/sketch.ts';
import { NativeBuckets } from '../../../src/exporters/prometheus/native-buckets.ts';
import { ProtobufCursor } from '../../../src/exporters/prometheus/protobuf-cursor.ts';
import { roomOf, SketchBuckets } from '../../../src/exporters/prometheus/sketch-buckets.ts';

function written(room: number, write: (cursor: ProtobufCursor) => void): Buffer {
  const cursor = new ProtobufCursor();
  cursor.bytes = Buffer.alloc(room);
  write(cursor);
  return cursor.bytes.subarray(0, cursor.at);
}

test('page after page the buckets of a sketch are those that it has, whatever was recorded in between', () => {
  const duration = fc.oneof(
    fc.double({ min: 0, max: 2 ** 12, noNaN: true }),
    fc.integer({ min: -960, max: 330 }).map((bucket) => 2 ** (bucket / 32)),
    fc.constantFrom(0, 0.001, 0.00101, 0.0011),
  );
  fc.assert(
    fc.property(fc.array(fc.array(duration, { maxLength: 20 }), { minLength: 1, maxLength: 8 }), (rounds) => {
      const distribution = new Distribution();
      const known = new SketchBuckets();
      const all = new NativeBuckets();
      for (const round of rounds) {
        for (const each of round) distribution.record(each);
        const { sketch } = distribution;
        all.readSketch(sketch);
        expect(written(roomOf(sketch), (cursor) => known.write(cursor, sketch))).toEqual(
          written(all.room, (cursor) => all.write(cursor)),
        );
        expect(all.count).toBe(sketch.count);
      }
    }),
    { numRuns: 300 },
  );
});

test('a count beyond 32 bits is read in the other way', () => {
  const sketch = new Sketch();
  sketch.add(-100, 2 ** 33);
  expect(sketch.plainCounts).toBeUndefined();
  const all = new NativeBuckets();
  all.readSketch(sketch);
  expect(all.count).toBe(2 ** 33);
  expect(written(all.room, (cursor) => all.write(cursor)).length).toBeGreaterThan(8);
});
