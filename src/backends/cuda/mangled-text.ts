/** A mangled name as it is read: where we are, and what later parts of it may refer back to. */

/** What the name is not, or not as far as we know the grammar. Caught by `demangle`; nobody else sees it. */
export class NotMangled extends Error {}

/** A template's argument: one type or value, or a pack of them. */
export type TemplateArgument = string | readonly string[];

/** As a type is written around what it declares: an array of `int` is `int` before and ` [10]` after. */
export interface TypeText {
  readonly before: string;
  readonly after: string;
}

/** What an earlier part was, for `S_` and its kin: a name or a type. */
export type Earlier = TypeText;

/** Names that nest deeper are no kernel's; parsing them would use up the stack. */
const deepest = 128;

export interface MangledText {
  readonly text: string;
  at: number;
  readonly earlier: Earlier[];
  /** Those of the function whose signature is being read. */
  templateArguments: readonly TemplateArgument[];
  /** Which of a pack is meant, while `Dp` repeats a pattern; and how long the packs in it are. */
  packIndex: number | undefined;
  packLength: number | undefined;
  /** True within what a lambda takes: `T_` is then what it leaves open. */
  inLambda: boolean;
  /** How many functions, within which what is read is local, we are in. */
  within: number;
  depth: number;
  /** The name before the last template arguments of the kernel's own name, and where they begin. */
  known: { readonly name: string; readonly at: number } | undefined;
}

export function mangledText(text: string): MangledText {
  return {
    text,
    at: 0,
    earlier: [],
    templateArguments: [],
    packIndex: undefined,
    packLength: undefined,
    inLambda: false,
    within: 0,
    depth: 0,
    known: undefined,
  };
}

export const peek = (m: MangledText, ahead = 0): string => m.text[m.at + ahead] ?? '';

/** Goes past `token` where it stands here. */
export function accept(m: MangledText, token: string): boolean {
  if (!m.text.startsWith(token, m.at)) return false;
  m.at += token.length;
  return true;
}

export function expect(m: MangledText, token: string): void {
  if (!accept(m, token)) throw new NotMangled(token);
}

/** A decimal number of at least one digit. */
export function readNumber(m: MangledText): number {
  const begin = m.at;
  while (/\d/.test(peek(m))) m.at += 1;
  if (m.at === begin || m.at - begin > 9) throw new NotMangled('a number');
  return Number(m.text.slice(begin, m.at));
}

/** `_` is the first, `0_` the second, `1_` the third. */
export function readIndex(m: MangledText): number {
  if (accept(m, '_')) return 0;
  const index = readNumber(m) + 1;
  expect(m, '_');
  return index;
}

/** Reads until `E`. */
export function readAll<T>(m: MangledText, read: () => T): T[] {
  const all: T[] = [];
  while (!accept(m, 'E')) all.push(read());
  return all;
}

export function nested<T>(m: MangledText, read: () => T): T {
  m.depth += 1;
  if (m.depth > deepest) throw new NotMangled('less depth');
  const result = read();
  m.depth -= 1;
  return result;
}

/** Remembers what was just read for references to it, and gives it. */
export function remember(m: MangledText, what: Earlier): Earlier {
  m.earlier.push(what);
  return what;
}

export const textOf = ({ before, after }: TypeText): string => before + after;
export const plain = (before: string): TypeText => ({ before, after: '' });

/** `S_`, `S0_`, `S1_` and on, whose `S` has been read: in base 36. */
export function readReference(m: MangledText): Earlier {
  const begin = m.at;
  while (/[0-9A-Z]/.test(peek(m))) m.at += 1;
  const digits = m.text.slice(begin, m.at);
  expect(m, '_');
  const earlier = m.earlier[digits === '' ? 0 : Number.parseInt(digits, 36) + 1];
  if (earlier === undefined) throw new NotMangled('something earlier');
  return earlier;
}

/** `T_`, `T0_` and on, whose `T` has been read: an argument of the template whose signature is being read. */
export function readParameter(m: MangledText): string {
  const index = readIndex(m);
  if (m.inLambda) return `auto:${index + 1}`;
  const argument = m.templateArguments[index];
  if (argument === undefined) throw new NotMangled('an argument');
  if (typeof argument === 'string') return argument;
  m.packLength = argument.length;
  return m.packIndex === undefined ? argument.join(', ') : (argument[m.packIndex] ?? '');
}

/** Arguments in brackets, with a space between two brackets that close. */
export function bracketed(list: readonly TemplateArgument[]): string {
  const inside = list.flat().join(', ');
  return `<${inside}${inside.endsWith('>') ? ' ' : ''}>`;
}
