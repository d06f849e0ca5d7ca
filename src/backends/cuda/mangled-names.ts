/** Names in mangled names: of namespaces, classes, functions, operators, lambdas, and their template arguments. */
import { operators, readExpression, readLiteral } from './mangled-expressions.ts';
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
  readIndex,
  readNumber,
  readParameter,
  readReference,
  remember,
  type TemplateArgument,
  textOf,
} from './mangled-text.ts';
import { parametersText, readSourceName, readType, readTypeText } from './mangled-types.ts';

const abbreviations: Readonly<Record<string, string>> = {
  a: 'std::allocator',
  b: 'std::basic_string',
  s: 'std::string',
  i: 'std::istream',
  o: 'std::ostream',
  d: 'std::iostream',
};

/** A function and its parameters, such as one that a lambda is within. What stands after it is not touched. */
export function readFunction(m: MangledText): { readonly name: string; readonly signature: string } {
  const outer = m.templateArguments;
  m.templateArguments = [];
  const { name, isTemplate, qualifiers, templateArguments } = readNameParts(m);
  m.templateArguments = templateArguments;
  let signature = '';
  if (!/^[E.]?$/.test(peek(m))) {
    if (isTemplate && !isStructor(name)) readType(m); // what it gives: a template's name has it, another's has not
    const parameters: string[] = [];
    while (!/^[E.]?$/.test(peek(m))) parameters.push(readTypeText(m));
    signature = `(${parametersText(parameters)})`;
  }
  m.templateArguments = outer;
  return { name, signature: signature + qualifiers };
}

/** The kernel's own name: the first of what stands in `_Z…`. Its parameters are not looked at. */
export function readName(m: MangledText): string {
  return readNameParts(m).name;
}

interface NameParts {
  readonly name: string;
  /** Whether it ends in template arguments. */
  readonly isTemplate: boolean;
  /** The last that stand in it: what `T_` is in its signature. */
  readonly templateArguments: readonly TemplateArgument[];
  /** Of a member function. */
  readonly qualifiers: string;
}

const untemplated = { isTemplate: false, templateArguments: [], qualifiers: '' } as const;

/** Constructors, destructors and conversions say nothing of what they give. */
const isStructor = (name: string) => /(?:^|::)(?:~\w+|operator [\w:]+.*)(?:<.*>)?$/.test(name);

function readNameParts(m: MangledText): NameParts {
  return nested(m, () => {
    if (peek(m) === 'N') return readNested(m);
    if (peek(m) === 'Z') return { ...untemplated, name: readLocal(m) };
    let name: string;
    if (peek(m) === 'S' && peek(m, 1) !== 't') {
      m.at += 1;
      const abbreviation = abbreviations[peek(m)];
      if (abbreviation !== undefined) m.at += 1;
      name = abbreviation ?? textOf(readReference(m));
      if (peek(m) !== 'I') return { ...untemplated, name };
    } else {
      name = (accept(m, 'St') ? 'std::' : '') + readUnqualified(m, '');
      if (peek(m) !== 'I') return { ...untemplated, name };
      remember(m, plain(name));
    }
    if (m.within === 0) m.known ??= { name, at: m.at };
    const templateArguments = readTemplateArguments(m);
    return { name: name + bracketed(templateArguments), isTemplate: true, templateArguments, qualifiers: '' };
  });
}

/** `N…E`: each part within the one before. */
function readNested(m: MangledText): NameParts {
  expect(m, 'N');
  let qualifiers = '';
  if (accept(m, 'r')) qualifiers = ' restrict';
  if (accept(m, 'V')) qualifiers = ` volatile${qualifiers}`;
  if (accept(m, 'K')) qualifiers = ` const${qualifiers}`;
  if (accept(m, 'R')) qualifiers += ' &';
  else if (accept(m, 'O')) qualifiers += ' &&';
  let name = '';
  let last = '';
  let isTemplate = false;
  let templateArguments: readonly TemplateArgument[] = [];
  const top = m.within === 0 && m.depth === 1;
  while (!accept(m, 'E')) {
    if (peek(m) === 'I') {
      // Of the kernel's own name the last arguments count: what is before them is read already.
      if (top) m.known = { name, at: m.at };
      templateArguments = readTemplateArguments(m);
      name += bracketed(templateArguments);
      isTemplate = true;
    } else {
      const part = readPart(m, name, last);
      name = part.name;
      last = part.last;
      isTemplate = false;
      if (!part.isNew) continue;
    }
    if (peek(m) !== 'E') remember(m, plain(name));
  }
  if (name === '') throw new NotMangled('a name');
  return { name, isTemplate, templateArguments, qualifiers };
}

