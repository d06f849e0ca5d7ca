import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ProbeError } from '../../src/errors.ts';
import { type CallTable, isAbsent, openLibrary } from '../../src/ffi.ts';
import { lacks } from '../parts.ts';
import { compileLibrary, scratchFolder } from './compile.ts';

const calls = {
  drain: { symbols: ['accelmeter_ring_drain_v2', 'accelmeter_ring_drain'], takes: ['memory', 'u32'], gives: 'u32' },
  missing: { symbols: ['accelmeter_ring_explode'], takes: [], gives: 'void' },
} as const satisfies CallTable;

describe.skipIf(lacks('cc'))('a library', () => {
  const folder = scratchFolder();
  const library = lacks('cc') ? '' : compileLibrary('test/native/producer.c', folder);
  const opening = (...names: string[]) => thrownBy(() => openLibrary(calls, { names, remedy: 'buy one' }));

  it('is bound by the newest symbol that it has', () => {
    expect(openLibrary(calls, { names: ['libnowhere.so.1', library] }).drain(new Float64Array(7), 1)).toBe(0);
  });

  it('lacks a call: unsupported, when it is called', () => {
    const bound = openLibrary(calls, { names: [library] });
    expect(thrownBy(() => bound.missing())).toMatchObject({ kind: 'unsupported', message: /explode/ });
  });

  it('is not there: absent, with the remedy', () => {
    expect(opening('libnowhere.so.1', join(folder, 'nowhere.so'))).toMatchObject({ kind: 'absent', remedy: 'buy one' });
  });

  it('is cut short, of another architecture or not a library: broken, in the system’s words', () => {
    const cut = join(folder, 'cut.so');
    copyFileSync(library, cut);
    truncateSync(cut, 40);
    const foreign = join(folder, 'foreign.so');
    const bytes = readFileSync(library);
    bytes.writeUInt16LE(243, 18); // e_machine: RISC-V
    writeFileSync(foreign, bytes);
    const text = join(folder, 'text.so');
    writeFileSync(text, 'GROUP ( libm.so.6 )');
    for (const file of [cut, foreign, text]) {
      const error = opening(file);
      expect(error.kind).toBe('broken');
      expect(error.message.length).toBeGreaterThan(`${file} cannot be loaded: `.length);
    }
  });

  it('takes and gives structures by value, and whole numbers that a number cannot hold', () => {
    const three = { a: 'u64', b: 'u64', c: 'u64' } as const;
    const byValue = {
      turned: { symbols: ['by_value_turned'], takes: [three], gives: three },
      sum: { symbols: ['by_value_sum'], takes: ['u8', three, 'f64'], gives: 'f64' },
      greatest: { symbols: ['by_value_greatest'], takes: [], gives: 'u64' },
      negative: { symbols: ['by_value_negative'], takes: ['i64'], gives: 'i64' },
      flag: { symbols: ['by_value_flag'], takes: [], gives: 'u8' },
    } as const satisfies CallTable;
    const bound = openLibrary(byValue, { names: [compileLibrary('test/native/by-value.c', folder)] });
    expect(bound.turned({ a: 1, b: 2n, c: 3 })).toEqual({ a: 3, b: 1, c: 2 });
    expect(bound.sum(7, { a: 1, b: 2, c: 3 }, 0.5)).toBe(24.5);
    expect(bound.greatest()).toBe(2n ** 64n - 1n);
    expect(bound.negative(5)).toBe(-5);
    expect(bound.flag()).toBe(16);
    // @ts-expect-error a structure has all its members
    expect(bound.turned({ a: 1, b: 2 })).toEqual({ a: 0, b: 1, c: 2 });
  });

  it('costs nothing until one is opened: koffi is not loaded by importing ffi.ts', () => {
    const ffi = JSON.stringify(join(import.meta.dirname, '../../src/ffi.ts'));
    const script = `import(${ffi}).then(() => console.log(process.report.getReport().sharedObjects.join()))`;
    expect(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })).not.toContain('koffi');
  });
});

describe('a name that the system searched itself', () => {
  const tried = (...paths: string[]) => new Error(`dlopen(libx.dylib, 0x0001): tried: ${paths.join(', ')}`);
  const nowhere = "'/usr/lib/libx.dylib' (no such file, not in dyld cache)";

  // macOS' words are as others have published them: none of them was said to us.
  it.each([
    ['glibc', new Error('libx.so: cannot open shared object file: No such file or directory'), true],
    ['glibc', new Error('libx.so: file too short'), false],
    ['Windows', new Error('The specified module could not be found.'), true],
    ['macOS', tried("'libx.dylib' (no such file)", nowhere), true],
    [
      'macOS',
      tried(
        "'/usr/local/lib/libx.dylib' (mach-o file, but is an incompatible architecture (have 'x86_64', need 'arm64'))",
        nowhere,
      ),
      false,
    ],
    ['macOS', new Error(`Library not loaded: liby.dylib, Reason: tried: ${nowhere}`), false],
  ])('is absent or broken by its words: %s', (_, error, absent) => {
    expect(isAbsent('libx', error)).toBe(absent);
  });
});

function thrownBy(call: () => unknown): ProbeError {
  try {
    call();
  } catch (error) {
    if (error instanceof ProbeError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
