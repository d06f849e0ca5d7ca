/** NVML's life by a clock of the test's: what is looked at once a minute, and what is given up. */
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { buildNative } from '../../scripts/build-native.mjs';
import { createNvml } from '../../src/backends/cuda/nvml.ts';
import { lacks } from '../parts.ts';
import { hopper, machine, partitioned, stubNvml, turing, uuid, writeScenario } from './nvml-scenario.ts';

const root = new URL('../..', import.meta.url).pathname;

describe.skipIf(lacks('cc'))('the life of NVML', () => {
  let library: string;
  beforeAll(async () => {
    await buildNative({ root });
    library = stubNvml();
  });

  async function live(lines: string) {
    const file = writeScenario(lines);
    process.env.ACCELMETER_STUB_NVML = file;
    const world = { time: 1000, gpus: 1, devices: [] as string[], told: 0 };
    const nvml = createNvml({
      ...{ library, pid: process.pid, visible: { list: undefined, order: undefined } },
      now: () => world.time,
      gpusOfKernel: () => world.gpus,
      onDevices: (devices) => {
        world.devices = devices.map(({ uuid }) => uuid);
        world.told += 1;
      },
      readingsOf: (device, { gpmPercent: { sm: value } }) => ({
        device: device.uuid,
        readings: value === undefined ? [] : [{ name: 'accelmeter.device.sm.utilization', value }],
      }),
      ...{ onXid() {}, followsXids() {} },
    });
    onTestFinished(() => nvml.close());
    await nvml.opened();
    const after = async (seconds: number) => {
      world.time += seconds;
      const alive = setTimeout(() => {}, 10_000);
      await nvml.refresh();
      clearTimeout(alive);
    };
    /** Looks until it is so, in as many looks of a tenth of a second as it takes to open NVML beside. */
    const until = async (isSo: () => boolean) => {
      for (let look = 0; look < 100 && !isSo(); look += 1) {
        await after(0.1);
        await sleep(10);
      }
      expect(isSo()).toBe(true);
    };
    return { nvml, world, after, until, change: (changed: string) => void writeScenario(changed, file) };
  }

  it('a GPU that appears is found by the kernel’s count of them, within a minute', async () => {
    const { world, after, until, change } = await live(machine([hopper]));
    expect(world.devices).toEqual([uuid(0)]);
    change(machine([hopper, turing]));
    world.gpus = 2;
    await after(30);
    await sleep(50);
    await after(0.5);
    expect(world.devices).toEqual([uuid(0)]);
    await after(31);
    await until(() => world.devices.includes(uuid(1)));
    expect(world.devices).toEqual([uuid(0), uuid(1)]);
  });

  it('parts that a GPU is divided into are found within a minute, and the same devices are not told again', async () => {
    const { world, after, change } = await live(machine([hopper]));
    await after(61);
    expect(world.told).toBe(1);
    change(machine([partitioned]));
    await after(61);
    expect(world.devices).toEqual([uuid(0), uuid(4, 'MIG'), uuid(5, 'MIG')]);
  });

  it('a driver that hangs for a minute is given up, and its successor is asked after a while', async () => {
    const { nvml, world, after, change } = await live(machine([hopper]));
    change(machine([hopper], ['hang nvmlDeviceGetUtilizationRates 30']));
    world.time += 5;
    void nvml.refresh();
    await after(3);
    expect(nvml.source()).toMatchObject({ up: false, detail: /the driver does not answer/ });
    expect(nvml.sample).toBeUndefined();
    change(machine([hopper]));
    await after(60);
    for (let look = 0; look < 100 && !nvml.source().detail.includes('was ended'); look += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(nvml.source()).toMatchObject({ up: false, detail: /did not answer and was ended/ });
    expect(world.devices).toEqual([uuid(0)]);
    await after(1);
    expect(nvml.source().up).toBe(false);
    await after(5);
    expect(nvml.source()).toMatchObject({ up: true });
  });

  it('a GPU that is lost takes no other with it, though the events of both are told by one set', async () => {
    const { nvml, world, after, change } = await live(machine([hopper, turing]));
    world.gpus = 2;
    change(machine([hopper, turing], ['at 1 lost 1']));
    await after(1);
    expect(world.devices).toEqual([uuid(0)]);
    expect(nvml.source()).toMatchObject({
      up: true,
      detail: 'driver 580.65.06, 1 GPU, GPU 1 cannot be read: the GPU is lost',
    });
  });

  it.each([
    [999, 'an internal error of the driver', /nvidia-smi/],
    [16, 'the GPU needs a reset', /--gpu-reset/],
    [17, 'the operating system or its control groups block the GPU', /--gpus all/],
    [23, 'out of resources', /nvidia-smi/],
  ])('a driver all of whose calls answer %d is not up', async (code, words, remedy) => {
    const { nvml, world, after, change } = await live(machine([hopper, turing]));
    const fails = (gpu: number) => `at 1 fails ${gpu} ${code}`;
    change(machine([hopper, turing], [fails(1)]));
    await after(1);
    expect(world.devices).toEqual([uuid(0)]);
    expect(nvml.source()).toMatchObject({
      up: true,
      detail: expect.stringContaining(`GPU 1 cannot be read: ${words}`),
    });
    change(machine([hopper, turing], [fails(0), fails(1)]));
    await after(1);
    expect(world.devices).toEqual([]);
    expect(nvml.source()).toMatchObject({ up: false, detail: `NVML: ${words}`, remedy });
  });

  it('GPUs that can no longer be had at the look of each minute are not up', async () => {
    const { nvml, world, after, change } = await live(machine([hopper]));
    change(machine([hopper], ['nvmlDeviceGetHandleByIndex_v2@0 17']));
    await after(61);
    expect(world.devices).toEqual([]);
    expect(nvml.source()).toMatchObject({
      up: false,
      detail: /0 GPUs, GPU 0 cannot be read: the operating system or its control groups block the GPU$/,
    });
    change(machine([hopper]).replace('nvmlDeviceGetCount_v2@ 0', 'nvmlDeviceGetCount_v2@ 999'));
    await after(61);
    expect(nvml.source()).toMatchObject({ up: false, detail: 'NVML: an internal error of the driver' });
  });

  it('GPUs that are well are told of while one that was lost is looked for, whatever comes of that', async () => {
    const { nvml, world, after, until, change } = await live(machine([hopper, turing]));
    const lost = (...more: string[]) => machine([hopper, turing], ['at 1 lost 1', ...more]);
    world.gpus = 2;
    change(lost());
    await after(1);
    for (const fault of ['hang nvmlInit_v2 20', 'nvmlInit_v2@ 999', 'crash nvmlInit_v2']) {
      const lines = fault.startsWith('nvml') ? lost().replace('nvmlInit_v2@ 0', fault) : lost(fault);
      change(lines);
      await after(400); // it is due
      for (let look = 0; look < 20; look += 1) {
        await sleep(10);
        await after(5);
        expect(nvml.source().up).toBe(true);
        expect(nvml.sample?.devices.map(({ device }) => device)).toEqual([uuid(0)]);
      }
      await sleep(50); // what hung was given up, and has ended
    }
    expect(world.devices).toEqual([uuid(0)]);
    change(machine([hopper, turing]));
    await after(400);
    await until(() => world.devices.length === 2);
    expect(nvml.source()).toEqual({ name: 'nvml', up: true, detail: 'driver 580.65.06, 2 GPUs' });
  });

  it('a GPU whose values cannot be read, though it is there, is not announced again and again', async () => {
    const { nvml, world, after, change } = await live(machine([hopper, turing]));
    world.gpus = 2;
    change(machine([hopper, turing], ['at 1 fails 1 16']));
    await after(1);
    const { told } = world;
    for (let look = 0; look < 10; look += 1) {
      await after(61);
      await sleep(20);
    }
    expect(nvml.source().detail).toMatch(/GPU 1 cannot be read: the GPU needs a reset$/);
    expect({ devices: world.devices, told: world.told }).toEqual({ devices: [uuid(0)], told });
  });

  it('a driver that hangs again and again is tried for ever; one that crashes is off after three times', async () => {
    const { nvml, world, after, until, change } = await live(machine([hopper]));
    const hanging = machine([hopper], ['hang nvmlInit_v2 20', 'hang nvmlDeviceGetUtilizationRates 20']);
    const crashing = machine([hopper], ['crash nvmlInit_v2']);
    for (let time = 0; time < 4; time += 1) {
      change(hanging);
      world.time += 301;
      void nvml.refresh();
      await sleep(50);
      world.time += 61;
      void nvml.refresh();
      await expect.poll(() => nvml.source().detail).toMatch(/did not answer and was ended$/);
    }
    change(machine([hopper]));
    await after(301);
    expect(nvml.source().up).toBe(true);
    change(machine([hopper], ['crash nvmlDeviceGetUtilizationRates']));
    await after(1);
    change(crashing);
    for (let time = 0; time < 2; time += 1) {
      expect(nvml.source().detail).toMatch(/crashed \(SIGSEGV\)$/);
      await after(301);
    }
    const off = /crashed \(SIGSEGV\), 3 times: switched off$/;
    await until(() => off.test(nvml.source().detail));
    change(machine([hopper]));
    await after(301);
    expect(nvml.source()).toMatchObject({ up: false, detail: off });
  });

  it('parts that come and go leave nothing allocated behind', async () => {
    const { nvml, world, after, change } = await live(machine([partitioned]));
    for (let time = 0; time < 6; time += 1) {
      change(machine([time % 2 === 0 ? hopper : partitioned]));
      await after(61);
    }
    expect(world.devices).toEqual([uuid(0), uuid(4, 'MIG'), uuid(5, 'MIG')]);
    await after(1);
    expect(nvml.sample?.devices.map(({ readings }) => readings.length)).toEqual([0, 1, 1]);
  });

  it('is released on demand, and begins anew', async () => {
    const { nvml, after } = await live(machine([hopper]));
    nvml.release();
    expect(nvml.sample).toBeUndefined();
    await after(1);
    expect(nvml.source()).toMatchObject({ up: true, detail: 'driver 580.65.06, 1 GPU' });
  });

  it('says where a container hides its process from the driver', async () => {
    const file = writeScenario(machine([hopper]));
    process.env.ACCELMETER_STUB_NVML = file;
    const nvml = createNvml({
      ...{ library, pid: undefined, visible: { list: undefined, order: undefined } },
      ...{ now: () => 1, gpusOfKernel: () => undefined, onDevices() {}, onXid() {}, followsXids() {} },
      readingsOf: (device) => ({ device: device.uuid, readings: [] }),
    });
    onTestFinished(() => nvml.close());
    await nvml.opened();
    expect(nvml.source().detail).toBe(
      'driver 580.65.06, 1 GPU, process memory not told: this container has process numbers of its own',
    );
  });
});
