import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundedText, createNameResolver, normaliseKernelName } from '../../src/profile/kernel-names.ts';

const bytes = (text: string) => Buffer.byteLength(text);
const hash = /#[0-9a-f]{8}$/;

describe('an exported kernel name', () => {
  it.each([
    'matmul',
    'ns::scale_add',
    'a<b',
    'vec::operator<',
    'vec::operator<<',
    'vec::operator->',
    'x::operator<=>',
    'größe',
  ])('is the name itself where nothing has to be cut: %s', (name) => {
    expect(normaliseKernelName(name)).toBe(name);
  });

  it.each([
    ['gemm<float>', 'gemm'],
    ['void gemm<tile<4, 8>, half>(half const*, int)', 'void gemm(half const*, int)'],
    ['outer<int>::inner<map<int, list<int>>>::run()', 'outer::inner::run()'],
    ['less_than<(2 > 1), int>()', 'less_than()'],
    ['less_than<(3 > 2 > 1), int>()', 'less_than()'],
    ['f<decltype(a->b)>(int)', 'f(int)'],
    ['f<A<(B<C)>>(x)', 'f(x)'],
    ['vec::operator< <int>(vec const&)', 'vec::operator<(vec const&)'],
    ['vec::operator-><int>()', 'vec::operator->()'],
    ['vec::operator<< <int>(int)', 'vec::operator<<(int)'],
    ['my_operator<int>', 'my_operator'],
    ['ns::{lambda(int)#1}::operator()<float>(float) const', 'ns::{lambda(int)#1}::operator()(float) const'],
    ['<unnamed>::fill<int>(int)', '<unnamed>::fill(int)'],
    ['(anonymous namespace)::fill<int>', '(anonymous namespace)::fill'],
  ])('has no template arguments, and a hash of what it was: %s', (name, expected) => {
    expect(normaliseKernelName(name)).toMatch(hash);
    expect(normaliseKernelName(name).replace(hash, '')).toBe(expected);
  });

  it('tells two kernels apart that differ only in what was cut', () => {
    const long = 'k'.repeat(96);
    const names = ['gemm<float>', 'gemm<double>', 'gemm', `${long}a`, `${long}b`, long, 'a\x01', 'a\x02', 'a'];
    expect(new Set(names.map(normaliseKernelName)).size).toBe(names.length);
  });

  it('is never that of the kernel which stands for all others', () => {
    expect(normaliseKernelName('other')).toMatch(/^other#/);
    expect(normaliseKernelName('other<int>')).toMatch(/^other#/);
    expect(normaliseKernelName('')).not.toBe('');
  });

  it('is at most 96 bytes of whole, printable characters, and the same for the same name', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('<', '>', '(', ')', 'operator<', 'operator', '::', '\ud800', '\u0000', '😀', '->'),
    );
    const name = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(name, (raw) => {
        const exported = normaliseKernelName(raw);
        expect(bytes(exported)).toBeLessThanOrEqual(96);
        expect(exported.isWellFormed()).toBe(true);
        expect(exported).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
        expect(exported).not.toBe('');
        expect(normaliseKernelName(raw)).toBe(exported);
        if (exported !== raw && raw !== '') expect(exported).toMatch(hash);
      }),
      { numRuns: 500 },
    );
  });

  it('of a hostile megabyte is found without stalling', () => {
    const started = performance.now();
    for (const raw of ['<'.repeat(1e6), 'a<('.repeat(3e5), 'operator<'.repeat(1e5), '>'.repeat(1e6)]) {
      expect(bytes(normaliseKernelName(raw))).toBeLessThanOrEqual(96);
    }
    expect(performance.now() - started).toBeLessThan(500);
  });
});

describe('text for a label', () => {
  it('is cut between characters', () => {
    expect(boundedText('😀😀', 7)).toBe('😀');
    expect(boundedText('a\nb')).toBe('a\ufffdb');
    expect(boundedText('é'.repeat(100))).toBe('é'.repeat(48));
  });
});

describe('patterns', () => {
  const ruleOf = (options: Parameters<typeof createNameResolver>[0], raw: string) =>
    createNameResolver(options)(raw).rule;

  it('allow and deny by name, where * stands for anything', () => {
    expect(ruleOf({ denyKernels: ['tune_*'] }, 'tune_17')).toBe('denied');
    expect(ruleOf({ denyKernels: ['tune_*'] }, 'retune_17')).toBe('none');
    expect(ruleOf({ denyKernels: ['a.b'] }, 'axb')).toBe('none');
    expect(ruleOf({ allowKernels: ['*gemm*'] }, 'my_gemm_4')).toBe('allowed');
    expect(ruleOf({ allowKernels: [/^gemm/i] }, 'GEMM')).toBe('allowed');
  });

  it('see a name as it was given and as it is exported', () => {
    expect(ruleOf({ denyKernels: ['gemm<float>'] }, 'gemm<float>')).toBe('denied');
    expect(ruleOf({ denyKernels: [normaliseKernelName('gemm<float>')] }, 'gemm<float>')).toBe('denied');
  });

  it('that deny win over those that allow', () => {
    expect(ruleOf({ allowKernels: ['*'], denyKernels: ['x'] }, 'x')).toBe('denied');
  });

  it('answer the same each time, also with expressions that keep a position', () => {
    const resolve = createNameResolver({ denyKernels: [/k</g] });
    expect(['k<1>', 'k<2>', 'k<3>', 'k<4>'].map((name) => resolve(name).rule)).toEqual(Array(4).fill('denied'));
  });

  it('answer the same after thousands of other names', () => {
    const resolve = createNameResolver({ allowKernels: ['mine'] });
    const before = resolve('mine');
    for (let i = 0; i < 5000; i++) resolve(`name_${i}`);
    expect(resolve('mine')).toEqual(before);
  });
});
