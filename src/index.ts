/** The public API of accelmeter. */
export type {
  Activity,
  ActivitySink,
  AllocationActivity,
  CompilationActivity,
  KernelActivity,
  TransferActivity,
  TransferDirection,
} from './activity.ts';
export type { BottleneckCode, Change, Evidence, Finding, Severity } from './analyzer/finding.ts';
export type { Recommendation, RecommendationCode } from './analyzer/recommendations.ts';
export type { Trend } from './analyzer/trend.ts';
export type { BackendName, DeviceIdentity, SourceState } from './backend.ts';
export { type Baseline, type BaselineDevice, type BaselineKernel, takeBaseline } from './baseline/baseline.ts';
export { BaselineError, type BaselineErrorCode } from './baseline/baseline-error.ts';
export {
  type BaselineComparison,
  type BaselineVerdict,
  type ComparisonOptions,
  compareToBaseline,
  type DeviceComparison,
  type KernelComparison,
} from './baseline/comparison.ts';
export { loadBaseline, saveBaseline } from './baseline/file.ts';
export { type AttributesOf, catalogue, type Metric, type MetricName } from './catalogue.ts';
export { type BackendComparison, type BackendFailure, type BackendResult, compareBackends } from './compare.ts';
export type { Device } from './device.ts';
export type { DeviceChange } from './device-changes.ts';
export type { Distribution } from './distribution/distribution.ts';
export type { WindowStatistics } from './distribution/statistics.ts';
export { ProbeError, type ProbeErrorKind } from './errors.ts';
export type { ExtraMetricName } from './extra-metrics.ts';
export type { SelfStatus } from './governor.ts';
export type { HardwareRow } from './hardware-row.ts';
export type { DeviceStatus } from './health/device-status.ts';
export { type HealthSensor, SensorType } from './health/sensors.ts';
export type { HealthSnapshot, HealthStatus } from './health.ts';
export type {
  CounterSampling,
  Grid,
  MetalDevice,
  MetalKernel,
  MetalProperties,
  TimedPasses,
} from './metal-device.ts';
export type { Objective, Objectives } from './objectives.ts';
export type { ProfilerOptions } from './options.ts';
export { type Bridge, type BridgeOptions, bridgeToApi } from './otel/api-bridge.ts';
export { type EventName, eventCatalogue } from './otel/event-catalogue.ts';
export { bridgeEventsToApi, type EventBridge, type EventBridgeOptions, type EventSource } from './otel/events.ts';
export type { EventLoggerProvider, EventRecord } from './otel/logger-provider.ts';
export type { MetricProducerOptions } from './otel/metric-producer.ts';
export type { Kernel } from './profile/kernel-table.ts';
export type { MemoryAccount } from './profile/memory-account.ts';
export type { Transfer } from './profile/transfer.ts';
export { type AbsentBackend, createProfiler, type Profiler } from './profiler.ts';
export { ProfilingMetric, type ProfilingMetricType } from './profiling-metrics.ts';
export type { KernelProfilingStats, MemoryProfilingStats } from './profiling-statistics.ts';
export { registeredProfiler } from './registered-profiler.ts';
export { createUnavailableSnapshot, type ProfilingSnapshot } from './snapshot.ts';
export type { BackendStatus, DeviceRow, KernelRow, Status, TransferRow } from './status.ts';
export { version } from './version.ts';
