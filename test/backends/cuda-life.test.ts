/** NVML's life by a clock of the test's: what is looked at once a minute, and what is given up. */
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
      readingsOf: (device) => ({ device: device.uuid, readings: [] }),
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
    return { nvml, world, after, change: (changed: string) => void writeScenario(changed, file) };
  }

  it('a GPU that appears is found by the kernel’s count of them, within a minute', async () => {
    const { world, after, change } = await live(machine([hopper]));
    expect(world.devices).toEqual([uuid(0)]);
    change(machine([hopper, turing]));
    world.gpus = 2;
    await after(30);
    expect(world.devices).toEqual([uuid(0)]);
    await after(31);
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
