/**
 * Kernel names as they are exported. Compilers make names of kilobytes; a label must be short, printable and mean the
 * same kernel in every process and after every restart. So the exported name depends on the given one alone: template
 * arguments are cut, what remains is at most 96 bytes, and a name that was changed ends in a hash of what it was, so
 * that `gemm<float>` and `gemm<double>` stay two kernels.
 */
import { Glob, type Matcher } from '../glob.ts';
import type { KernelObjective } from './objective-counts.ts';

/** The longest name that is exported, in bytes of UTF-8. */
const maxNameBytes = 96;

/** The kernel name that stands for all that have no distribution of their own. */
export const otherName = 'other';

const hashBytes = '#00000000'.length;
/** Longer names are looked at no further than this, in UTF-16 units; the hash is still that of the whole. */
const longestScanned = 4096;

const encoder = new TextEncoder();

/** The name under which a kernel is exported. A pure function; a program's own kernel "other" gets a hash as well. */
export function normaliseKernelName(raw: string): string {
  if (raw === '') return 'unnamed';
  const short = printable(cutTemplateArguments(raw.slice(0, longestScanned))).trim();
  if (short === raw && short !== otherName && fits(short, maxNameBytes)) return short;
  return `${cutBytes(short, maxNameBytes - hashBytes)}#${hexadecimal(hashName(raw))}`;
}

/** Any text as a label's value: printable, at most `maxBytes` of UTF-8, cut between characters. */
export function boundedText(raw: string, maxBytes = maxNameBytes): string {
  return cutBytes(printable(raw.slice(0, maxBytes)), maxBytes);
}

/** Which kernels get a distribution of their own. A string may hold `*`, which stands for any characters. */
export interface KernelNameOptions {
  /** Admitted at once, without waiting to prove their weight. */
  readonly allowKernels?: readonly (string | RegExp)[];
  /** Always counted as "other". Wins over `allowKernels`. */
  readonly denyKernels?: readonly (string | RegExp)[];
  /** What executions may take; the first that matches a kernel is its own. */
  readonly objectives?: readonly KernelObjective[];
}

/** A name as exported, and what the options say of it. */
export interface ResolvedName {
  readonly name: string;
  readonly rule: 'allowed' | 'denied' | 'none';
  readonly objective: KernelObjective | undefined;
}

const memoNames = 256;
const memoCharacters = 32_768;

/**
 * Resolves names by the options, which look at a name as given and as exported. Remembers what it resolved, within a
 * bound: a program has few names and calls them often.
 */
export function createNameResolver(options: KernelNameOptions = {}): (raw: string) => ResolvedName {
  const allow = (options.allowKernels ?? []).map(namePattern);
  const deny = (options.denyKernels ?? []).map(namePattern);
  const memo = new Map<string, ResolvedName>();
  let characters = 0;

  return (raw) => {
    const known = memo.get(raw);
    if (known !== undefined) return known;
    const name = normaliseKernelName(raw);
    const matches = (pattern: Matcher) => pattern.test(raw) || pattern.test(name);
    const resolved: ResolvedName = {
      name,
      rule: deny.some(matches) ? 'denied' : allow.some(matches) ? 'allowed' : 'none',
      objective: options.objectives?.find(({ pattern }) => matches(pattern)),
    };
    if (memo.size >= memoNames || characters + raw.length > memoCharacters) {
      memo.clear();
      characters = 0;
    }
    if (raw.length <= longestScanned) {
      memo.set(raw, resolved);
      characters += raw.length;
    }
    return resolved;
  };
}

/** What a name is compared with: a string may hold `*`, which stands for any characters. */
export function namePattern(pattern: string | RegExp): Matcher {
  // Without `g` and `y`, which make `test` depend on the call before.
  if (pattern instanceof RegExp) return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
  return new Glob(pattern);
}

const operator = /operator\s*(?:<=>|<<=|>>=|->\*|<<|>>|<=|>=|->|<|>)/y;

/**
 * A demangled C++ name without its template arguments. `operator<` and its kin are names, not brackets; a `<` that
 * begins a part (`<unnamed>::f`) or is never closed is text.
 */
function cutTemplateArguments(name: string): string {
  if (!name.includes('<')) return name;
  let result = '';
  let i = 0;
  while (i < name.length) {
    operator.lastIndex = i;
    const found = name[i] === 'o' && !/\w$/.test(result.slice(-1)) ? operator.exec(name) : null;
    if (found !== null) {
      result += found[0];
      i = operator.lastIndex;
      continue;
    }
    if (name[i] === '<' && /[^\s:(,]\s*$/.test(result.slice(-2))) {
      const end = templateEnd(name, i);
      if (end === -1) return result + name.slice(i);
      result = result.trimEnd();
      i = end;
      continue;
    }
    result += name[i];
    i += 1;
  }
  return result;
}

const closing: Readonly<Record<string, string>> = { '<': '>', '(': ')', '[': ']', '{': '}' };

/** The place after the `>` that closes the `<` at `open`, or -1. Within parentheses a lone `>` is a comparison. */
function templateEnd(name: string, open: number): number {
  const awaited: string[] = [];
  for (let i = open; i < name.length; i++) {
    const character = name[i] as string;
    const opens = closing[character];
    if (opens !== undefined) awaited.push(opens);
    else if (character === '>') {
      if (name[i - 1] === '-' || awaited.at(-1) !== '>') continue;
      awaited.pop();
    } else if (character === ')' || character === ']' || character === '}') {
      // A `<` left open inside the parentheses was a comparison as well.
      while (awaited.at(-1) === '>' && awaited.includes(character)) awaited.pop();
      if (awaited.at(-1) === character) awaited.pop();
    }
    if (awaited.length === 0) return i + 1;
  }
  return -1;
}

/** Without control characters, line separators and halves of surrogate pairs. */
function printable(text: string): string {
  return text.toWellFormed().replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '\ufffd');
}

function fits(text: string, bytes: number): boolean {
  return text.length * 3 <= bytes || (text.length <= bytes && encoder.encode(text).length <= bytes);
}

/** The beginning of a well-formed text that fits; never half a character. */
function cutBytes(text: string, bytes: number): string {
  if (fits(text, bytes)) return text;
  const { read } = encoder.encodeInto(text, new Uint8Array(bytes));
  return text.slice(0, read);
}

/** FNV-1a of the UTF-16 units, as a signed integer of 32 bits. */
export function hashName(text: string): number {
  let value = 0x811c9dc5 | 0;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value;
}

function hexadecimal(hash: number): string {
  return (hash >>> 0).toString(16).padStart(8, '0');
}
