/** What the rules say of one window, without a memory: who keeps what was raised is `analyzer.ts`. */
import type { Window } from '../profile/window.ts';
import type { Observation, Rule, RuleProfile } from './rule.ts';
import { allRules } from './rules/all.ts';

/** A rule and the worst thing it sees; for a rule that tells kernels apart, one for each. */
export interface Sighting {
  readonly rule: Rule;
  readonly observation: Observation;
  readonly threshold: number;
}

export interface ObserveOptions {
  readonly profile?: RuleProfile;
}

/** The sightings of all rules that apply to the window's device, the gravest first; what another one causes is left out. */
export function observe(window: Window, { profile = 'production' }: ObserveOptions = {}): Sighting[] {
  const seen = allRules.flatMap((rule): Sighting[] => {
    const threshold = rule.thresholds[window.device.backend];
    if (threshold === undefined) return [];
    const observations = rule.find(window, { threshold, profile });
    return (rule.perKernel ? observations : observations.slice(0, 1)).map((observation) => ({
      rule,
      observation,
      threshold: observation.threshold ?? threshold,
    }));
  });
  const hidden = new Set(seen.flatMap(({ rule }) => rule.hides));
  return seen.filter(({ rule }) => !hidden.has(rule.code));
}
