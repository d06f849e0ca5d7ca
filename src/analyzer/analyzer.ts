/**
 * What is raised about one device, from tick to tick. A rule sees one window; a finding is what it saw in two windows
 * in a row, until it was missing from three.
 */
import type { DeviceIdentity } from '../backend.ts';
import type { Window } from '../profile/window.ts';
import { wallTime } from '../wall-clock.ts';
import { type BottleneckCode, byGravity, type Finding, findingOf, graver } from './finding.ts';
import { codesHiddenBy, type Observed, observe, rulesFor, type Sighting } from './observe.ts';
import type { Rule } from './rule.ts';
import { allRules } from './rules/all.ts';

/** Raised in the so-manieth tick in a row in which it is seen: one window alone can be a coincidence. */
const raisedAfter = 2;
/** Cleared in the so-manieth tick in a row in which it is not: what wavers about its threshold is one finding. */
const clearedAfter = 3;

export interface AnalyzerOptions {
  readonly device: DeviceIdentity;
  readonly rules?: readonly Rule[];
  /** The clock, in process seconds. */
  now(): number;
  /** Called with a finding when it is raised and when it is cleared, in the order in which that happens. */
  announce(finding: Finding): void;
  /** What the rules say of a window; by default as `observe` does. */
  observe?(window: Window): Observed;
}

/** One thing that a rule sees, over the ticks. */
interface Case {
  sighting: Sighting;
  window: Window;
  /** Ticks in a row in which it was seen, and in which it was not. */
  seen: number;
  missed: number;
  /** While it is raised, and not silenced. */
  finding: Finding | undefined;
  /** Raised or not, nobody is told. */
  readonly silenced: boolean;
  /** Silenced, and counted. */
  counted: boolean;
}

/** The latest number: unique in the process, whatever the device. */
let lastId = 0;

export class Analyzer {
  readonly #options: AnalyzerOptions;
  readonly #rules: readonly Rule[];
  /** By rule, and by kernel where the rule tells them apart: as many as the windows of the last ticks have followed. */
  readonly #cases = new Map<string, Case>();
  readonly #regressions = new Map<string, number>();
  readonly #countsRegressions: boolean;
  #findings: readonly Finding[] = Object.freeze([]);
  #suppressed = 0;
  #faults = 0;

  constructor(options: AnalyzerOptions) {
    this.#options = options;
    this.#rules = rulesFor(options.device.backend, options.rules ?? allRules);
    this.#countsRegressions = this.#rules.some(({ kind }) => kind === 'regression');
  }

  /** What is raised now, the gravest first. */
  get findings(): readonly Finding[] {
    return this.#findings;
  }

  /** How many findings were not raised because they are silenced. */
  get suppressed(): number {
    return this.#suppressed;
  }

  /** How often a rule threw. */
  get faults(): number {
    return this.#faults;
  }

