/** What the analyzer says about a device: a bottleneck, how it was seen, and what would help. */
import type { BackendName } from '../backend.ts';
import type { KernelProfilingStats, ProfilingSnapshot } from '../snapshot.ts';

/** Short, stable, for machines. */
export type RecommendationCode =
  | 'batch_operations'
  | 'check_thermals'
  | 'fuse_kernels'
  | 'inspect_failures'
  | 'isolate_process'
  | 'keep_data_on_device'
  | 'overlap_transfers'
  | 'stabilise_workload'
  | 'use_pinned_memory'
  | 'warm_up';

export type Severity = 'info' | 'warning' | 'error' | 'critical';

/** What the rules look at: one device over one stretch of time. */
export interface Window {
  readonly backend: BackendName;
  readonly snapshot: ProfilingSnapshot;
  /** By kernel name. */
  readonly kernels: ReadonlyMap<string, KernelProfilingStats>;
  /** How long the stretch is, in seconds. */
  readonly seconds: number;
}

/** A rule: pure, of a stable code, silent where it has too little to go by. */
export interface Rule {
  readonly code: string;
  readonly severity: Severity;
  readonly recommends: readonly RecommendationCode[];
  /** The worst case of what the rule looks for, or nothing. */
  find(window: Window): Observation | undefined;
}

/** What a rule saw. */
export interface Observation {
  readonly observed: number;
  readonly threshold: number;
  /** UCUM, of both. */
  readonly unit: string;
  readonly kernel?: string;
  /** Executions that the observation stands on. */
  readonly samples: number;
  /** A sentence for a person. */
  readonly sentence: string;
}

/** An observation with the rule it comes from and the device it is about. */
export interface Finding extends Observation {
  readonly code: string;
  readonly severity: Severity;
  readonly recommends: readonly RecommendationCode[];
  readonly device: string;
  readonly deviceName: string;
}

/** Applies the rules to a window. */
export function findIn(window: Window, rules: readonly Rule[]): Finding[] {
  const { deviceId: device, deviceName } = window.snapshot;
  return rules.flatMap((rule) => {
    const observation = rule.find(window);
    const { code, severity, recommends } = rule;
    return observation ? [{ code, severity, recommends, device, deviceName, ...observation }] : [];
  });
}
