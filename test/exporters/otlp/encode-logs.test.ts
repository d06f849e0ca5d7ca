import { logs } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { expect, it, onTestFinished, vi } from 'vitest';
import { encodeLogs, type ScopedRecord } from '../../../src/exporters/otlp/encode-logs.ts';
import { bridgeEventsToApi } from '../../../src/otel/events.ts';
import type { EventLoggerProvider } from '../../../src/otel/logger-provider.ts';
import { finding, over, regression, telling } from '../../otel/findings.ts';
import { decodeLogs, type OtlpRecord, receive, recordsOf } from './receiver.ts';

/** Every kind of value that our events have. */
const raised = finding({
  kernel: 'größer<float>',
  evidence: { windowSeconds: 59.98, samples: 5000, counterEvidence: ['busy 96 %', '½'], unseen: [] },
});

const slower = regression();

function tellEverything(loggerProvider: EventLoggerProvider): void {
  const profiler = telling();
  const bridge = bridgeEventsToApi(profiler, { loggerProvider });
  for (const each of [raised, slower, over(raised)]) profiler.tell(each);
  bridge.detach();
}

function encodedByUs(): Buffer {
  const records: ScopedRecord[] = [];
  tellEverything({
    getLogger: (name, version) => ({
      emit: (record) => records.push({ record, scope: { name, version }, observedAt: 1_772_359_200_000 }),
    }),
  });
  return encodeLogs({ 'service.name': 'embeddings' }, records);
}

it('the request says what that of the official exporter says', async () => {
  const receiver = await receive();
  vi.stubEnv('OTEL_LOGS_EXPORTER', 'otlp');
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', receiver.url);
  const sdk = new NodeSDK({ autoDetectResources: false, spanProcessors: [], metricReaders: [] });
  sdk.start();
  onTestFinished(() => {
    logs.disable();
    vi.unstubAllEnvs();
  });
  tellEverything(logs.getLoggerProvider());
  await sdk.shutdown();

  const [theirs] = receiver.arrived[0]?.logs.resourceLogs ?? [];
  const [ours] = decodeLogs(encodedByUs()).resourceLogs;
  expect(receiver.arrived).toHaveLength(1);
  expect(ours?.scopeLogs.map(({ scope }) => scope)).toEqual(theirs?.scopeLogs.map(({ scope }) => scope));
  const comparable = ({ observedTimeUnixNano, attributes = [], ...record }: OtlpRecord) => ({
    ...record,
    attributes: attributes.toSorted((a, b) => (a.key < b.key ? -1 : 1)),
  });
  const recordsFrom = (logs: typeof ours) =>
    (logs?.scopeLogs ?? []).flatMap((scope) => scope.logRecords).map(comparable);
  expect(recordsFrom(ours)).toHaveLength(6);
  expect(recordsFrom(ours)).toEqual(recordsFrom(theirs).map(withoutEmpty));
});

/** What is absent and what is empty are the same in protobuf. */
function withoutEmpty<T extends object>(record: T): T {
  const entries = Object.entries(record).filter(([name]) => !['droppedAttributesCount', 'flags'].includes(name));
  return Object.fromEntries(entries) as T;
}

it('it says when a record was emitted, and whose it is', () => {
  const [resource] = decodeLogs(encodedByUs()).resourceLogs;
  expect(resource?.resource.attributes).toEqual([{ key: 'service.name', value: { stringValue: 'embeddings' } }]);
  const [first] = recordsOf(decodeLogs(encodedByUs()));
  expect([first?.timeUnixNano, first?.observedTimeUnixNano]).toEqual(['1772359200000000000', '1772359200000000000']);
});

it('records of two scopes stand under their own', () => {
  const records = ['a', 'b', 'a'].map((name): ScopedRecord => {
    const record = { eventName: name, timestamp: new Date(), severityNumber: 9, severityText: 'INFO', body: '' };
    return { record: { ...record, attributes: {} }, scope: { name }, observedAt: 0 };
  });
  const [resource] = decodeLogs(encodeLogs({}, records)).resourceLogs;
  expect(resource?.scopeLogs.map(({ scope, logRecords }) => [scope.name, logRecords.length])).toEqual([
    ['a', 2],
    ['b', 1],
  ]);
});
