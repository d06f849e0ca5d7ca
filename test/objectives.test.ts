/** What an operator may allow executions to take, and what is refused. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { Glob } from '../src/glob.ts';
import { checkObjectives } from '../src/objectives.ts';
import { resolveOptions } from '../src/options.ts';
import { createNameResolver } from '../src/profile/kernel-names.ts';

/** The objectives of a kernel in seconds. */
function objectiveOf(kernels: Record<string, object>, name: string) {
  const resolve = createNameResolver({ objectives: checkObjectives({ kernels }) ?? [] });
  const { p95, p99 } = resolve(name).objective ?? {};
  return { p95, p99 };
}

describe('a time', () => {
  it.each([
    ['10ms', 0.01],
    ['20 ms', 0.02],
    ['1.5s', 1.5],
    ['250us', 0.00025],
    ['250µs', 0.00025],
    ['250μs', 0.00025],
    ['800ns', 8e-7],
    ['3600s', 3600],
  ])('%s is %d seconds', (p95, seconds) => {
    expect(objectiveOf({ '*': { p95 } }, 'matmul').p95).toBe(seconds);
  });

  it.each([
    [10, TypeError, /objectives\.kernels\["a"\]\.p95 must be a time with its unit .* not 10/],
    ['10', TypeError, /p95 must be a time with its unit/],
    ['10 min', TypeError, /p95 must be a time with its unit/],
    ['-1ms', TypeError, /p95 must be a time with its unit/],
    ['1e3ms', TypeError, /p95 must be a time with its unit/],
    ['', TypeError, /p95 must be a time with its unit/],
    [null, TypeError, /p95 must be a time with its unit/],
    ['0ms', RangeError, /p95 must be from 1ns to 3600s, not "0ms"/],
    ['3601s', RangeError, /p95 must be from 1ns to 3600s/],
  ])('%j is refused', (p95, kind, message) => {
    const check = () => checkObjectives({ kernels: { a: { p95 } } });
    expect(check).toThrow(kind);
    expect(check).toThrow(message);
  });
});

it.each([
  [{ 'matmul_*': { p95: '10ms' } }, /objectives has an unknown "matmul_\*".*stand under "kernels"/],
  [{ kernels: { a: { p50: '1ms' } } }, /objectives\.kernels\["a"\] has an unknown "p50"; there are p95, p99/],
  [{ kernels: { a: '10ms' } }, /objectives\.kernels\["a"\] must be an object/],
  [{ kernels: { '': {} } }, /empty name/],
  [{ kernels: ['a'] }, /objectives\.kernels must be an object/],
  [{ kernels: { a: { p95: '20ms', p99: '10ms' } } }, /p99 must be no shorter than its p95/],
  [[], /objectives must be an object/],
  ['{}', /objectives must be an object/],
  [{ kernels: Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`k${i}`, {}])) }, /up to 256 names, not 257/],
])('%j is refused with a sentence that names the key', (objectives, message) => {
  expect(() => resolveOptions({ objectives: objectives as object }, {}, () => {})).toThrow(message);
});

describe('of several names that match a kernel', () => {
  const kernels = { '*': { p95: '1s', p99: '2s' }, 'mat*': { p95: '3s' }, matmul: { p95: '4s' }, 'mat*_f16': {} };
  it.each([
    ['softmax', { p95: 1, p99: 2 }],
    ['matvec', { p95: 3, p99: undefined }],
    ['matmul', { p95: 4, p99: undefined }],
    ['matmul_f16', { p95: undefined, p99: undefined }],
  ])('the most specific counts alone: %s', (name, expected) => {
    expect(objectiveOf(kernels, name)).toEqual(expected);
    const sorted = Object.fromEntries(Object.entries(kernels).reverse());
    expect(objectiveOf(sorted, name), 'whatever their order').toEqual(expected);
  });

  it('a name with template arguments is found by what it was and by what it is exported as', () => {
    expect(objectiveOf({ 'gemm<float>': { p95: '1s' } }, 'gemm<float>').p95).toBe(1);
    expect(objectiveOf({ 'gemm#*': { p95: '1s' } }, 'gemm<float>').p95).toBe(1);
  });
});

