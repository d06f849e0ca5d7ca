/** Types in mangled names: builtin, pointers and references, functions, arrays, and classes by their names. */
import { readExpression } from './mangled-expressions.ts';
import { readName, readTemplateArguments } from './mangled-names.ts';
import {
  accept,
  bracketed,
  expect,
  type MangledText,
  NotMangled,
  nested,
  peek,
  plain,
  readAll,
  readNumber,
  readParameter,
  readReference,
  remember,
  type TypeText,
  textOf,
} from './mangled-text.ts';

/** Source: the Itanium C++ ABI, 5.1.5. */
const builtin: Readonly<Record<string, string>> = {
  v: 'void',
  w: 'wchar_t',
  b: 'bool',
  c: 'char',
  a: 'signed char',
  h: 'unsigned char',
  s: 'short',
  t: 'unsigned short',
  i: 'int',
  j: 'unsigned int',
  l: 'long',
  m: 'unsigned long',
  x: 'long long',
  y: 'unsigned long long',
  n: '__int128',
  o: 'unsigned __int128',
  f: 'float',
  d: 'double',
  e: 'long double',
  g: '__float128',
  z: '...',
};

const builtinAfterD: Readonly<Record<string, string>> = {
  n: 'decltype(nullptr)',
  i: 'char32_t',
  s: 'char16_t',
  u: 'char8_t',
  h: 'half',
  a: 'auto',
  c: 'decltype(auto)',
};

export const readTypeText = (m: MangledText): string => textOf(readType(m));

export function readType(m: MangledText): TypeText {
  return nested(m, () => readOne(m));
}

function readOne(m: MangledText): TypeText {
  const character = peek(m);
  const simple = builtin[character];
  if (simple !== undefined) {
    m.at += 1;
    return plain(simple);
  }
  if (/[rVK]/.test(character)) return remember(m, readQualified(m));
  switch (character) {
    case 'P':
    case 'R':
    case 'O':
      m.at += 1;
      return remember(m, pointing(readType(m), { P: '*', R: '&', O: '&&' }[character]));
    case 'F':
      m.at += 1;
      return remember(m, readFunction(m));
    case 'A':
      m.at += 1;
      return remember(m, readArray(m));
    case 'M':
      m.at += 1;
      return remember(m, readMemberPointer(m));
    case 'T':
      m.at += 1;
      return readTemplateParameter(m);
    case 'D':
      return readAfterD(m);
    case 'u':
      m.at += 1;
      return remember(m, plain(readSourceName(m)));
    case 'S':
      return readReferenceOrClass(m);
    default:
      return remember(m, plain(readName(m)));
  }
}

function readQualified(m: MangledText): TypeText {
  let words = '';
  if (accept(m, 'r')) words += ' restrict';
  if (accept(m, 'V')) words += ' volatile';
  if (accept(m, 'K')) words = ` const${words}`;
  const { before, after } = readType(m);
  if (after.startsWith(' (')) return { before, after: after + words }; // of a member function
  return before.endsWith(words) ? { before, after } : { before: before + words, after };
}

/** Of a function or an array what points to it stands in parentheses. References to references collapse. */
function pointing({ before, after }: TypeText, mark: string): TypeText {
  if (mark !== '*' && after === '' && before.endsWith('&')) {
    return plain(mark === '&' ? before.replace(/&+$/, '&') : before);
  }
  if (after === '' || after.startsWith(')')) return { before: before + mark, after };
  return { before: `${before} (${mark}`, after: `)${after.replace(/^ \(/, '(')}` };
}

function readFunction(m: MangledText): TypeText {
  accept(m, 'Y'); // extern "C"
  const result = readType(m);
  const parameters = readAll(m, () => readTypeText(m));
  return { before: textOf(result), after: ` (${parametersText(parameters)})` };
}

export function parametersText(types: readonly string[]): string {
  return types.length === 1 && types[0] === 'void' ? '' : types.filter((type) => type !== '').join(', ');
}

function readArray(m: MangledText): TypeText {
  const size = /\d/.test(peek(m)) ? String(readNumber(m)) : peek(m) === '_' ? '' : readExpression(m);
  expect(m, '_');
  const { before, after } = readType(m);
  return { before, after: ` [${size}]${after.trimStart()}` };
}

function readMemberPointer(m: MangledText): TypeText {
  const owner = readTypeText(m);
  const { before, after } = readType(m);
  if (after === '') return plain(`${before} ${owner}::*`);
  return { before: `${before} (${owner}::*`, after: `)${after.replace(/^ \(/, '(')}` };
}

function readTemplateParameter(m: MangledText): TypeText {
  const parameter = remember(m, plain(readParameter(m)));
  if (peek(m) !== 'I') return parameter;
  return remember(m, plain(textOf(parameter) + bracketed(readTemplateArguments(m))));
}

function readAfterD(m: MangledText): TypeText {
  m.at += 1;
  const character = peek(m);
  m.at += 1;
  if (character === 'p') return remember(m, plain(readPack(m)));
  if (character === 'F') return plain(readFloat(m));
  if (character === 'o') {
    expect(m, 'F');
    const { before, after } = readFunction(m);
    return remember(m, { before, after: `${after} noexcept` });
  }
  if (character === 't' || character === 'T') {
    const expression = readExpression(m);
    expect(m, 'E');
    return remember(m, plain(`decltype (${expression})`));
  }
  const simple = builtinAfterD[character];
  if (simple === undefined) throw new NotMangled('a type');
  return plain(simple);
}

/** `DF16_` is _Float16 and `DF16b` bfloat16. */
function readFloat(m: MangledText): string {
  const bits = readNumber(m);
  if (accept(m, 'b')) return `std::bfloat${bits}_t`;
  expect(m, '_');
  return `_Float${bits}`;
}

/** A pattern once for each element of the pack that it names. */
function readPack(m: MangledText): string {
  const begin = m.at;
  const outer = { index: m.packIndex, length: m.packLength };
  m.packIndex = 0;
  m.packLength = undefined;
  const first = readTypeText(m);
  const { at: end, packLength: length } = m;
  const { length: earlier } = m.earlier;
  const texts = length === 0 ? [] : [first];
  for (let index = 1; index < (length ?? 1); index += 1) {
    m.at = begin;
    m.packIndex = index;
    texts.push(readTypeText(m));
    m.earlier.length = earlier;
  }
  m.at = end;
  m.packIndex = outer.index;
  m.packLength = outer.length;
  return texts.join(', ');
}

/** What `S` begins: a type from before, or a class whose name begins with one or with `std`. */
function readReferenceOrClass(m: MangledText): TypeText {
  if (!/[0-9A-Z_]/.test(peek(m, 1))) return remember(m, plain(readName(m)));
  m.at += 1;
  const earlier = readReference(m);
  if (peek(m) !== 'I') return earlier;
  return remember(m, plain(textOf(earlier) + bracketed(readTemplateArguments(m))));
}

/** An identifier with its length before it. nvcc and gcc name an anonymous namespace by the file that it is in. */
export function readSourceName(m: MangledText): string {
  const length = readNumber(m);
  const name = m.text.slice(m.at, m.at + length);
  if (name.length < length || length === 0) throw new NotMangled('a whole name');
  m.at += length;
  return /^_GLOBAL_[._$]N/.test(name) ? '(anonymous namespace)' : name;
}
