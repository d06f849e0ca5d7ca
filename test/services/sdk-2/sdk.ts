/** What a service on the 2.x line of the SDK has: its own API 1.9, and an SDK that takes no newer one. */
export { metrics } from '@opentelemetry/api';
export { logs } from '@opentelemetry/api-logs';
export { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
export {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
export { NodeSDK } from '@opentelemetry/sdk-node';
