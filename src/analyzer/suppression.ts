/**
 * What an operator does not want to hear: `code[@device][/kernel]`, in which `*` stands for anything. Read once; a
 * pattern that no rule's code fits is a typing error.
 */
import { Glob, type Matcher } from '../glob.ts';
import type { BottleneckCode } from './finding.ts';
import { allRules } from './rules/all.ts';

/** What is silenced: where a part is `undefined`, whatever it is. */
export interface Suppression {
  readonly code: Matcher;
  readonly device: Matcher | undefined;
  readonly kernel: Matcher | undefined;
}

export interface Suppressible {
  readonly code: BottleneckCode;
  /** `hw.id`. */
  readonly device: string;
  /** Where it is about one. */
  readonly kernel: string | undefined;
}

/** Reads the list of an option. Throws a TypeError that names what cannot be read. */
export function parseSuppressions(patterns: readonly string[]): readonly Suppression[] {
  if (!Array.isArray(patterns) || !patterns.every((each) => typeof each === 'string')) {
    throw new TypeError('suppress must be an array of texts, such as ["high_variance@GPU-1/matmul"]');
  }
  return patterns.map(parse);
}

/** Reads the list of a variable, separated by commas. Throws a TypeError that names what cannot be read. */
export function suppressionsIn(text: string): readonly Suppression[] {
  const patterns = text.split(',').map((each) => each.trim());
  return parseSuppressions(patterns.filter((each) => each !== ''));
}

export function isSuppressed(suppressions: readonly Suppression[], { code, device, kernel }: Suppressible): boolean {
  return suppressions.some(
    (each) =>
      each.code.test(code) &&
      (each.device?.test(device) ?? true) &&
      (each.kernel === undefined || (kernel !== undefined && each.kernel.test(kernel))),
  );
}

/** A device's id has no slash; a kernel's name may have any character. */
const form = /^(?<code>[^@/]+)(?:@(?<device>[^/]+))?(?:\/(?<kernel>.+))?$/s;

function parse(pattern: string): Suppression {
  const groups = form.exec(pattern)?.groups;
  if (groups?.code === undefined) throw new TypeError(`"${pattern}" is not of the form code[@device][/kernel]`);
  const code = new Glob(groups.code);
  if (!allRules.some((rule) => code.test(rule.code))) {
    throw new TypeError(
      `no rule is called "${groups.code}"; there are ${allRules.map((rule) => rule.code).join(', ')}`,
    );
  }
  return {
    code,
    device: groups.device === undefined ? undefined : new Glob(groups.device),
    kernel: groups.kernel === undefined ? undefined : new Glob(groups.kernel),
  };
}
