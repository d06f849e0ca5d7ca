/** What the analyzer says about a device: a bottleneck or a regression, how it was seen, and what would help. */
import type { Window, WindowDevice } from '../profile/window.ts';
import type { Sighting } from './observe.ts';
import { type Recommendation, recommendations } from './recommendations.ts';
import type { Rule, RuleBackend } from './rule.ts';
import { asSpoken } from './spoken.ts';

/** From the mildest to the gravest. */
export const severities = ['info', 'warning', 'error', 'critical'] as const;
export type Severity = (typeof severities)[number];

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

/** What a finding is beside what was seen: since when, and whether it is still so. */
export interface Occurrence {
  readonly id: string;
  readonly severity: Severity;
  readonly raisedAt: string;
  /** Where it is over. */
  readonly clearedAt?: string;
}

/** The finding that a sighting in a window is. */
export function findingOf(sighting: Sighting, window: Window, occurrence: Occurrence): Finding {
  const { rule, observation, threshold, unit } = sighting;
  const { id, severity, raisedAt, clearedAt } = occurrence;
  const { device, seconds, unseen } = window;
  const fields = {
    id,
    kind: rule.kind,
    state: clearedAt === undefined ? 'raised' : 'cleared',
    code: rule.code,
    severity,
    device: device.id,
    deviceName: device.name,
    backend: device.backend,
    kernel: observation.kernel,
    observed: observation.observed,
    threshold,
    unit,
    ...(observation.change && { change: Object.freeze({ ...observation.change }) }),
    sentence: observation.sentence,
    evidence: Object.freeze({
      windowSeconds: seconds,
      samples: observation.samples,
      counterEvidence: Object.freeze([...(observation.counterEvidence ?? [])]),
      unseen: Object.freeze([...unseen]),
    }),
    recommendations: recommendationsOf(rule, device.backend),
    raisedAt,
    clearedAt,
  } as const;
  return asSpoken(fields);
}

/** Made once: findings are made anew at every tick while they last. */
const made = new Map<string, readonly Recommendation[]>();

function recommendationsOf(rule: Rule, backend: RuleBackend): readonly Recommendation[] {
  const codes = rule.recommends(backend);
  const key = [rule.code, ...codes].join(' ');
  const known = made.get(key);
  if (known !== undefined) return known;
  const link = `docs/RULES.md#${rule.code}`;
  const all = Object.freeze(codes.map((code) => Object.freeze({ code, sentence: recommendations[code], link })));
  made.set(key, all);
  return all;
}

/** The graver of two. */
export function graver(a: Severity, b: Severity): Severity {
  return severities.indexOf(a) >= severities.indexOf(b) ? a : b;
}

/** Orders findings for who reads from the top: the gravest first. */
export function byGravity(a: Pick<Finding, 'severity'>, b: Pick<Finding, 'severity'>): number {
  return severities.indexOf(b.severity) - severities.indexOf(a.severity);
}
