/** A service with traces. */
import { context, propagation, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { onTestFinished } from 'vitest';

export interface EndedSpan {
  readonly name: string;
  readonly events: readonly { readonly name: string; readonly attributes?: Readonly<Record<string, unknown>> }[];
}

/** Registers the SDK's TracerProvider until the test ends, and gives the spans that ended. */
export function traced(): readonly EndedSpan[] {
  const ended: EndedSpan[] = [];
  const keep = {
    onStart() {},
    onEnd: (span: EndedSpan) => void ended.push(span),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  const sdk = new NodeSDK({
    autoDetectResources: false,
    spanProcessors: [keep],
    metricReaders: [],
    logRecordProcessors: [],
  });
  sdk.start();
  onTestFinished(async () => {
    await sdk.shutdown();
    for (const api of [trace, context, propagation]) api.disable();
  });
  return ended;
}