  /** Every rule that applies to the device, with the worst that it has raised. */
  states(): readonly { readonly code: BottleneckCode; readonly worst: Finding | undefined }[] {
    return this.#rules.map(({ code, fault }) => {
      const raised = this.#findings.filter((finding) => finding.code === code);
      const worst = raised.reduce<Finding | undefined>((before, each) => worse(before, each, fault), undefined);
      return { code, worst };
    });
  }

  /** How often each kernel that was followed had a regression; none where no rule looks for them. */
  regressions(): Iterable<readonly [kernel: string, count: number]> {
    return this.#regressions;
  }

  /** Looks at the window of a tick. Never throws. */
  analyze(window: Window): void {
    const { sightings, caused, suppressed, faults } = this.#observe(window);
    this.#faults += faults;
    if (this.#countsRegressions) this.#follow(window);
    const causes = this.#hidden();
    const seen = new Set<Case>();
    for (const sighting of sightings) {
      if (!causes.has(sighting.rule.code)) seen.add(this.#see(sighting, window, false));
    }
    for (const sighting of suppressed) seen.add(this.#see(sighting, window, true));
    this.#miss(seen, new Set(caused.filter(({ rule }) => !causes.has(rule.code)).map(keyOf)));
    this.#raise(seen);
    this.#findings = Object.freeze(
      Array.from(this.#cases.values(), ({ finding }) => finding)
        .filter((finding) => finding !== undefined)
        .sort(byGravity),
    );
  }

  /** Clears all that is raised: the device is gone, or nobody looks at it any more. */
  clear(): void {
    for (const each of this.#cases.values()) this.#clear(each);
    this.#cases.clear();
    this.#findings = Object.freeze([]);
  }

  #observe(window: Window): Observed {
    try {
      return this.#options.observe?.(window) ?? observe(window, { rules: this.#rules });
    } catch {
      return { sightings: [], caused: [], suppressed: [], faults: 1 };
    }
  }

  /** What stands beside what causes it is told by its cause alone; so also where its cause is silenced. */
  #hidden(): ReadonlySet<BottleneckCode> {
    return hiddenBy(Array.from(this.#cases.values()).filter(isRaised));
  }

  #see(sighting: Sighting, window: Window, silenced: boolean): Case {
    const key = `${keyOf(sighting)} ${silenced}`;
    const known = this.#cases.get(key);
    if (known !== undefined) {
      Object.assign(known, { sighting, window, seen: known.seen + 1, missed: 0 });
      return known;
    }
    const first = { sighting, window, seen: 1, missed: 0, finding: undefined, silenced, counted: false };
    this.#cases.set(key, first);
    return first;
  }

  /**
   * `waiting`: what was seen beside its cause. Where the cause is raised for it, that ends it; a cause that is seen now
   * and then says nothing of it, and it goes on from where it was.
   */
  #miss(seen: ReadonlySet<Case>, waiting: ReadonlySet<string>): void {
    for (const [key, each] of this.#cases) {
      if (seen.has(each) || waiting.has(keyOf(each.sighting))) continue;
      each.seen = 0;
      each.missed += 1;
      if (isRaised(each) && each.missed < clearedAfter) continue;
      this.#clear(each);
      this.#cases.delete(key);
    }
  }

  #raise(seen: ReadonlySet<Case>): void {
    const raised = Array.from(seen).filter((each) => each.seen >= raisedAfter && !isRaised(each));
    for (const each of seen) if (each.finding !== undefined) each.finding = this.#findingOf(each, each.finding);
    const hidden = hiddenBy([...Array.from(this.#cases.values()).filter(isRaised), ...raised]);
    for (const [key, each] of this.#cases) {
      if (!isRaised(each) || !hidden.has(each.sighting.rule.code)) continue;
      this.#clear(each);
      this.#cases.delete(key);
    }
    for (const each of raised) {
      if (each.silenced) {
        each.counted = true;
        this.#suppressed += 1;
        continue;
      }
      lastId += 1;
      const id = `${each.sighting.rule.code}-${lastId}`;
      each.finding = this.#findingOf(each, { id, severity: 'info', raisedAt: this.#timestamp() });
      const { kernel, kind } = each.finding;
      if (kind === 'regression' && kernel !== undefined) {
        this.#regressions.set(kernel, (this.#regressions.get(kernel) ?? 0) + 1);
      }
      this.#options.announce(each.finding);
    }
  }

  /** The finding with the numbers of now. It can become graver, and stays so: what wavers is not told twice. */
  #findingOf({ sighting, window }: Case, known: Pick<Finding, 'id' | 'severity' | 'raisedAt'>): Finding {
    const { id, raisedAt } = known;
    const severity = graver(known.severity, sighting.severity);
    return findingOf(sighting, window, { id, raisedAt, severity });
  }

  #clear(each: Case): void {
    if (each.finding === undefined) return;
    const { id, raisedAt, severity } = each.finding;
    const cleared = { id, raisedAt, severity, clearedAt: this.#timestamp() };
    each.finding = undefined;
    this.#options.announce(findingOf(each.sighting, each.window, cleared));
  }

  /** A counter is there before it counts. Kernels that have one of their own never leave, so this is bounded as they are. */
  #follow(window: Window): void {
    for (const { name } of window.byKernel) if (!this.#regressions.has(name)) this.#regressions.set(name, 0);
  }

  #timestamp(): string {
    return wallTime(this.#options.now());
  }
}

/** What makes two sightings one thing: the rule, and the kernel where the rule tells them apart. */
const keyOf = ({ rule, observation }: Sighting) => `${rule.code} ${rule.perKernel ? (observation.kernel ?? '') : ''}`;

const isRaised = ({ finding, counted }: Case) => finding !== undefined || counted;

function hiddenBy(causes: readonly Case[]): ReadonlySet<BottleneckCode> {
  const asGraveAsEver = ({ finding, sighting }: Case) => finding?.severity ?? sighting.severity;
  return codesHiddenBy(causes.map((each) => ({ rule: each.sighting.rule, severity: asGraveAsEver(each) })));
}

function worse(before: Finding | undefined, each: Finding, fault: Rule['fault']): Finding {
  if (before === undefined || byGravity(each, before) < 0) return each;
  if (byGravity(each, before) > 0) return before;
  const further = fault === 'above' ? each.observed > before.observed : each.observed < before.observed;
  return further ? each : before;
}
