/** What the rules say of one window, without a memory: who keeps what was raised is `analyzer.ts`. */
import type { Window } from '../profile/window.ts';
import type { BottleneckCode, Severity } from './finding.ts';
import type { Observation, Rule, RuleBackend, RuleProfile } from './rule.ts';
import { allRules } from './rules/all.ts';
import { isSuppressed, type Suppression } from './suppression.ts';
import type { Thresholds } from './thresholds.ts';

/** A rule and the worst thing it sees; for a rule that tells kernels apart, one for each. */
export interface Sighting {
  readonly rule: Rule;
  readonly observation: Observation;
  /** As they are in this case: a rule's own can be others. */
  readonly severity: Severity;
  readonly threshold: number;
  readonly unit: string;
}

/** What the rules say of one window. */
export interface Observed {
  /** In the order of the rules, the gravest first; what another one causes is left out. */
  readonly sightings: readonly Sighting[];
  /** What was left out for that. In the next window its cause may not be seen. */
  readonly caused: readonly Sighting[];
  /** What they would say besides if it were not silenced. */
  readonly suppressed: readonly Sighting[];
  /** How many rules threw. They are left out, and the others stand. */
  readonly faults: number;
}

export interface ObserveOptions {
  readonly profile?: RuleProfile;
  /** Set by the operator, in place of the rules' own on all backends. */
  readonly thresholds?: Thresholds;
  readonly suppress?: readonly Suppression[];
  readonly rules?: readonly Rule[];
}

/** The rules that apply to a backend: those that have a threshold for it. */
export function rulesFor(backend: RuleBackend, rules: readonly Rule[] = allRules): readonly Rule[] {
  return rules.filter(({ thresholds }) => thresholds[backend] !== undefined);
}

/**
 * What all rules say that apply to the window's device. Never throws. What is silenced is still a cause: its symptoms
 * are not sighted either, or to silence one thing would raise another.
 */
export function observe(window: Window, options: ObserveOptions = {}): Observed {
  const { suppress = [], rules = allRules } = options;
  const sightings: Sighting[] = [];
  const suppressed: Sighting[] = [];
  let faults = 0;
  // Where the clock stood still or went backwards nothing was measured.
  const applying = window.seconds > 0 ? rulesFor(window.device.backend, rules) : [];
  for (const rule of applying) {
    try {
      const all = sightingsOf(rule, window, options);
      const isSilenced = ({ observation: { kernel } }: Sighting) =>
        isSuppressed(suppress, { code: rule.code, device: window.device.id, kernel });
      sightings.push(...worst(all.filter((each) => !isSilenced(each))));
      if (suppress.length > 0) suppressed.push(...worst(all.filter(isSilenced)));
    } catch {
      faults += 1;
    }
  }
  const hidden = codesHiddenBy([...sightings, ...suppressed]);
  const stands = ({ rule }: Sighting) => !hidden.has(rule.code);
  return {
    sightings: sightings.filter(stands),
    caused: sightings.filter((each) => !stands(each)),
    suppressed: suppressed.filter(stands),
    faults,
  };
}

/** The symptoms of what was sighted. What is only for information is no cause to be silent about a fault. */
export function codesHiddenBy(sightings: Iterable<Pick<Sighting, 'rule' | 'severity'>>): ReadonlySet<BottleneckCode> {
  return new Set(Array.from(sightings).flatMap(({ rule, severity }) => (severity === 'info' ? [] : rule.hides)));
}

function sightingsOf(
  rule: Rule,
  window: Window,
  { profile = 'production', thresholds = {} }: ObserveOptions,
): Sighting[] {
  const { backend } = window.device;
  const setOf = ({ units, code }: Rule) => (units?.[backend] === undefined ? thresholds[code] : undefined);
  const thresholdOf = (of: Rule) => setOf(of) ?? of.thresholds[backend];
  const set = setOf(rule);
  const threshold = thresholdOf(rule) ?? Number.NaN;
  return rule
    .find(window, { threshold, profile, isSet: set !== undefined, thresholdOf })
    .map((observation) => ({
      rule,
      observation,
      severity: observation.severity ?? rule.severity,
      threshold: observation.threshold ?? threshold,
      unit: observation.unit ?? rule.units?.[backend] ?? rule.unit,
    }))
    .filter(({ observation, threshold }) => Number.isFinite(observation.observed) && Number.isFinite(threshold));
}

function worst(sightings: readonly Sighting[]): readonly Sighting[] {
  return sightings[0]?.rule.perKernel ? sightings : sightings.slice(0, 1);
}
