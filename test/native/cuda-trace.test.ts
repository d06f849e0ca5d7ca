import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildNative } from '../../scripts/build-native.mjs';
import { lacks, requirePart } from '../parts.ts';
import { scratchFolder } from './compile.ts';

const root = join(import.meta.dirname, '../..');
const tracer = 'instrumentation/cuda-trace';

describe.skipIf(lacks('cc'))('the CUDA tracer, between programs and a CUPTI that is a stub', () => {
  it.each(['address,undefined', 'thread'])('tells of each thing once, under -fsanitize=%s', (sanitizers) => {
    const sources = readdirSync(join(root, tracer)).filter((file) => file.endsWith('.c') && file !== 'libraries.c');
    const files = ['test/native/cuda-trace.c', 'instrumentation/native-ring/ring.c'];
    files.push(...sources.map((file) => join(tracer, file)));
    const flags = ['-D_GNU_SOURCE', '-O1', '-g', '-pthread', `-fsanitize=${sanitizers}`, '-fno-sanitize-recover=all'];
    const { status, stdout, stderr } = spawnSync(compile(files, flags), { encoding: 'utf8', timeout: 60_000 });
    expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: '' });
  });

  it('needs, as the OpenCL layer, no C library newer than Node.js itself does', async () => {
    const built = await buildNative({ root });
    const loaded = built.filter(({ name }) => ['accelmeter-opencl-layer', 'accelmeter-cuda-trace'].includes(name));
    for (const { name, file = '', outcome } of loaded) {
      expect(outcome, name).not.toBe('failed');
      // binutils came with the compiler.
      const symbols = execFileSync(join(dirname(requirePart('cc').path), 'objdump'), ['-T', file], {
        encoding: 'utf8',
      });
      const versions = [...symbols.matchAll(/GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor));
      expect(versions.length).toBeGreaterThan(10);
      expect([name, Math.max(...versions)]).toEqual([name, 17]);
    }
  });
});

describe.skipIf(lacks('cc', 'cupti'))('what we know of CUPTI’s records', () => {
  it.each([
    ['11.8', 'bookworm', '18'],
    ['12.4', 'trixie', '22'],
  ])('is what the headers of CUDA %s say', (_, suite, version) => {
    // A header of CUDA's that CUPTI's include as well; its name is not one that a file of ours can have.
    const folder = scratchFolder();
    writeFileSync(join(folder, 'builtin_types.h'), '#include "cuda.h"\n');
    const includes = [folder, 'test/stubs/cuda-headers', join(requirePart('cupti').path, suite, 'usr/include')];
    const program = compile(
      ['test/native/cupti-layout.c'],
      includes.map((include) => `-I${include}`),
    );
    expect(execFileSync(program, { encoding: 'utf8' }).trim()).toBe(version);
  });

  const installed = '/usr/local/cuda/include';
  it.skipIf(!existsSync(join(installed, 'cupti_activity.h')))('is what the headers of the toolkit here say', () => {
    const program = compile(['test/native/cupti-layout.c'], [`-I${installed}`]);
    expect(Number(execFileSync(program, { encoding: 'utf8' }))).toBeGreaterThan(17);
  });
});

/** Compiles a program, without a warning. */
function compile(files: readonly string[], flags: readonly string[]): string {
  const program = join(scratchFolder(), 'program');
  const strict = ['-std=c11', '-Wall', '-Wextra', '-Werror'];
  execFileSync(requirePart('cc').path, [...strict, ...flags, ...files, '-ldl', '-lm', '-o', program], { cwd: root });
  return program;
}
