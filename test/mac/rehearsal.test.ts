/**
 * The test for a Mac, run on the stub and on tools that print what was written by hand: so that whoever has a Mac finds
 * a test that runs. It says nothing about Macs.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scratchFolder } from '../native/compile.ts';
import { lacks } from '../parts.ts';
import { openMetalStub, scenarioFile } from '../stubs/metal/open.ts';

const registryId = 4294968317; // of the scenario

describe.skipIf(lacks('cc'))('npm run test:metal', () => {
  it('passes on a Mac of which all that it is held against is true', () => {
    const folder = scratchFolder();
    const sample = readFileSync(join(import.meta.dirname, 'ioreg-written-by-hand.txt'), 'utf8');
    writeFileSync(join(folder, 'ioreg.txt'), sample.replace('0x100000b1d', `0x${registryId.toString(16)}`));
    const models = { SPDisplaysDataType: [{ sppci_model: 'Apple M1 Pro' }] };
    writeFileSync(join(folder, 'profile.json'), JSON.stringify(models));
    for (const [tool, says] of [
      ['ioreg', `cat ${folder}/ioreg.txt`],
      ['system_profiler', `cat ${folder}/profile.json`],
      ['sw_vers', 'echo 14.5'],
    ]) {
      writeFileSync(join(folder, `${tool}`), `#!/bin/sh\n${says}\n`, { mode: 0o755 });
    }
    const stub = openMetalStub(folder);
    const library = join(folder, 'macos.so');
    copyFileSync(stub.path, library);
    const { status, stdout } = spawnSync(process.execPath, ['--test', 'test/mac/metal.mac.ts'], {
      cwd: join(import.meta.dirname, '../..'),
      encoding: 'utf8',
      env: {
        ...process.env,
        ACCELMETER_METAL_LIBRARY: library,
        METAL_STUB_SCENARIO: scenarioFile('apple-silicon'),
        PATH: `${folder}${delimiter}${process.env.PATH}`,
      },
    });
    expect(stdout).toMatch(/^ℹ pass 11$/m);
    expect(stdout).toMatch(/^ℹ fail 0$/m);
    expect(status).toBe(0);
  });
});
