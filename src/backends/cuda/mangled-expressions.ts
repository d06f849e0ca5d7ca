/** Values in mangled names: what templates are given besides types. Those that kernels are found to have. */
import { readFunction, readTemplateArguments } from './mangled-names.ts';
import {
  accept,
  bracketed,
  expect,
  type MangledText,
  NotMangled,
  nested,
  peek,
  readParameter,
} from './mangled-text.ts';
import { readSourceName, readTypeText } from './mangled-types.ts';

/** Source: the Itanium C++ ABI, 5.1.3. */
export const operators: Readonly<Record<string, string>> = {
  nw: 'new',
  na: 'new[]',
  dl: 'delete',
  da: 'delete[]',
  ps: '+',
  ng: '-',
  ad: '&',
  de: '*',
  co: '~',
  pl: '+',
  mi: '-',
  ml: '*',
  dv: '/',
  rm: '%',
  an: '&',
  or: '|',
  eo: '^',
  aS: '=',
  pL: '+=',
  mI: '-=',
  mL: '*=',
  dV: '/=',
  rM: '%=',
  aN: '&=',
  oR: '|=',
  eO: '^=',
  ls: '<<',
  rs: '>>',
  lS: '<<=',
  rS: '>>=',
  eq: '==',
  ne: '!=',
  lt: '<',
  gt: '>',
  le: '<=',
  ge: '>=',
  ss: '<=>',
  nt: '!',
  aa: '&&',
  oo: '||',
  pp: '++',
  mm: '--',
  cm: ',',
  pm: '->*',
  pt: '->',
  cl: '()',
  ix: '[]',
  qu: '?',
};

const unary = new Set(['ps', 'ng', 'ad', 'de', 'co', 'nt']);
const binary = new Set('pl mi ml dv rm an or eo ls rs eq ne lt gt le ge aa oo'.split(' '));

export function readExpression(m: MangledText): string {
  return nested(m, () => {
    if (peek(m) === 'L') return readLiteral(m);
    if (accept(m, 'T')) return readParameter(m);
    if (accept(m, 'sr')) return readScoped(m);
    if (accept(m, 'st')) return `sizeof (${readTypeText(m)})`;
    if (accept(m, 'cv')) return `(${readTypeText(m)})(${readExpression(m)})`;
    if (accept(m, 'qu')) return `(${readExpression(m)})?(${readExpression(m)}) : (${readExpression(m)})`;
    return readOperation(m);
  });
}

function readOperation(m: MangledText): string {
  const code = m.text.slice(m.at, m.at + 2);
  const operator = operators[code];
  if (operator === undefined) throw new NotMangled('an expression');
  m.at += 2;
  if (code === 'ad' && m.text.startsWith('L_Z', m.at)) return `&${readLiteral(m)}`;
  if (unary.has(code)) return `${operator}(${readExpression(m)})`;
  if (!binary.has(code)) throw new NotMangled('an expression');
  const text = `(${readExpression(m)})${operator}(${readExpression(m)})`;
  return operator === '>' ? `(${text})` : text; // else it would close the template's arguments
}

/** A member of a class. */
function readScoped(m: MangledText): string {
  const owner = readTypeText(m);
  const name = readSourceName(m);
  return `${owner}::${name}${peek(m) === 'I' ? bracketed(readTemplateArguments(m)) : ''}`;
}

/** How a number of a type is written: with a suffix, or with the type before it. */
const suffixes: Readonly<Record<string, string>> = { i: '', j: 'u', l: 'l', m: 'ul', x: 'll', y: 'ull' };

export function readLiteral(m: MangledText): string {
  expect(m, 'L');
  if (accept(m, '_Z')) {
    m.within += 1;
    const { name } = readFunction(m);
    m.within -= 1;
    expect(m, 'E');
    return name;
  }
  const code = peek(m);
  const type = readTypeText(m);
  const end = m.text.indexOf('E', m.at);
  const value = m.text.slice(m.at, end);
  if (end === -1 || !/^n?[\da-f]*$/.test(value)) throw new NotMangled('a value');
  m.at = end + 1;
  const number = value.replace(/^n/, '-');
  if (code === 'b' && (number === '0' || number === '1')) return number === '1' ? 'true' : 'false';
  const suffix = suffixes[code];
  if (suffix !== undefined) return number + suffix;
  return `(${type})${/^[defg]$/.test(code) ? `[${number}]` : number}`;
}
