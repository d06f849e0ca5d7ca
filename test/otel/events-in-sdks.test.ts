/** Events in the SDKs that services have, with either of OpenTelemetry's APIs for logs. */
import { type LoggerProvider as ApiLoggerProvider, logs, trace } from '@opentelemetry/api';
import * as sdk3 from '@opentelemetry/sdk-logs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { bridgeEventsToApi } from '../../src/otel/events.ts';
import type { EventLoggerProvider } from '../../src/otel/logger-provider.ts';
import { version } from '../../src/version.ts';
import * as sdk2 from '../services/sdk-2/sdk.ts';
import { advice, finding, telling } from './findings.ts';
import { traced } from './traced.ts';

it('the providers of both APIs are what the option takes, without a cast', () => {
  const providers: EventLoggerProvider[] = [new sdk3.LoggerProvider(), new sdk2.LoggerProvider()];
  expect(() =>
    providers.map((loggerProvider) => bridgeEventsToApi(telling([finding()]), { loggerProvider })),
  ).not.toThrow();
});

/** The SDK of 2.x takes and gives the same shapes; its types are those of its own API. */
const asSdk3 = sdk2 as unknown as typeof sdk3;

function recording({ InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor }: typeof sdk3) {
  const exporter = new InMemoryLogRecordExporter();
  const provider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] });
  return { provider, records: () => exporter.getFinishedLogRecords() };
}

describe.each([
  ['SDK 3, API 1.10', sdk3, (provider: ApiLoggerProvider) => logs.setGlobalLoggerProvider(provider), logs],
  [
    'SDK 2, api-logs',
    asSdk3,
    (provider: ApiLoggerProvider) => sdk2.logs.setGlobalLoggerProvider(provider as unknown as sdk2.LoggerProvider),
    sdk2.logs,
  ],
] as const)('%s', (_, sdk, register, api) => {
  it.each([['given'], ['registered'], ['registered after the bridge was attached']])(
    'whose provider is %s has the events as log records',
    async (when) => {
      const { provider, records } = recording(sdk);
      const profiler = telling();
      onTestFinished(() => api.disable());
      if (when === 'registered') register(provider);
      bridgeEventsToApi(profiler, when === 'given' ? { loggerProvider: provider } : {});
      if (when.endsWith('attached')) register(provider);
      const raised = finding({ recommendations: advice('fuse_kernels') });
      profiler.tell(raised);
      await vi.waitFor(() => expect(records()).toHaveLength(2));
      const [first] = records();
      expect(first).toMatchObject({
        eventName: 'accelmeter.bottleneck.detected',
        severityNumber: 13,
        severityText: 'WARN',
        body: raised.sentence,
        hrTime: [Date.parse(raised.raisedAt) / 1000, 0],
        instrumentationScope: { name: 'accelmeter', version },
        attributes: {
          'accelmeter.bottleneck.observed': 2e-5,
          'accelmeter.bottleneck.recommendations': ['fuse_kernels'],
        },
      });
      expect(first?.droppedAttributesCount).toBe(0);
    },
  );
});

it('an event belongs to no span, also where one is active when it is emitted', async () => {
  const { provider, records } = recording(sdk3);
  traced();
  const profiler = telling();
  bridgeEventsToApi(profiler, { loggerProvider: provider });
  trace.getTracer('test').startActiveSpan('request', (span) => {
    provider.getLogger('the service').emit({ body: 'its own' });
    profiler.tell(finding({ recommendations: [] }));
    span.end();
  });
  await vi.waitFor(() => expect(records()).toHaveLength(2));
  const [own, ours] = records();
  expect(own?.spanContext).toBeDefined();
  expect(ours?.spanContext).toBeUndefined();
});
