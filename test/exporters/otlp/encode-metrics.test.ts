import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeResponse } from '../../../src/exporters/otlp/answer.ts';
import { encodeMetrics } from '../../../src/exporters/otlp/encode-metrics.ts';
import { ProtobufWriter } from '../../../src/exporters/otlp/protobuf.ts';
import type { MetricProducerOptions } from '../../../src/otel/metric-producer.ts';
import { machine, runEverything } from '../../otel/machine.ts';
import { decodeRequest, metricsOf, partialSuccess, receive } from './receiver.ts';

async function collected(options: MetricProducerOptions = {}): Promise<ResourceMetrics> {
  const { profiler, sink } = await machine();
  runEverything(sink);
  return (await profiler.metricProducer(options).collect()).resourceMetrics;
}

const variants: [string, MetricProducerOptions][] = [
  ['explicit histograms, cumulative', {}],
  ['explicit histograms, as deltas', { temporality: 'delta' }],
  ['exponential histograms, cumulative', { histogram: 'exponential' }],
  ['exponential histograms, as deltas', { histogram: 'exponential', temporality: 'delta' }],
];

it.each(variants)('%s: the request says what that of the official exporter says', async (_, options) => {
  const resourceMetrics = await collected(options);
  const receiver = await receive();
  const official = new OTLPMetricExporter({ url: receiver.url });
  await new Promise((resolve) => official.export(resourceMetrics, resolve));
  await official.shutdown();
  const [theirs] = receiver.arrived;
  const ours = decodeRequest(encodeMetrics(resourceMetrics));
  expect(metricsOf(ours).length).toBeGreaterThan(20);
  expect(comparable(ours)).toEqual(comparable(theirs?.request));
});

/** What is absent and what is empty are the same in protobuf; the order of attributes means nothing. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(comparable);
    return items.every((item) => typeof item === 'object' && item !== null && 'key' in item)
      ? items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
      : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, each]) => [key, comparable(each)] as const);
  return Object.fromEntries(
    entries.filter(
      ([key, each]) => !isEmpty(each) && key !== 'negative' && key !== 'droppedAttributesCount' && key !== 'flags',
    ),
  );
}

function isEmpty(value: unknown): boolean {
  if (value === '' || value === false || value === undefined) return true;
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

describe('any content', () => {
  const attribute = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true }),
    fc.boolean(),
  );
  const attributes = fc.dictionary(
    fc.string({ minLength: 1 }).filter((key) => key !== '__proto__'),
    attribute,
    { maxKeys: 5 },
  );

  it('of a resource comes back as it was', () => {
    fc.assert(
      fc.property(attributes, (given) => {
        const resource = { attributes: given } as unknown as ResourceMetrics['resource'];
        const [back] = decodeRequest(encodeMetrics({ resource, scopeMetrics: [] })).resourceMetrics;
        const values = (back?.resource.attributes ?? []).map(({ key, value }) => [key, fromAnyValue(value)]);
        expect(values).toEqual(Object.entries(given).map(([key, value]) => [key, wellFormed(value)]));
      }),
    );
  });

  it('of any length, also where the buffer grows in the middle of a message', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 40_000 }), { maxLength: 12 }), (lengths) => {
        const attributes = Object.fromEntries(lengths.map((length, i) => [`${i}`, 'x'.repeat(length)]));
        const resource = { attributes } as unknown as ResourceMetrics['resource'];
        const [back] = decodeRequest(encodeMetrics({ resource, scopeMetrics: [] })).resourceMetrics;
        const found = (back?.resource.attributes ?? []).map(({ value }) => (value.stringValue as string).length);
        expect(found).toEqual(lengths);
      }),
      { numRuns: 50 },
    );
  });
});

function fromAnyValue(value: Readonly<Record<string, unknown>>): unknown {
  const [kind, content] = Object.entries(value)[0] ?? [];
  return kind === 'intValue' ? Number(content) : content;
}

/** UTF-8 has no lone surrogates, and no sign of zero for whole numbers. */
const wellFormed = (value: unknown) => {
  if (typeof value === 'string') return Buffer.from(value).toString();
  return value === 0 ? 0 : value;
};

describe('an answer', () => {
  it('that took everything says nothing', () => {
    expect(decodeResponse(Buffer.alloc(0))).toBeUndefined();
    expect(decodeResponse(Buffer.from(partialSuccess(0, '')))).toBeUndefined();
  });

  it('says how many points it refused, and why', () => {
    const body = Buffer.from(partialSuccess(70_000, 'too many series'));
    expect(decodeResponse(body)).toEqual({ rejected: 70_000, message: 'too many series' });
  });

  it('of fields that we do not know is read past them', () => {
    const out = new ProtobufWriter();
    out.double(9, 1);
    out.varint(8, 300);
    out.string(7, 'new');
    const body = Buffer.concat([out.finish(), Buffer.from(partialSuccess(3, 'old'))]);
    expect(decodeResponse(body)).toEqual({ rejected: 3, message: 'old' });
  });

  it('that is anything at all does no harm', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect(() => decodeResponse(Buffer.from(bytes))).not.toThrow();
      }),
    );
  });
});
