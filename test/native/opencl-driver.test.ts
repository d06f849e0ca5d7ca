import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lacks, requirePart } from '../parts.ts';
import { scratchFolder } from './compile.ts';

const root = join(import.meta.dirname, '../..');
const layer = 'instrumentation/opencl-layer';

describe.skipIf(lacks('cc'))('the OpenCL layer, between programs and a driver that does all that drivers may', () => {
  it.each(['address,undefined', 'thread'])('follows each command once, under -fsanitize=%s', (sanitizers) => {
    const program = join(scratchFolder(), 'opencl-driver');
    const sources = readdirSync(join(root, layer)).filter((file) => file.endsWith('.c'));
    const flags = ['-std=c11', '-D_GNU_SOURCE', '-O1', '-g', '-pthread', '-Wall', '-Wextra', '-Werror'];
    flags.push(`-fsanitize=${sanitizers}`, '-fno-sanitize-recover=all');
    const files = ['test/native/opencl-driver.c', 'instrumentation/native-ring/ring.c'];
    files.push(...sources.map((file) => join(layer, file)));
    execFileSync(requirePart('cc').path, [...flags, ...files, '-ldl', '-o', program], { cwd: root });
    const { status, stdout, stderr } = spawnSync(program, { encoding: 'utf8', timeout: 60_000 });
    expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: '' });
  });
});
