import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildNative } from '../../scripts/build-native.mjs';
import { prebuiltLibrary } from '../../src/native/prebuilt.ts';
import { compileLibrary, scratchFolder } from '../native/compile.ts';
import { lacks, requirePart } from '../parts.ts';
import { kernels, lost, type RunOptions, runScenario } from './opencl-program.ts';

const root = join(import.meta.dirname, '../..');
const folder = scratchFolder();

/** Runs with the loader at this path for the system's: both have the same name, so that any program finds it. */
const under =
  (loader: string) =>
  (scenario: string, options: Partial<RunOptions> = {}) =>
    runScenario<number>(scenario, {
      folder,
      ...options,
      environment: { LD_LIBRARY_PATH: dirname(loader), ...options.environment },
    });

beforeAll(async () => {
  if (!lacks('cc')) await buildNative({ root });
});

describe.each([
  ['ocl-icd', 'pocl' as const],
  ['Khronos’ loader', 'khronos' as const],
])('under %s', (_, part) => {
  describe.skipIf(lacks('pocl', 'cc', part))('a program', () => {
    const run = under(lacks(part) ? '' : requirePart(part).path);

    it('is traced', async () => {
      const { result, observed } = await run('several');
      expect(kernels(observed, 'add').length).toBe(result);
      expect([lost(observed), observed.ring.inFlight]).toEqual([0, 0]);
    });

    it.each([
      ['nearer to the program', 'OPENCL_LAYERS'],
      ['nearer to the driver', 'BENEATH'],
    ])('is seen by another layer as well, that stands %s', async (__, variable) => {
      const library = compileLibrary('test/stubs/counting-layer.c', folder);
      const counted = join(folder, `counted-${part}-${variable}`);
      const { observed } = await run('ownTimings', { environment: { [variable]: library, COUNTED: counted } });
      expect(readFileSync(counted, 'utf8')).toBe('400');
      expect(kernels(observed).length).toBe(400);
      expect(lost(observed)).toBe(0);
    });

    it.each([
      ['loads', undefined],
      ['loaded before us, and had not used', 'opencl-addon-loaded.mjs'],
    ])('is traced in an addon that it %s', async (__, before) => {
      const environment = { ADDON: buildAddon(requirePart(part).path) };
      const options = { environment, program: 'opencl-addon.mjs', ...(before !== undefined && { before }) };
      const { result, observed } = await run('run', options);
      expect(result).toBe(25);
      expect(kernels(observed, 'of_an_addon').length).toBe(25);
      expect(lost(observed)).toBe(0);
    });
  });
});

describe.skipIf(lacks('pocl', 'cc'))('under a stub of the loader that begins layers with properties', () => {
  it('a program is traced, and the layer stays when the loader has ended it', async () => {
    const environment = {
      ARM: 'without a loader',
      STUB_LOADER: compileLibrary('test/stubs/khronos-loader.c', folder),
      LAYER: prebuiltLibrary('accelmeter-opencl-layer') ?? 'not built',
    };
    const { result, observed } = await runScenario<number>('stubLoader', { folder, environment });
    expect(result).toBe(20);
    expect(kernels(observed, 'under_the_stub').length).toBe(20);
    expect(observed.ring).toMatchObject({ state: 'armed', inFlight: 0 });
  });
});

/** Compiles the addon as npm packages do, linked with the loader at this path. */
function buildAddon(loader: string): string {
  const output = join(folder, 'addon.node');
  const headers = join(dirname(fileURLToPath(import.meta.resolve('node-api-headers'))), 'include');
  const source = 'test/programs/opencl-addon.c';
  execFileSync(requirePart('cc').path, ['-shared', '-fPIC', `-I${headers}`, source, loader, '-o', output], {
    cwd: root,
  });
  return output;
}
