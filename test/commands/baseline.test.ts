/** `accelmeter baseline`, as a person types it, and what it prints in terminals of different widths. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { compareDevices } from '../../src/baseline/comparison.ts';
import { loadBaseline } from '../../src/baseline/file.ts';
import { describe as describeComparison } from '../../src/commands/baseline.ts';
import { baseline, described, steady } from '../baseline/samples.ts';
import { runNode } from '../child.ts';
import { lacks } from '../parts.ts';
import { gpu } from '../profiler-state.ts';

const folder = mkdtempSync(join(tmpdir(), 'accelmeter-test-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string) => join(folder, name);

const accelmeter = (...args: string[]) => runNode(['dist/src/cli.js', 'baseline', ...args]);
const nowhere = { ACCELMETER_OPENCL_LIBRARY: '/nowhere/libOpenCL.so.1' };
/** A program with a kernel on the CPU that takes so many milliseconds, as often as that. */
const program = (milliseconds: number, times = 20, kernel = 'spin') => [
  '--',
  'node',
  '--input-type=module',
  '-e',
  `const cpu = globalThis[Symbol.for('accelmeter')].devices.find(({ backend }) => backend === 'cpu');
   for (let i = 0; i < ${times}; i++) cpu.kernel('${kernel}').record(${milliseconds / 1000});
   console.log('what the program prints');`,
];

describe('of a program', () => {
  it('is saved, and another run of the same is no slower', async () => {
    const file = path('program.json');
    const saved = await accelmeter('save', file, ...program(10));
    expect(saved).toMatchObject({ code: 0, stdout: `${file}: 20 executions of 1 kernel on 1 device\n` });
    expect(saved.stderr).toContain('what the program prints\n');
    const { code, stdout } = await accelmeter('compare', file, ...program(11));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ spin +10\.0 ms +11\.0 ms +-10\.0% .* same$/m);
    expect(stdout).toContain('No kernel is slower by more than 20 %.\n');
  });

  it('fails the command where a kernel has become slower than the threshold allows', async () => {
    const file = path('slower.json');
    await accelmeter('save', file, ...program(10));
    const { code, stdout } = await accelmeter('compare', file, ...program(13));
    expect(code).toBe(1);
    expect(stdout).toMatch(/^ spin .* -30\.0% .* slower$/m);
    expect((await accelmeter('compare', file, '--threshold', '40', ...program(13))).code).toBe(0);
  });

  it('says it as JSON too, and stdout is nothing but that', async () => {
    const file = path('json.json');
    await accelmeter('save', file, ...program(10));
    const { code, stdout } = await accelmeter('compare', file, '--json', ...program(5));
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      regressed: false,
      thresholdPercent: 20,
      devices: [
        { matchedBy: 'id', kernels: [{ kernel: 'spin', improvementPercent: expect.closeTo(50), verdict: 'faster' }] },
      ],
    });
  });

  it('is not written over a file that is none, and the program is not run', async () => {
    const file = path('program.mjs');
    writeFileSync(file, "console.error('ran')");
    const { code, stderr } = await accelmeter('save', file, ...program(10));
    expect(code).toBe(1);
    expect(stderr).toBe(`accelmeter: ${file} is there and is no baseline: it is not written over\n`);
    expect(readFileSync(file, 'utf8')).toBe("console.error('ran')");
  });

  it('that could not be written is said before the program runs', async () => {
    const { code, stderr } = await accelmeter('save', path('nowhere/kernels.json'), ...program(10));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^accelmeter: the baseline could not be written: ENOENT/);
  });

  it.each([
    ['fails', ['--', 'node', '-e', 'process.exit(3)'], 'the program ended with 3: what it did is no measure'],
    [
      'computes nothing',
      ['--', 'node', '-e', '0'],
      'no kernel was seen: there is nothing to keep; a program that records its own does so with registeredProfiler()',
    ],
    [
      'is no Node.js',
      ['--', 'true'],
      'no report; the program was not Node.js, was ended by force, or has accelmeter off',
    ],
    ['is not there', ['--', 'no-such-program'], 'no-such-program could not be run: spawn no-such-program ENOENT'],
  ])('that %s is refused, and nothing is written', async (_, command, message) => {
    const file = path('refused.json');
    const { code, stderr } = await accelmeter('save', file, ...command);
    expect(code).toBe(1);
    expect(stderr).toBe(`accelmeter: ${message}\n`);
    expect(existsSync(file)).toBe(false);
  });

  it('of several processes is that of the one that computed most', async () => {
    const file = path('processes.json');
    const [, , , , small = ''] = program(1);
    const [, , , , large = ''] = program(30);
    const parent = `import { spawnSync } from 'node:child_process';
      for (const code of ${JSON.stringify([small, large])}) {
        spawnSync(process.execPath, ['--input-type=module', '-e', code], { stdio: 'inherit' });
      }`;
    const { code, stderr } = await accelmeter('save', file, '--', 'node', '--input-type=module', '-e', parent);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^accelmeter: 2 processes computed; measured is the one that did most, pid \d+$/m);
    const [device] = (await loadBaseline(file)).devices;
    expect(device?.kernels[0]?.averageExecutionTimeMs).toBeCloseTo(30);
  });

  it.skipIf(lacks('pocl'))('that computes with OpenCL is measured whole', async () => {
    const file = path('opencl.json');
    const { code, stderr } = await accelmeter('save', file, '--', 'node', 'examples/opencl.mjs', '0.5');
    expect(code).toBe(0);
    const rounds = Number(/^(\d+) rounds$/m.exec(stderr)?.[1]);
    const [device] = (await loadBaseline(file)).devices;
    expect(device?.kernels.map(({ kernel, totalExecutions }) => [kernel, totalExecutions])).toEqual([
      ['matmul_128', rounds],
      ['vector_add', 4 * rounds],
    ]);
    expect(device?.bandwidthMBps).toBeGreaterThan(0);
  });
});

