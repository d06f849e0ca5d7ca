/**
 * Reads pages with protobufjs and Prometheus' own definitions, which are in the folder beside this file, under their
 * licence.
 */
import { join } from 'node:path';
import protobuf from 'protobufjs';

const folder = join(import.meta.dirname, 'prometheus-client-model-0.6.2');
const root = new protobuf.Root();
root.resolvePath = (_, path) => (path.startsWith('google/') ? path : join(folder, path.replace(folder, '')));
root.loadSync('io/prometheus/client/metrics.proto');
const familyType = root.lookupType('io.prometheus.client.MetricFamily');

/** As protobufjs gives it: names in camelCase, 64-bit numbers as numbers, enumerations by name, nothing that is not there. */
export interface ReadFamily {
  readonly name: string;
  readonly help?: string;
  readonly type: 'COUNTER' | 'GAUGE' | 'HISTOGRAM';
  readonly unit?: string;
  readonly metric: readonly ReadMetric[];
}

export interface ReadMetric {
  readonly label?: readonly { readonly name: string; readonly value: string }[];
  readonly counter?: { readonly value: number; readonly createdTimestamp?: ReadTime };
  readonly gauge?: { readonly value: number };
  readonly histogram?: ReadHistogram;
  readonly timestampMs?: number;
}

export interface ReadTime {
  readonly seconds: number;
  readonly nanos?: number;
}

export interface ReadExemplar {
  readonly label: readonly { readonly name: string; readonly value: string }[];
  readonly value: number;
  readonly timestamp: ReadTime;
}

export interface ReadHistogram {
  readonly sampleCount: number;
  readonly sampleSum?: number;
  readonly bucket?: readonly {
    readonly cumulativeCount: number;
    readonly upperBound: number;
    readonly exemplar?: ReadExemplar;
  }[];
  readonly schema?: number;
  readonly zeroThreshold?: number;
  readonly zeroCount?: number;
  readonly negativeSpan?: readonly ReadSpan[];
  readonly negativeDelta?: readonly number[];
  readonly positiveSpan?: readonly ReadSpan[];
  readonly positiveDelta?: readonly number[];
  readonly createdTimestamp?: ReadTime;
  readonly exemplars?: readonly ReadExemplar[];
}

interface ReadSpan {
  readonly offset: number;
  readonly length: number;
}

/** The families of a page of delimited messages. Throws for what is no such page. */
export function readPage(page: Uint8Array): ReadFamily[] {
  const reader = protobuf.Reader.create(page);
  const families: ReadFamily[] = [];
  while (reader.pos < reader.len) {
    const family = familyType.decodeDelimited(reader);
    families.push(familyType.toObject(family, { longs: Number, enums: String }) as ReadFamily);
  }
  return families;
}

/** What a native histogram counted, by the index of its bucket as Prometheus numbers them. */
export function bucketsOf(
  spans: readonly ReadSpan[] = [],
  deltas: readonly number[] = [],
): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  let index = 0;
  let count = 0;
  let at = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let i = 0; i < length; i++, index++) {
      count += deltas[at++] as number;
      if (count > 0) counts.set(index, count);
    }
  }
  if (at !== deltas.length) throw new RangeError(`${deltas.length} counts in spans of ${at} buckets`);
  return counts;
}
