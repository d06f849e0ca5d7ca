import { existsSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildNative } from '../../scripts/build-native.mjs';
import { lacks } from '../parts.ts';
import { scratchFolder } from './compile.ts';

const root = new URL('../..', import.meta.url).pathname;

describe.skipIf(lacks('cc'))('building the C parts', () => {
  const names = ['accelmeter-opencl-layer', 'accelmeter-cuda-trace', 'accelmeter-driver-process'];
  const files = ['accelmeter-driver-process', 'libaccelmeter-cuda-trace.so', 'libaccelmeter-opencl-layer.so'];

  it('builds what is older than its sources, and nothing else', async () => {
    const outDir = scratchFolder();
    const built = await buildNative({ root, outDir });
    expect(built.map(({ name, outcome }) => [name, outcome])).toEqual(names.map((name) => [name, 'built']));
    const paths = built.map(({ file = 'nothing' }) => file);
    expect(paths.every((file) => existsSync(file))).toBe(true);
    expect(await outcomes(outDir)).toEqual(['current', 'current', 'current']);
    utimesSync(paths[0] ?? '', 0, 0);
    expect(await outcomes(outDir)).toEqual(['built', 'current', 'current']);
    expect(readdirSync(join(paths[0] ?? '', '..')).sort()).toEqual(files);
  });

  it('says why it cannot', async () => {
    const outDir = scratchFolder();
    for (const { outcome, reason } of await buildNative({ root, outDir, compiler: 'no-such-compiler' })) {
      expect(outcome).toBe('failed');
      expect(reason).toMatch(/no C compiler: no-such-compiler/);
    }
    expect(await outcomes(outDir, 'false')).toEqual(['failed', 'failed', 'failed']);
  });

  const outcomes = async (outDir: string, compiler?: string) =>
    (await buildNative({ root, outDir, ...(compiler && { compiler }) })).map(({ outcome }) => outcome);
});