interface Part {
  readonly name: string;
  readonly last: string;
  /** False for what later parts refer to already. */
  readonly isNew: boolean;
}

function readPart(m: MangledText, name: string, last: string): Part {
  if (name === '') {
    if (accept(m, 'St')) return { name: 'std', last: 'std', isNew: false };
    if (peek(m) === 'S') {
      m.at += 1;
      const abbreviation = abbreviations[peek(m)];
      if (abbreviation !== undefined) m.at += 1;
      const earlier = abbreviation ?? textOf(readReference(m));
      return { name: earlier, last: lastOf(earlier), isNew: false };
    }
    if (accept(m, 'T')) {
      const parameter = readParameter(m);
      return { name: parameter, last: lastOf(parameter), isNew: true };
    }
    if (peek(m) === 'D' && /[tT]/.test(peek(m, 1))) return { name: readTypeText(m), last: '', isNew: false };
  }
  const part = readUnqualified(m, last);
  return { name: name === '' ? part : `${name}::${part}`, last: part.replace(/\[.*$/, ''), isNew: true };
}

/** The last part of a name, without its template arguments: what its constructor is called. */
function lastOf(name: string): string {
  let depth = 0;
  for (let i = name.length - 1; i > 0; i -= 1) {
    if (name[i] === '>') depth += 1;
    else if (name[i] === '<') depth -= 1;
    else if (depth === 0 && name[i] === ':') return lastOf(name.slice(i + 1));
  }
  return name.replace(/<.*$/, '');
}

/** One part; `owner` is the class of a constructor. */
function readUnqualified(m: MangledText, owner: string): string {
  accept(m, 'L'); // with internal linkage
  const name = readBare(m, owner);
  let tags = '';
  while (accept(m, 'B')) tags += `[abi:${readSourceName(m)}]`;
  return name + tags;
}

function readBare(m: MangledText, owner: string): string {
  const character = peek(m);
  if (/\d/.test(character)) return readSourceName(m);
  if (character === 'U') return readUnnamed(m);
  if (/^[CD]$/.test(character) && /[0-5]/.test(peek(m, 1))) {
    m.at += 2;
    return character === 'C' ? owner : `~${owner}`;
  }
  if (accept(m, 'cv')) return `operator ${readTypeText(m)}`;
  const operator = operators[m.text.slice(m.at, m.at + 2)];
  if (operator === undefined) throw new NotMangled('a name');
  m.at += 2;
  return `operator${/^\w/.test(operator) ? ' ' : ''}${operator}`;
}

/** A lambda, by its parameters and its number in its function; or a type without a name. */
function readUnnamed(m: MangledText): string {
  if (accept(m, 'Ut')) {
    const number = readIndex(m) + 1;
    remember(m, plain(`{unnamed type#${number}}`));
    return `{unnamed type#${number}}`;
  }
  expect(m, 'Ul');
  const outer = m.inLambda;
  m.inLambda = true;
  const types = readAll(m, () => readTypeText(m));
  m.inLambda = outer;
  const number = readIndex(m) + 1;
  return `{lambda(${parametersText(types)})#${number}}`;
}

/** `Z…E…`: what is local to a function. */
function readLocal(m: MangledText): string {
  expect(m, 'Z');
  m.within += 1;
  const { name: around, signature } = readFunction(m);
  expect(m, 'E');
  let name = 'string literal';
  if (!accept(m, 's')) {
    if (accept(m, 'd')) readIndex(m); // of a default argument
    name = readName(m);
  }
  m.within -= 1;
  skipDiscriminator(m);
  return `${around}${signature}::${name}`;
}

function skipDiscriminator(m: MangledText): void {
  if (accept(m, '__')) {
    readNumber(m);
    expect(m, '_');
  } else if (peek(m) === '_' && /\d/.test(peek(m, 1))) {
    m.at += 2;
  }
}

export function readTemplateArguments(m: MangledText): TemplateArgument[] {
  expect(m, 'I');
  m.within += 1; // what stands in them is not the kernel's own name
  const list = nested(m, () => readAll(m, () => readArgument(m)));
  m.within -= 1;
  return list;
}

function readArgument(m: MangledText): TemplateArgument {
  if (peek(m) === 'L') return readLiteral(m);
  if (accept(m, 'X')) {
    const expression = readExpression(m);
    expect(m, 'E');
    return expression;
  }
  if (accept(m, 'J')) return readAll(m, () => readArgument(m)).flat();
  return readTypeText(m);
}
