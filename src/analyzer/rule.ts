/**
 * The shape of every rule: pure, of a stable code, silent where it has too little to go by. A rule says what it sees in
 * one window; when that becomes a finding, and when it is over, is the analyzer's.
 */
import type { Window } from '../profile/window.ts';
import type { BottleneckCode, Change, Severity } from './finding.ts';
import type { RecommendationCode } from './recommendations.ts';

/** The backends that rules have thresholds for; more than there are yet. */
export type RuleBackend = Window['device']['backend'];

/** `guide`: the profiling guide's numbers to the letter. `production`: with guards against what is no fault in a fleet. */
export type RuleProfile = 'production' | 'guide';

export interface Rule {
  readonly code: BottleneckCode;
  readonly kind: 'bottleneck' | 'regression';
  /** The highest that it usually has; an observation may say another. */
  readonly severity: Severity;
  /** One sentence, what it looks for and in which cases; for docs/RULES.md. */
  readonly looksFor: string;
  /** What the profile `production` asks for beyond the threshold; for docs/RULES.md. */
  readonly guard?: string;
  /** By backend; where a backend is missing the rule does not apply to it. */
  readonly thresholds: Readonly<Partial<Record<RuleBackend, number>>>;
  /** UCUM, of the threshold and of what is observed. */
  readonly unit: string;
  /** Backends on which it measures something else, whose threshold is therefore fixed. */
  readonly units?: Readonly<Partial<Record<RuleBackend, string>>>;
  /** Fewer than these, and it says nothing. */
  readonly samples: { readonly fewest: number; readonly of: 'executions' | 'copies' | 'compilations' | 'intervals' };
  /** On which side of the threshold the fault lies. */
  readonly fault: 'above' | 'below';
  /** What a threshold may be set to. */
  readonly range: readonly [from: number, to: number];
  /** True where each kernel is a finding of its own; else the worst observation is the finding. */
  readonly perKernel?: true;
  readonly recommends: (backend: RuleBackend) => readonly RecommendationCode[];
  /** What this fault causes: findings of these codes on the same device are not raised beside it. */
  readonly hides: readonly BottleneckCode[];
  /** What it sees, the worst first; nothing where all is well, or where there is too little to go by. */
  find(window: Window, settings: RuleSettings): readonly Observation[];
}

export interface RuleSettings {
  /** Of the window's backend: the rule's own, or the option's. */
  readonly threshold: number;
  /** True where the operator set the threshold: then it goes before one that follows from the device. */
  readonly isSet?: boolean;
  /** The threshold of another rule that this one goes by, as it is for the window's backend; `undefined` where it has none. */
  thresholdOf(rule: Rule): number | undefined;
  readonly profile: RuleProfile;
}

/** What a rule saw. */
export interface Observation {
  readonly observed: number;
  /** The one that counted, where it is not the settings': some follow from the device. */
  readonly threshold?: number;
  /** Of both, where it is not the rule's. */
  readonly unit?: string;
  readonly severity?: Severity;
  readonly kernel?: string;
  /** Of a regression: what it compares. */
  readonly change?: Change;
  /** How many executions, copies or intervals it stands on. */
  readonly samples: number;
  /** For a person, with the numbers. */
  readonly sentence: string;
  /** What qualifies it: "busy 96 %". */
  readonly counterEvidence?: readonly string[];
}
