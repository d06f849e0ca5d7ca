/** Commands on a machine whose OpenCL driver takes the process with it that initialises it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Diagnosis } from '../../src/commands/doctor.ts';
import { runNode, startNode } from '../child.ts';
import { compileLibrary, scratchFolder } from '../native/compile.ts';
import { lacks } from '../parts.ts';

describe.skipIf(lacks('pocl', 'cc'))('a driver that is lost when it is initialised', () => {
  const vendors = join(scratchFolder(), 'vendors');
  const machine = (fault: string) => ({ OCL_ICD_VENDORS: vendors, FAULT: fault });
  const accelmeter = (fault: string, ...args: string[]) => runNode(['dist/src/cli.js', ...args], machine(fault));

  beforeAll(() => {
    mkdirSync(vendors);
    writeFileSync(join(vendors, 'lost.icd'), compileLibrary('test/stubs/lost-icd.c', vendors));
  });

  it.each([
    ['aborting', 'the driver crashed (SIGABRT): lost-icd: no such hardware'],
    ['crashing', 'the driver crashed (SIGSEGV)'],
  ])('is named by the doctor, which goes on: %s', async (fault, detail) => {
    const { code, stdout, stderr } = await accelmeter(fault, 'doctor', '--json');
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    const diagnosis: Diagnosis = JSON.parse(stdout);
    expect(diagnosis).toMatchObject({
      ok: false,
      backends: [
        { name: 'cpu', present: true },
        { name: 'cuda', present: false, detail: 'no NVIDIA driver on this machine' },
        { name: 'opencl', present: false, detail, remedy: /ACCELMETER_BACKENDS=cpu/, sources: [] },
      ],
    });
    expect(diagnosis.devices.map(({ backend }) => backend)).toEqual(['cpu']);
  });

  it('leaves the demo what there is beside it', async () => {
    const { code, stdout } = await accelmeter('aborting', 'demo', '--port', '0', '--for', '3');
    expect(code).toBe(0);
    expect(stdout).toContain('– opencl  the driver crashed (SIGABRT): lost-icd: no such hardware');
    expect(stdout).toContain('matmul_64');
  });

  it('leaves serve, devices and snapshot what there is beside it', async () => {
    const serve = startNode(['dist/src/cli.js', 'serve', '--port', '0'], machine('aborting'));
    const [, url = ''] = await serve.said(/Metrics +(\S+)/);
    expect(await (await fetch(url)).text()).toContain('accelmeter_backend="cpu"');
    for (const verb of ['devices', 'snapshot']) {
      const { code, stdout, stderr } = await accelmeter('crashing', verb, '--json');
      expect({ code, stderr }).toEqual({ code: 0, stderr: 'accelmeter: opencl: the driver crashed (SIGSEGV)\n' });
      expect(JSON.parse(stdout)).toHaveLength(1);
    }
  });

  it('is left alone where its backend was not asked for', async () => {
    const { code, stdout } = await accelmeter('hanging', 'doctor', 'cpu');
    expect(code).toBe(0);
    expect(stdout).not.toContain('opencl');
  });

  it('that finds no hardware, and says so, is no fault', async () => {
    const { code, stdout } = await accelmeter('none', 'doctor');
    expect(code).toBe(0);
    expect(stdout).toMatch(/– opencl +the OpenCL loader knows no device/);
  });
});

it.skipIf(lacks('pocl'))('a driver that survives is opened here as if it had not been probed', async () => {
  const { code, stdout } = await runNode(['dist/src/cli.js', 'doctor', 'opencl']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/✓ opencl .*kernels traced/);
});
