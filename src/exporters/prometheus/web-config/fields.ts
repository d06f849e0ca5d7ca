/**
 * Reads typed fields out of a YAML file, with the line of each: a file is refused with the line that is wrong. What a
 * value means is what it means to Go's yaml.v2, by which Prometheus' own programs read the same file: unknown and
 * repeated fields are errors, `on` is true, and a number where a text belongs is that text.
 *
 * No message quotes a value, but for names of a fixed list: the values are passwords and keys.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type Scalar } from 'yaml';

/** A place in the file, counted from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A file that can't be followed. The message begins with `FILE:LINE:COLUMN:`, or `FILE:` where no line is at fault. */
export class WebConfigError extends Error {
  override readonly name = 'WebConfigError';

  constructor(file: string, place: Place | undefined, problem: string) {
    super(`${[file, ...(place === undefined ? [] : [place.line, place.column])].join(':')}: ${problem}`);
  }
}

/** A text with its place; empty where the field has no value. */
export interface Text {
  readonly value: string;
  readonly place: Place;
}

/** The file that is being read. */
export interface Source {
  placeOf(node: Node | null): Place;
  fail(node: Node | null, problem: string): never;
  failAt(place: Place, problem: string): never;
  /** What an alias stands for. Throws for an alias of nothing. */
  resolve(node: unknown): Node | null;
}

/** Reads one value. Throws a WebConfigError for one that it is not. */
export type Reader<T> = (node: Node | null, source: Source) => T;

/** Reads a whole file by a reader of its topmost value. */
export function readYaml<T>(file: string, content: string, reader: Reader<T>): T {
  const lines = new LineCounter();
  // No pretty errors: they quote the line.
  const document = parseDocument(content, { version: '1.1', lineCounter: lines, prettyErrors: false });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const [error] = [...document.errors, ...document.warnings];
  if (error !== undefined) {
    const what = error.code === 'DUPLICATE_KEY' ? twice : describe(error.code);
    throw new WebConfigError(file, placeAt(error.pos[0]), what);
  }
  const source: Source = {
    placeOf: (node) => placeAt(node?.range?.[0] ?? 0),
    fail: (node, problem) => source.failAt(source.placeOf(node), problem),
    failAt(place, problem) {
      throw new WebConfigError(file, place, problem);
    },
    resolve(node) {
      if (!isAlias(node)) return (node as Node | null) ?? null;
      // Never as no value: a field that has none can mean that nobody is asked for a password.
      return node.resolve(document) ?? source.fail(node, 'there is no anchor of this name before it');
    },
  };
  return reader(source.resolve(document.contents), source);
}

const twice = 'a field stands here for the second time';

function describe(code: string): string {
  return `this is not YAML (${code.toLowerCase().replaceAll('_', ' ')})`;
}

/** A mapping of known fields. Those that are not there are absent from what it gives. */
export function mapping<Fields extends Record<string, Reader<unknown>>>(
  what: string,
  fields: Fields,
): Reader<{ [Name in keyof Fields]?: ReturnType<Fields[Name]> }> {
  return (node, source) => {
    const values: Record<string, unknown> = {};
    for (const { name, key, value } of entriesOf(node, what, source)) {
      const reader = Object.hasOwn(fields, name) ? fields[name] : undefined;
      if (reader === undefined) {
        return source.fail(key, `unknown field ${JSON.stringify(name)} of ${what}; ${listed(Object.keys(fields))}`);
      }
      values[name] = reader(value, source);
    }
    return values as { [Name in keyof Fields]?: ReturnType<Fields[Name]> };
  };
}

/** A mapping of names that are not known. `check` throws for a name or a value that can't be. */
export function dictionary<T>(
  what: string,
  reader: Reader<T>,
  check: (name: string, value: T, source: Source, key: Node) => void,
): Reader<ReadonlyMap<string, T>> {
  return (node, source) => {
    const values = new Map<string, T>();
    for (const { name, key, value } of entriesOf(node, what, source)) {
      const read = reader(value, source);
      check(name, read, source, key);
      values.set(name, read);
    }
    return values;
  };
}

/** A list; `undefined` where the field has no value. */
export function list<T>(reader: Reader<T>): Reader<readonly T[] | undefined> {
  return (node, source) => {
    if (isNothing(node)) return undefined;
    if (!isSeq(node)) return source.fail(node, 'a list is wanted here');
    return node.items.map((item) => reader(source.resolve(item), source));
  };
}

/** A text as it stands in the file, also where YAML would take it for a number or a truth value. */
export const text: Reader<Text> = (node, source) => {
  const place = source.placeOf(node);
  if (isNothing(node)) return { value: '', place };
  if (!isScalar(node)) return source.fail(node, 'a text is wanted here');
  return { value: textOf(node), place };
};

export const flag: Reader<boolean> = (node, source) => {
  if (isScalar(node) && typeof node.value === 'boolean') return node.value;
  return source.fail(node, 'true or false is wanted here');
};

export const wholeNumber: Reader<number> = (node, source) => {
  if (isScalar(node) && Number.isSafeInteger(node.value)) return node.value as number;
  return source.fail(node, 'a whole number is wanted here');
};

/** One name of a table; gives what stands beside it. */
export function oneOf<T>(what: string, table: Readonly<Record<string, T>>): Reader<T> {
  return (node, source) => {
    const { value } = text(node, source);
    if (Object.hasOwn(table, value)) return table[value] as T;
    return source.fail(node, `unknown ${what} ${JSON.stringify(value.slice(0, 80))}; ${listed(Object.keys(table))}`);
  };
}

/** True for a field without a value. */
export function isNothing(node: Node | null): boolean {
  return node === null || (isScalar(node) && node.value === null);
}

function listed(names: readonly string[]): string {
  return `there are ${names.join(', ')}`;
}

interface Entry {
  readonly name: string;
  readonly key: Node;
  readonly value: Node | null;
}

function entriesOf(node: Node | null, what: string, source: Source): Entry[] {
  if (isNothing(node)) return [];
  if (!isMap(node)) return source.fail(node, `${what} must be a mapping of fields`);
  const names = new Set<string>();
  return node.items.map(({ key, value }) => {
    const scalar = source.resolve(key);
    if (!isScalar(scalar)) return source.fail(scalar, `a name of a field of ${what} is wanted here`);
    const name = textOf(scalar);
    if (names.has(name)) source.fail(scalar, twice); // 1 and "1" are two for YAML and one for us.
    names.add(name);
    return { name, key: scalar, value: source.resolve(value) };
  });
}

function textOf(scalar: Scalar): string {
  return typeof scalar.value === 'string' ? scalar.value : (scalar.source ?? String(scalar.value ?? ''));
}
