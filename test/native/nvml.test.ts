/** NVIDIA's own NVML: its header says what we know of it, and its library, without a driver, is told as it is. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildNative } from '../../scripts/build-native.mjs';
import { nvmlCalls } from '../../src/backends/cuda/driver.ts';
import type { Diagnosis } from '../../src/commands/doctor.ts';
import { lacks, requirePart } from '../parts.ts';
import { scratchFolder } from './compile.ts';

const root = new URL('../..', import.meta.url).pathname;

describe.skipIf(lacks('cc', 'nvml-headers'))('the header of NVML', () => {
  const headers = (suite: string) => join(requirePart('nvml-headers').path, suite, 'usr/include');

  it.each([
    ['11', 'bookworm'],
    ['12', 'trixie'],
  ])('of CUDA %s has our layouts, numbers and codes', (version, suite) => {
    const program = join(scratchFolder(), 'layout');
    const flags = ['-std=c11', `-I${headers(suite)}`, 'test/native/nvml-layout.c', '-o', program];
    execFileSync(requirePart('cc').path, flags, { cwd: root });
    expect(execFileSync(program, { encoding: 'utf8' }).trim()).toBe(version);
  });

  it('knows each of our calls by one of its symbols', () => {
    const header = readFileSync(join(headers('trixie'), 'nvml.h'), 'utf8');
    const declared = new Set(Array.from(header.matchAll(/DECLDIR (nvml\w+)\(/g), ([, name]) => name));
    expect(declared.size).toBeGreaterThan(200);
    const unknown = Object.values(nvmlCalls).filter(({ symbols }) => !symbols.some((name) => declared.has(name)));
    // Both came with CUDA 12.9.
    expect(unknown.flatMap(({ symbols }) => symbols)).toEqual([
      'nvmlDeviceGetTemperatureV',
      'nvmlDeviceGetMarginTemperature',
    ]);
  });
});

describe.skipIf(lacks('nvidia-libraries', 'cc'))('the library of NVML without a driver', () => {
  beforeAll(() => buildNative({ root }));

  it('is told as it is, to a user who may make no device files', () => {
    const library = join(requirePart('nvidia-libraries').path, 'libnvidia-ml.so.1');
    const { ACCELMETER_PID, CUDA_INJECTION64_PATH, ...environment } = process.env;
    // As root it makes /dev/nvidiactl, for which other programs would take this machine for one with a driver.
    const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const { stdout, stderr, status } = spawnSync(process.execPath, ['dist/src/cli.js', 'doctor', 'cuda', '--json'], {
      ...nobody,
      cwd: root,
      encoding: 'utf8',
      env: { ...environment, ACCELMETER_NVML_LIBRARY: library },
    });
    expect({ stderr, status }).toEqual({ stderr: '', status: 1 });
    const { backends }: Diagnosis = JSON.parse(stdout);
    expect(backends).toMatchObject([
      { name: 'cuda', present: false, detail: 'NVML: the NVIDIA driver is not loaded', remedy: /modprobe nvidia/ },
    ]);
  });
});