it('without a program is of the built-in workload, on what there is', async () => {
  const file = path('built-in.json');
  const run = (...args: string[]) => runNode(['dist/src/cli.js', 'baseline', ...args, '--for', '0.3'], nowhere);
  expect((await run('save', file)).code).toBe(0);
  const { stdout } = await run('compare', file, '--json', '--threshold', '1000');
  expect(JSON.parse(stdout)).toMatchObject({ devices: [{ backendType: 'cpu', kernels: [{ kernel: 'matmul_256' }] }] });
});

describe('what is no baseline to compare with is one line and exit code 1:', () => {
  const saved = path('good.json');

  it.each([
    ['a file that is not there', path('none.json'), undefined, /^accelmeter: there is no baseline at .+none\.json\n$/],
    ['a folder', folder, undefined, /could not be read: EISDIR/],
    ['an empty file', path('empty.json'), '', /empty\.json: the file is empty\n$/],
    ['a truncated file', path('half.json'), '{"kind": "accelmeter-baseline", "for', /cut off/],
    ['another version', path('next.json'), '{"kind":"accelmeter-baseline","formatVersion":2}', /reads 1: save it anew/],
    ['a program with other kernels', saved, JSON.stringify(baseline({ k: [1] })), /no kernel in common/],
  ])('%s', async (_, file, content, message) => {
    if (content !== undefined) writeFileSync(file, content);
    const { code, stdout, stderr } = await accelmeter('compare', file, ...program(1));
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.replace('what the program prints\n', '')).toMatch(message);
  });

  it('a file with control characters of a terminal, which do not reach it', async () => {
    const title = '\u001b]0;title\u0007';
    const file = path('escape.json');
    writeFileSync(file, JSON.stringify(baseline({ [title]: [1] }, { ...gpu, name: title })));
    const { code, stderr } = await accelmeter('compare', file, ...program(1));
    expect(code).toBe(1);
    expect(stderr).toContain('·]0;title·');
    expect(stderr).not.toContain('\u001b');
  });

  it('a file that cannot be written', async () => {
    const { code, stderr } = await accelmeter('save', path('none/x.json'), ...program(1));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^accelmeter: the baseline could not be written: ENOENT/m);
  });

  it('the file that was there stays as it was where the new run is refused', async () => {
    const file = path('kept.json');
    writeFileSync(file, 'kept');
    await accelmeter('save', file, '--', 'node', '-e', 'process.exit(1)');
    expect(readFileSync(file, 'utf8')).toBe('kept');
  });
});

describe('in a terminal', () => {
  const long = 'a_kernel_with_a_name_that_is_too_long_for_any_table';
  const before = baseline({ [long]: steady(0.0123, 200), gone: steady(1) }, { ...gpu, id: 'another host' });
  const now = described({ [long]: steady(0.0456, 200), new: steady(1) });
  const text = (width: number) => stripVTControlCharacters(describeComparison(compareDevices(before, now), width));

  it.each([60, 80, 120])('of %i columns it fits', (width) => {
    const longest = Math.max(
      ...text(width)
        .split('\n')
        .map(({ length }) => length),
    );
    expect(longest).toBeLessThanOrEqual(width);
  });

  it('whatever the file has for texts, only what can be printed is', () => {
    const title = '\u001b]0;title\u0007';
    const texts = { date: title, host: title, nodeVersion: title, accelmeterVersion: title };
    const comparison = compareDevices({ ...before, ...texts }, now);
    expect(describeComparison(comparison, 80)).not.toContain(title);
  });

  it('says which device was taken for which, what is new and what is gone, and how it ends', () => {
    expect(text(80)).toContain('another id, the same name: taken for the same device');
    expect(text(80)).toMatch(/^ new: new$/m);
    expect(text(80)).toMatch(/^ gone: gone$/m);
    expect(text(80)).toMatch(/Slower by more than 20 %, or failing: 1\n$/);
  });
});
