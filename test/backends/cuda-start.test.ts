/** The process that calls NVML where it cannot be started: not for lack of a driver, and perhaps not for long. */
import { chmodSync, copyFileSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { buildNative } from '../../scripts/build-native.mjs';
import { createNvml } from '../../src/backends/cuda/nvml.ts';
import { prebuiltDriverProcess } from '../../src/native/prebuilt.ts';
import { scratchFolder } from '../native/compile.ts';
import { lacks } from '../parts.ts';
import { hopper, machine, stubNvml, writeScenario } from './nvml-scenario.ts';

vi.mock('../../src/native/prebuilt.ts', async (original) => {
  const module = await original<typeof import('../../src/native/prebuilt.ts')>();
  return { ...module, prebuiltDriverProcess: vi.fn(module.prebuiltDriverProcess) };
});

const root = new URL('../..', import.meta.url).pathname;

describe.skipIf(lacks('cc'))('a process that cannot be started', () => {
  beforeAll(() => buildNative({ root }));

  it('is tried for ever, and what mends it is said', async () => {
    const file = join(mkdtempSync(join(scratchFolder(), 'x')), 'accelmeter-driver-process');
    copyFileSync(prebuiltDriverProcess() ?? '', file);
    chmodSync(file, 0o644);
    vi.mocked(prebuiltDriverProcess).mockReturnValue(file);
    process.env.ACCELMETER_STUB_NVML = writeScenario(machine([hopper]));
    let time = 0;
    const nvml = createNvml({
      ...{ library: stubNvml(), pid: process.pid, visible: { list: undefined, order: undefined } },
      ...{ now: () => time, gpusOfKernel: () => undefined, onDevices() {}, onXid() {}, followsXids() {} },
      readingsOf: (device) => ({ device: device.uuid, readings: [] }),
    });
    onTestFinished(() => nvml.close());
    await nvml.opened();
    for (let failed = 0; failed < 5; failed += 1) {
      await expect
        .poll(() => nvml.source())
        .toMatchObject({
          up: false,
          detail: 'the process that calls the driver could not be started: EACCES',
          remedy: expect.stringMatching(/noexec.*ulimit/),
        });
      time += 301;
      await nvml.refresh();
    }
    chmodSync(file, 0o755);
    time += 301;
    const alive = setTimeout(() => {}, 10_000);
    await nvml.refresh();
    clearTimeout(alive);
    expect(nvml.source()).toMatchObject({ up: true });
  });
});
