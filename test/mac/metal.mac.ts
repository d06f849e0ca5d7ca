/**
 * `npm run test:metal`: the Metal backend on a real Mac, held against what macOS' own tools say. Everything else about
 * Metal is tested on a stub; this has to be run by somebody who has a Mac. See docs/OPERATIONS.md.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Activity } from '../../src/activity.ts';
import type { DeviceIdentity, Session } from '../../src/backend.ts';
import { openMac } from '../../src/backends/metal/driver.ts';
import { metal } from '../../src/backends/metal/index.ts';
import { messages } from '../../src/backends/metal/messages.ts';
import type { MetalDevice } from '../../src/metal-device.ts';
import { createProfiler } from '../../src/profiler.ts';
import { metal as workload } from '../../src/workload/metal.ts';
import { isProduct, kernelName } from '../../src/workload/workload.ts';
import { acceleratorsIn, gpuModelsIn, plainName } from './reports.ts';
import { understood } from './understood.ts';

/** A stub in place of macOS, by which `rehearsal.test.ts` sees elsewhere that this file runs. */
const library = process.env.ACCELMETER_METAL_LIBRARY;
const skip = process.platform === 'darwin' || library !== undefined ? false : 'only a Mac has Metal';
const say = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: 'utf8' });
const ioreg = () => acceleratorsIn(say('ioreg', '-r', '-d', '1', '-w', '0', '-c', 'IOAccelerator'));
/** True in a virtual machine, of which the GPU may have no service in the IO registry: then there is nothing to compare. */
const isVirtual = () => say('sysctl', '-n', 'kern.hv_vmm_present').trim() === '1';

