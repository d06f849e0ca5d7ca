import { existsSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildNative } from '../../scripts/build-native.mjs';
import { lacks } from '../parts.ts';
import { scratchFolder } from './compile.ts';

const root = new URL('../..', import.meta.url).pathname;

describe.skipIf(lacks('cc'))('building the C parts', () => {
  it('builds what is older than its sources, and nothing else', async () => {
    const outDir = scratchFolder();
    const [first] = await buildNative({ root, outDir });
    expect(first).toMatchObject({ name: 'accelmeter-opencl-layer', outcome: 'built' });
    const file = first?.file ?? 'nothing';
    expect(existsSync(file)).toBe(true);
    expect(await buildNative({ root, outDir })).toMatchObject([{ outcome: 'current', file }]);
    utimesSync(file, 0, 0);
    expect(await buildNative({ root, outDir })).toMatchObject([{ outcome: 'built' }]);
    expect(readdirSync(join(file, '..'))).toEqual(['libaccelmeter-opencl-layer.so']);
  });

  it('says why it cannot', async () => {
    const outDir = scratchFolder();
    const missing = await buildNative({ root, outDir, compiler: 'no-such-compiler' });
    expect(missing).toMatchObject([{ outcome: 'failed', reason: /no C compiler: no-such-compiler/ }]);
    expect(await buildNative({ root, outDir, compiler: 'false' })).toMatchObject([{ outcome: 'failed' }]);
  });
});
