import { MetricReader } from '@opentelemetry/sdk-metrics';

/** A reader that is only asked. */
export class TestReader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}