describe('Metal on this Mac', { skip }, () => {
  const identities: DeviceIdentity[] = [];
  const gpus: MetalDevice[] = [];
  const activities: Activity[] = [];
  let isKept = true;
  let session: Session;

  before(async () => {
    session = await metal.open({
      hostId: 'mac',
      options: { lazy: false, ...(library !== undefined && { metalLibrary: library }) },
      addDevice(identity, abilities) {
        identities.push(identity);
        if (abilities?.metal) gpus.push(abilities.metal);
        return { deliver: (activity) => void (isKept && activities.push(activity)) };
      },
      removeDevice() {},
    });
  });
  after(() => session.close());

  const first = () => gpus[0] ?? assert.fail('no GPU');
  const readingsNow = () => session.sample?.().devices[0]?.readings ?? [];
  const reading = (name: string) => readingsNow().find((each) => each.name === name)?.value;

  test('its GPUs are those of system_profiler', () => {
    const models = gpuModelsIn(say('system_profiler', 'SPDisplaysDataType', '-json'));
    assert.deepEqual(identities.map(({ name }) => plainName(name)).sort(), models.map(plainName).sort());
  });

  const serviceOf = (gpu: MetalDevice) => ioreg().find(({ registryId }) => registryId === gpu.properties.registryId);
  /** The statistics of a GPU, as ioreg prints them. Skips the test where this is a virtual machine that has none. */
  function statisticsOf(gpu: MetalDevice, context: TestContext): Readonly<Record<string, number>> | undefined {
    const { statistics = {} } = serviceOf(gpu) ?? {};
    if (Object.keys(statistics).length > 0) return statistics;
    if (isVirtual()) context.skip('a virtual machine, of whose GPU ioreg has no statistics');
    else assert.fail(`ioreg has no statistics of ${gpu.properties.registryId}`);
    return undefined;
  }

  test('each has the id of a service in ioreg', (context) => {
    const without = gpus.filter((gpu) => serviceOf(gpu) === undefined);
    if (without.length > 0 && isVirtual()) return context.skip('a virtual machine, of whose GPU ioreg has no service');
    assert.deepEqual(
      without.map(({ properties }) => properties.registryId),
      [],
    );
  });

  test('macOS has the version that sw_vers says', () => {
    const [major, minor] = say('sw_vers', '-productVersion').trim().split('.');
    assert.match(identities[0]?.driverVersion ?? '', new RegExp(`^macOS ${major}\\.${minor ?? 0}\\.`));
  });

  test('what it tells of itself makes sense', () => {
    for (const { properties } of gpus) {
      const { width, height, depth } = properties.maxThreadsPerThreadgroup;
      for (const threads of [width, height, depth]) assert.ok(threads >= 1 && threads <= 4096, `${threads} threads`);
      assert.ok((properties.recommendedMaxWorkingSetBytes ?? 0) > 2 ** 28);
      assert.ok(properties.families.includes('common1'));
      if (process.arch === 'arm64' && !isVirtual())
        assert.ok(properties.unifiedMemory && properties.families.includes('apple7'));
    }
  });

  test('utilization and memory in use are those of ioreg', (context) => {
    const earlier = statisticsOf(first(), context);
    if (earlier === undefined) return;
    const utilization = reading('hw.gpu.utilization');
    const later = statisticsOf(first(), context) ?? earlier;
    const told = [earlier, later].map(
      (each) => (each['Device Utilization %'] ?? each['GPU Activity(%)'] ?? Number.NaN) / 100,
    );
    assert.ok(utilization !== undefined && utilization >= 0 && utilization <= 1, `${utilization}`);
    assert.ok(utilization >= Math.min(...told) - 0.25 && utilization <= Math.max(...told) + 0.25, `${told}`);
    const memory = reading('hw.gpu.memory.usage') ?? Number.NaN;
    const expected = first().properties.unifiedMemory
      ? later['In use system memory']
      : (later.vramUsedBytes ?? later.inUseVidMemoryBytes);
    assert.ok(
      Math.abs(memory - (expected ?? Number.NaN)) < 0.25 * (expected ?? Number.NaN),
      `${memory} and ${expected}`,
    );
  });

  test('its thermal state is one of four', () => {
    assert.ok([0, 1, 2, 3].includes(reading('accelmeter.device.thermal.state') ?? -1));
  });

  test('its objects understand what we say to them', (context) => {
    const asked = understood(openMac(library));
    // Where the first GPU takes no timestamps there is no buffer of samples to ask.
    const notAsked = Object.keys(messages).filter((name) => !asked.has(name as keyof typeof messages));
    if (notAsked.length > 0) context.diagnostic(`not asked, for lack of such an object: ${notAsked.join(', ')}`);
    const ofSamples = ['sampleCount', 'resolveCounters'];
    assert.deepEqual(notAsked, first().properties.counterSampling === undefined ? ofSamples : []);
  });

  test('a kernel computes, and its time on the GPU is less than we waited for it', async () => {
    const source = `kernel void accelmeter_self_test(device float *values, uint i [[thread_position_in_grid]]) {
      values[i] = values[i] * 2 + 1;
    }`;
    const kernel = first().compile(source, 'accelmeter_self_test');
    await sleep(50);
    const values = Float32Array.from({ length: 2 ** 16 }, (_, i) => i % 1000);
    const from = performance.now() / 1000;
    await kernel.run([values], { width: values.length });
    const until = performance.now() / 1000;
    kernel.close();
    session.settle?.(5);
    assert.ok(values.every((value, i) => value === (i % 1000) * 2 + 1));
    const measured = activities.filter((each) => each.kind === 'kernel');
    assert.equal(measured.length, 1);
    const [execution] = measured;
    assert.ok(execution && execution.duration > 0 && execution.start > from - 0.001, JSON.stringify(execution));
    assert.ok(execution.start + execution.duration < until + 0.001, JSON.stringify(execution));
    assert.ok(execution.wait === undefined || execution.wait >= 0);
  });

  test('what does not compile is told in the compiler’s words', () => {
    assert.throws(() => first().compile('#error this is not to compile', 'k'), /error/);
  });

  test('the profiler has all of it, and a snapshot takes less than 2 ms', async (context) => {
    const profiler = await createProfiler({ backends: ['metal'] });
    const device = profiler.devices[0] ?? assert.fail('no device');
    const multiplication = await workload.open(device, { openclLibrary: undefined });
    for (let i = 0; i < 20; i++) await multiplication.run();
    assert.ok(isProduct(await multiplication.product()));
    multiplication.close();
    await sleep(300);
    await device.getProfilingSnapshot();
    assert.equal(device.getKernelStatistics().get(kernelName)?.totalExecutions, 20);
    const taken: number[] = [];
    for (let i = 0; i < 500; i++) {
      const from = performance.now();
      session.sample?.();
      await device.getProfilingSnapshot();
      taken.push(performance.now() - from);
    }
    await profiler.close();
    taken.sort((a, b) => a - b);
    context.diagnostic(`P50 ${taken[250]} ms, P99 ${taken[495]} ms`);
    assert.ok((taken[250] ?? Number.NaN) < 2, `P50 ${taken[250]} ms`);
  });

  const real = library === undefined;
  /** Fails where the process grows by 32 MiB: by 34 bytes each time of a million, by an object of Metal's each of 20 000. */
  async function leavesNothing(times: number, act: () => unknown): Promise<void> {
    isKept = false;
    for (let i = 0; i < times / 10; i++) await act();
    const before = process.memoryUsage.rss();
    for (let i = 0; i < times; i++) await act();
    const grown = process.memoryUsage.rss() - before;
    assert.ok(grown < 32 * 2 ** 20, `${grown} bytes`);
  }

  test('samples leave nothing behind', () => leavesNothing(real ? 1_000_000 : 2000, () => void session.sample?.()));

  test('command buffers that are observed leave nothing behind', async () => {
    const mac = openMac(library);
    const { commands, queue } = mac.pooled(() => {
      const all = mac.metal.copyAllDevices() ?? assert.fail('no list');
      const device = mac.send.objectAt(all, 0) ?? assert.fail('no device');
      const made = mac.send.newCommandQueue(device) ?? assert.fail('no queue');
      const buffer = mac.retained(mac.send.commandBuffer(made) ?? assert.fail('no command buffer'));
      mac.send.commit(buffer);
      mac.send.release(all);
      return { commands: buffer, queue: made };
    });
    while (mac.pooled(() => Number(mac.send.status(commands))) < 4) await sleep(1);
    await leavesNothing(real ? 1_000_000 : 2000, () => first().observeCommandBuffer(commands, 'k'));
    mac.pooled(() => [commands, queue].forEach(mac.send.release));
  });

  test('kernels that are run leave nothing behind', async () => {
    const kernel = first().compile('kernel void accelmeter_self_test(device float *values) {}', 'accelmeter_self_test');
    const values = new Float32Array(1);
    await leavesNothing(real ? 20_000 : 200, () => kernel.run([values], { width: 1 }));
    kernel.close();
  });
});
