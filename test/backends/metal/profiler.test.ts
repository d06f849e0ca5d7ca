/** Metal as a program sees it: through a profiler, on a stub of macOS' libraries. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { metal } from '../../../src/backends/metal/index.ts';
import { createProfiler, type Profiler } from '../../../src/profiler.ts';
import { runNode } from '../../child.ts';
import { recordingHost } from '../../conformance.ts';
import { scratchFolder } from '../../native/compile.ts';
import { lacks } from '../../parts.ts';
import { nothingHeld, openMetalStub, scenarioFile } from '../../stubs/metal/open.ts';
import { openMetalService } from '../../stubs/metal/service.ts';

const m1 = 'device 4294968317';

describe.skipIf(lacks('cc'))('a profiler on a stub of macOS', () => {
  const stub = lacks('cc') ? undefined : openMetalStub(scratchFolder());
  if (!stub) return;
  const { apply, load, path } = stub;
  beforeEach(() => load('apple-silicon'));
  afterEach(() => expect(stub.held()).toEqual(nothingHeld));

  async function withProfiler(look: (profiler: Profiler) => unknown) {
    const profiler = await createProfiler({
      backends: ['cpu', 'metal'],
      metalLibrary: path,
      tickSeconds: 0.1,
      budget: 1,
    });
    try {
      await look(profiler);
    } finally {
      await profiler.close();
    }
  }
  const codesOf = ({ findings }: Profiler) =>
    findings.filter(({ backend }) => backend === 'metal').map(({ code }) => code);

  it('has what is Metal’s on its device, and on no other', () =>
    withProfiler(({ devices }) => {
      expect(devices.map(({ backend, metal: own }) => [backend, own !== undefined])).toEqual([
        ['cpu', false],
        ['metal', true],
      ]);
      expect(JSON.parse(JSON.stringify(devices[1]))).toMatchObject({
        metal: { properties: { registryId: '0x1000003fd' } },
      });
    }));

  it('raises what the thermal state says, and clears it', () =>
    withProfiler(async (profiler) => {
      apply('thermal 3');
      await expect.poll(() => codesOf(profiler), { timeout: 5000 }).toContain('thermal_throttling');
      expect(String(profiler.findings.find(({ code }) => code === 'thermal_throttling'))).toMatch(/critical/);
      apply('thermal 1');
      await expect.poll(() => codesOf(profiler), { timeout: 5000 }).not.toContain('thermal_throttling');
    }));

  it('raises what fails, of command buffers that the program gives', () =>
    withProfiler(async (profiler) => {
      const gpu = profiler.devices.find(({ backend }) => backend === 'metal');
      const service = openMetalService(path);
      apply(m1, 'error 3');
      for (let i = 0; i < 40; i++) {
        const commands = service.commandBuffer();
        service.run(commands);
        gpu?.metal?.observeCommandBuffer(commands, 'blur');
      }
      service.close();
      await expect.poll(() => codesOf(profiler), { timeout: 5000 }).toContain('failing_operations');
      const snapshot = await gpu?.getProfilingSnapshot();
      expect(snapshot).toMatchObject({ totalOperations: 40, kernelStats: { successRate: 0 } });
    }));

  it('loads nothing of Metal under register until the program has', async () => {
    apply('nil Metal');
    const host = recordingHost({ metalLibrary: path, lazy: true });
    const session = await metal.open(host);
    session.sample?.();
    expect(session.drain?.(1)).toBe(false);
    expect(session.sources()).toMatchObject([{ name: 'metal', up: true, detail: /has not used Metal yet/ }]);
    expect(host.devices.size).toBe(0);
    apply('nil none');
    expect(session.sample?.().devices).toHaveLength(1);
    expect([...host.devices.keys()]).toEqual(['test-host:metal:0']);
    expect(session.sources().map(({ name }) => name)).toEqual(['metal', 'io_accelerator', 'metal_command_buffers']);
    session.close();
  });

  it('holds nothing more after a million samples', { timeout: 120_000 }, async () => {
    const session = await metal.open(recordingHost({ metalLibrary: path }));
    for (let i = 0; i < 1000; i++) session.sample?.();
    const held = stub.held();
    for (let i = 0; i < 1_000_000; i++) session.sample?.();
    expect(stub.held()).toEqual(held);
    session.close();
  });

  it('is what doctor says of it, and of what it cannot read', async () => {
    const environment = { ACCELMETER_METAL_LIBRARY: path, METAL_STUB_SCENARIO: scenarioFile('apple-silicon') };
    const { code, stdout } = await runNode(['dist/src/cli.js', 'doctor', 'metal'], environment);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^ ✓ metal: Apple M1 Pro \(unified memory, apple7, mac2, metal3\), macOS 14\.5\.0; power, temperature and clocks of GPUs of Apple’s and Intel’s are not read: macOS tells/m,
    );
    expect(stdout).toMatch(/^ ✓ io_accelerator: utilization and memory in use$/m);
    expect(stdout).toMatch(/^ – metal_command_buffers: .+\n {3}→ call device\.metal\.observeCommandBuffer/m);
  });
});
