/** How a device is and how it performs, in one picture: the guide's `DeviceStatus`. */
import { distinct, type HealthSnapshot, type HealthStatus } from '../health.ts';
import type { ProfilingSnapshot } from '../snapshot.ts';

export interface DeviceStatus {
  readonly isAvailable: boolean;
  /** 0 to 1. */
  readonly healthScore: number | undefined;
  readonly status: HealthStatus;
  /** In °C. */
  readonly temperature: number | undefined;
  /** In percent, over the last interval. */
  readonly utilization: number | undefined;
  /** In milliseconds, the running average since measuring began. */
  readonly averageLatency: number | undefined;
  /** Executions a second, over the last 12 intervals. */
  readonly throughput: number | undefined;
  /** Of its health, and the bottlenecks. */
  readonly issues: readonly string[];
  readonly recommendations: readonly string[];
}

/** Joins both; a sentence that both have stands once. */
export function deviceStatusOf(health: HealthSnapshot, profiling: ProfilingSnapshot): DeviceStatus {
  return Object.freeze({
    isAvailable: health.isAvailable,
    healthScore: health.healthScore,
    status: health.status,
    temperature: health.getSensorValue('TemperatureCelsius')?.value,
    utilization: profiling.deviceUtilizationPercent,
    averageLatency: profiling.averageLatencyMs,
    throughput: profiling.throughputOpsPerSecond,
    issues: distinct([...health.issues, ...profiling.identifiedBottlenecks]),
    recommendations: distinct([...health.recommendations, ...profiling.recommendations]),
  });
}
