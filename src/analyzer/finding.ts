/** What the analyzer says about a device: a bottleneck or a regression, how it was seen, and what would help. */
import type { WindowDevice } from '../profile/window.ts';
import type { Recommendation } from './recommendations.ts';

export type Severity = 'info' | 'warning' | 'error' | 'critical';

/** Short, stable, for machines: the value of `accelmeter.bottleneck.code`. */
export type BottleneckCode =
  | 'compiling_while_serving'
  | 'event_loop_starves_device'
  | 'failing_operations'
  | 'high_variance'
  | 'launch_bound'
  | 'low_bandwidth'
  | 'low_utilization'
  | 'memory_errors'
  | 'memory_pressure'
  | 'pcie_degraded'
  | 'power_throttling'
  | 'queue_bound'
  | 'regression'
  | 'thermal_throttling'
  | 'thread_pool_exhausted'
  | 'transfer_bound';

/** Immutable. The same finding keeps its `id` from being raised to being cleared; its numbers are the latest. */
export interface Finding {
  /** Unique in the process. */
  readonly id: string;
  readonly kind: 'bottleneck' | 'regression';
  readonly state: 'raised' | 'cleared';
  readonly code: BottleneckCode;
  readonly severity: Severity;
  /** `hw.id`. */
  readonly device: string;
  readonly deviceName: string;
  readonly backend: WindowDevice['backend'];
  /** The kernel it is about, where it is about one. */
  readonly kernel: string | undefined;
  readonly observed: number;
  readonly threshold: number;
  /** UCUM, of both. */
  readonly unit: string;
  /** Of a regression: what it compares. */
  readonly change?: Change;
  /** A sentence for a person, with the numbers. */
  readonly sentence: string;
  readonly evidence: Evidence;
  readonly recommendations: readonly Recommendation[];
  /** ISO 8601, in UTC. */
  readonly raisedAt: string;
  /** Where it is cleared. */
  readonly clearedAt: string | undefined;
  /** The sentence. */
  toString(): string;
}

/** A kernel's mean duration before and after it became slower, in seconds. */
export interface Change {
  readonly before: number;
  readonly after: number;
}

/** What a finding stands on. */
export interface Evidence {
  /** The stretch of time that was looked at, in seconds. */
  readonly windowSeconds: number;
  /** Executions, copies or intervals. */
  readonly samples: number;
  /** What qualifies it: "busy 96 %". */
  readonly counterEvidence: readonly string[];
  /** Sources that were down meanwhile: what could not be seen. */
  readonly unseen: readonly string[];
}