describe('ACCELMETER_OBJECTIVES', () => {
  const valid = '{ "kernels": { "matmul_*": { "p95": "10ms" } } }';

  const folder = mkdtempSync(join(tmpdir(), 'accelmeter-objectives-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  let files = 0;
  function fileWith(content: string): string {
    const path = join(folder, `${++files}.json`);
    writeFileSync(path, content);
    return path;
  }

  it.each([
    ['JSON', valid],
    ['the path of a file', fileWith(valid)],
  ])('may be %s', (_, text) => {
    const warn = vi.fn();
    const { objectives } = resolveOptions({}, { ACCELMETER_OBJECTIVES: text }, warn);
    expect(objectives).toMatchObject([{ p95: 0.01 }]);
    expect(['matmul_f32', 'f32_matmul_'].map((name) => objectives?.[0]?.pattern.test(name))).toEqual([true, false]);
    expect(warn).not.toHaveBeenCalled();
  });

  it('comes after the option', () => {
    const objectives = { kernels: { '*': { p99: '1s' } } };
    const resolved = resolveOptions({ objectives }, { ACCELMETER_OBJECTIVES: valid }, () => {});
    expect(resolved.objectives).toMatchObject([{ p99: 1 }]);
  });

  it.each([
    ['{ "kernels": ', /^ACCELMETER_OBJECTIVES={ "kernels": is ignored: as JSON: /],
    ['{ "kernels": { "a": { "p95": 10 } } }', /as JSON: objectives\.kernels\["a"\]\.p95 must be a time with its unit/],
    ['/nowhere/objectives.json', /as the path of a file .*ENOENT/],
    [tmpdir(), /as the path of a file .*it is no file/],
    [fileWith(''), /as the path of a file .*JSON/],
    [fileWith('[]'), /as the path of a file .*objectives must be an object/],
    [fileWith(' '.repeat(2 ** 20 + 1)), /as the path of a file .*1048577 bytes/],
  ])('that is of no use is said and ignored: %s', (text, message) => {
    const warn = vi.fn();
    expect(resolveOptions({}, { ACCELMETER_OBJECTIVES: text }, warn).objectives).toEqual([]);
    expect(warn.mock.calls.flat()).toEqual([expect.stringMatching(message)]);
  });

  it('is not quoted whole where it is long', () => {
    const warn = vi.fn();
    for (const text of [`{${' '.repeat(10_000)}`, `/${'x'.repeat(10_000)}`]) {
      resolveOptions({}, { ACCELMETER_OBJECTIVES: text }, warn);
      expect(warn.mock.lastCall?.[0].length).toBeLessThan(300);
    }
    expect(warn).toHaveBeenCalledTimes(2);
  });
});

describe('nothing said', () => {
  const guide = [{ pattern: new Glob('*'), p95: 0.01, p99: 0.02 }];

  it('sets nothing', () => {
    expect(resolveOptions({}, {}, () => {}).objectives).toEqual([]);
  });

  it("sets 10 and 20 ms for every kernel with the guide's rules", () => {
    expect(resolveOptions({ rules: 'guide' }, {}, () => {}).objectives).toEqual(guide);
    expect(resolveOptions({}, { ACCELMETER_RULES: 'guide' }, () => {}).objectives).toEqual(guide);
    const kernels = { matmul: { p95: '1s' } };
    expect(resolveOptions({ rules: 'guide', objectives: { kernels } }, {}, () => {}).objectives).toHaveLength(1);
    expect(resolveOptions({ rules: 'guide', objectives: {} }, {}, () => {}).objectives).toEqual([]);
  });
});
