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
import { openMetalStub, type Scenario, scenarioFile } from '../stubs/metal/open.ts';

interface Rehearsed {
  readonly scenario: Scenario;
  /** What ioreg prints. */
  readonly ioreg: string;
  readonly models: readonly string[];
  readonly version: string;
  readonly isVirtual?: boolean;
  readonly skipped?: number;
}

const sample = readFileSync(join(import.meta.dirname, 'ioreg-written-by-hand.txt'), 'utf8');
const service = (id: number, statistics: string) =>
  `+-o SomeAccelerator  <class SomeAccelerator, id 0x${id.toString(16)}, registered, matched, active>\n` +
  `    {\n      "PerformanceStatistics" = {${statistics}}\n    }\n`;

/** Macs of which all is true that the test is held against. */
const macs: readonly Rehearsed[] = [
  {
    scenario: 'apple-silicon',
    ioreg: sample.replace('0x100000b1d', `0x${(4294968317).toString(16)}`),
    models: ['Apple M1 Pro'],
    version: '14.5',
  },
  {
    scenario: 'intel',
    ioreg: [
      service(4294968001, '"Device Utilization %"=3,"In use system memory"=100000000'),
      service(4294968002, '"Device Utilization %"=80,"vramUsedBytes"=3000000000'),
      service(4294968003, '"GPU Activity(%)"=12,"inUseVidMemoryBytes"=50000000'),
    ].join(''),
    models: ['Intel UHD Graphics 630', 'AMD Radeon Pro 5500M', 'AMD Radeon RX 580'],
    version: '13.6.1',
  },
  {
    scenario: 'no-statistics',
    ioreg: '',
    models: ['Apple Paravirtual device'],
    version: '15.0',
    isVirtual: true,
    skipped: 2,
  },
];

describe.skipIf(lacks('cc'))('npm run test:metal', () => {
  it.each(macs)('passes on a Mac of which all that it is held against is true: $scenario', (mac) => {
    const folder = scratchFolder();
    writeFileSync(join(folder, 'ioreg.txt'), mac.ioreg);
    const models = { SPDisplaysDataType: mac.models.map((name) => ({ sppci_model: name })) };
    writeFileSync(join(folder, 'profile.json'), JSON.stringify(models));
    for (const [tool, says] of [
      ['ioreg', `cat ${folder}/ioreg.txt`],
      ['system_profiler', `cat ${folder}/profile.json`],
      ['sw_vers', `echo ${mac.version}`],
      ['sysctl', `echo ${mac.isVirtual ? 1 : 0}`],
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
        METAL_STUB_SCENARIO: scenarioFile(mac.scenario),
        PATH: `${folder}${delimiter}${process.env.PATH}`,
      },
    });
    const { skipped = 0 } = mac;
    expect(stdout).toMatch(/^ℹ fail 0$/m);
    expect(stdout).toMatch(new RegExp(`^ℹ pass ${13 - skipped}$`, 'm'));
    expect(stdout).toMatch(new RegExp(`^ℹ skipped ${skipped}$`, 'm'));
    expect(status).toBe(0);
  });
});
