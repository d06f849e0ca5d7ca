/**
 * What the operator allows executions to take: objectives for P95 and P99 by kernel name, from the option `objectives`
 * or the variable `ACCELMETER_OBJECTIVES`.
 *
 * ```json
 * { "kernels": { "matmul_*": { "p95": "10ms", "p99": "20ms" }, "*": { "p99": "0.5s" } } }
 * ```
 *
 * A time carries its unit, since a bare number would be read as milliseconds by one and as seconds by another. Of
 * several names that match a kernel the most specific one counts, and alone: where an entry stands in a file means
 * nothing, as tools sort the keys of objects.
 */
import { readFileSync, statSync } from 'node:fs';
import { namePattern } from './profile/kernel-names.ts';
import type { KernelObjective, ObjectiveQuantile } from './profile/objective-counts.ts';

/** The times that executions may take: a number and its unit, ns, us (or µs), ms or s, such as "10ms" or "1.5 s". */
export interface Objective {
  /** Of 100 executions at most 5 may take longer. */
  readonly p95?: string | undefined;
  /** Of 100 executions at most 1 may take longer. */
  readonly p99?: string | undefined;
}

export interface Objectives {
  /**
   * By kernel name, in which `*` stands for any characters. A name without `*` goes before those with one, and of
   * these the longest. An empty objective frees a kernel of a more general one.
   */
  readonly kernels?: Readonly<Record<string, Objective>> | undefined;
}

/** What the profiling guide requires of every kernel. */
export const guideObjectives: Objectives = { kernels: { '*': { p95: '10ms', p99: '20ms' } } };

/** More are a mistake, and each is tried for every new kernel name. */
const mostNames = 256;
const mostFileBytes = 2 ** 20;
/** Seconds. */
const range = { from: 1e-9, to: 3600 };

const divisors: Readonly<Record<string, number>> = { s: 1, ms: 1e3, us: 1e6, µs: 1e6, μs: 1e6, ns: 1e9 };

/**
 * The objectives in seconds, the most specific first; `undefined` where none were given. Throws a TypeError or
 * RangeError that names the key.
 */
export function checkObjectives(objectives: unknown): readonly KernelObjective[] | undefined {
  if (objectives === undefined) return undefined;
  const { kernels = {} } = members('objectives', objectives, ['kernels'], 'names of kernels stand under "kernels"');
  if (!isObject(kernels)) throw new TypeError(`objectives.kernels must be an object, not ${shown(kernels)}`);
  const entries = Object.entries(kernels).map(([name, objective]) => {
    if (name === '') throw new TypeError('objectives.kernels has an empty name; "*" stands for every kernel');
    return { name, ...checkObjective(`objectives.kernels[${JSON.stringify(name)}]`, objective) };
  });
  if (entries.length > mostNames) {
    throw new RangeError(`objectives.kernels may have up to ${mostNames} names, not ${entries.length}`);
  }
  return entries
    .sort((a, b) => specificity(b.name) - specificity(a.name))
    .map(({ name, ...times }) => ({ pattern: namePattern(name), ...times }));
}

/**
 * The objectives that the text of a variable gives: JSON, or the path of a file of JSON. Throws an Error that says which
 * of the two it was, and what is wrong with it.
 */
export function readObjectives(text: string): readonly KernelObjective[] | undefined {
  const inline = text.startsWith('{');
  try {
    return checkObjectives(JSON.parse(inline ? text : contentOf(text)));
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    // The system quotes the path, which is as long as whoever wrote it wanted.
    const reason = code === undefined ? message : message.split(', ')[0];
    throw new Error(inline ? `as JSON: ${reason}` : `as the path of a file (JSON begins with "{"): ${reason}`);
  }
}

/** A pipe or a device would hold the service. */
function contentOf(path: string): string {
  const status = statSync(path);
  if (!status.isFile()) throw new Error('it is no file');
  if (status.size > mostFileBytes) throw new Error(`it has ${status.size} bytes, more than ${mostFileBytes}`);
  return readFileSync(path, 'utf8');
}

function checkObjective(key: string, objective: unknown): Partial<Record<ObjectiveQuantile, number>> {
  const { p95, p99 } = members(key, objective, ['p95', 'p99'], 'such as { "p95": "10ms" }');
  const times = {
    ...(p95 !== undefined && { p95: seconds(`${key}.p95`, p95) }),
    ...(p99 !== undefined && { p99: seconds(`${key}.p99`, p99) }),
  };
  if (times.p95 !== undefined && times.p99 !== undefined && times.p99 < times.p95) {
    throw new RangeError(`${key}.p99 must be no shorter than its p95: ${shown(p99)} is less than ${shown(p95)}`);
  }
  return times;
}

function seconds(key: string, time: unknown): number {
  const [, digits, unit] = (typeof time === 'string' && /^(\d+(?:\.\d+)?) ?([a-zµμ]+)$/.exec(time.trim())) || [];
  const divisor = divisors[unit ?? ''];
  if (digits === undefined || divisor === undefined) {
    throw new TypeError(`${key} must be a time with its unit (ns, us, ms, s), such as "10ms", not ${shown(time)}`);
  }
  const value = Number(digits) / divisor;
  if (value >= range.from && value <= range.to) return value;
  throw new RangeError(`${key} must be from 1ns to ${range.to}s, not ${shown(time)}`);
}

/** The members of an object that may have these and no other. */
function members(key: string, value: unknown, known: readonly string[], advice: string): Record<string, unknown> {
  if (!isObject(value)) throw new TypeError(`${key} must be an object, ${advice}, not ${shown(value)}`);
  const unknown = Object.keys(value).find((each) => !known.includes(each));
  if (unknown === undefined) return value;
  throw new TypeError(`${key} has an unknown "${unknown}"; there are ${known.join(', ')}: ${advice}`);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const shown = (value: unknown) => JSON.stringify(value) ?? String(value);

/** The characters that a name demands; one without `*` demands all. */
const specificity = (name: string) => (name.includes('*') ? name.replaceAll('*', '').length : Number.POSITIVE_INFINITY);
