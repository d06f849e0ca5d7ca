/**
 * Names of kernels as they stand in the source: nvcc mangles those of C++ by the Itanium ABI. Given is the name with its
 * template arguments and without what it gives and takes, as `c++filt -p` prints it; a pure function.
 *
 * No package was found that does this and is kept up; compilers' demanglers are C++ libraries, which a process need
 * not have.
 */
import { readName } from './mangled-names.ts';
import { accept, type MangledText, mangledText, NotMangled } from './mangled-text.ts';

/**
 * A name that is not mangled is given as it is. Of one that is not wholly understood, or that was cut as too long, what
 * was read is given with the rest in brackets, where template arguments stand: it is then short and readable where
 * those are left out, and two kernels stay two.
 */
export function demangle(mangled: string): string {
  const m = mangledText(mangled);
  if (!accept(m, '_Z')) return mangled;
  try {
    return readName(m);
  } catch (error) {
    if (!(error instanceof NotMangled)) throw error;
    return asFarAsKnown(m);
  }
}

function asFarAsKnown({ text, known }: MangledText): string {
  return known === undefined ? text : `${known.name}<${text.slice(known.at)}>`;
}

/** Names that are remembered: as many as the tracer's table holds. */
const memoNames = 4096;

/** Demangles, and remembers what came of it: a program has few kernels and runs them often. */
export function createDemangler(): (mangled: string) => string {
  const memo = new Map<string, string>();
  return (mangled) => {
    const known = memo.get(mangled);
    if (known !== undefined) return known;
    const name = demangle(mangled);
    if (memo.size >= memoNames) memo.clear();
    memo.set(mangled, name);
    return name;
  };
}
