/**
 * `npm run test:metal`: the Metal backend on a real Mac, held against what macOS' own tools say. Everything else about
 * Metal is tested on a stub; this has to be run by somebody who has a Mac. See docs/OPERATIONS.md.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
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
import { acceleratorsIn, gpuModelsIn } from './reports.ts';

/** A stub in place of macOS, by which `rehearsal.test.ts` sees elsewhere that this file runs. */
const library = process.env.ACCELMETER_METAL_LIBRARY;
const skip = process.platform === 'darwin' || library !== undefined ? false : 'only a Mac has Metal';
const say = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: 'utf8' });
const ioreg = () => acceleratorsIn(say('ioreg', '-r', '-d', '1', '-w', '0', '-c', 'IOAccelerator'));

describe('Metal on this Mac', { skip }, () => {
  const identities: DeviceIdentity[] = [];
  const gpus: MetalDevice[] = [];
  const activities: Activity[] = [];
  let session: Session;

  before(async () => {
    session = await metal.open({
      hostId: 'mac',
      options: { lazy: false, ...(library !== undefined && { metalLibrary: library }) },
      addDevice(identity, abilities) {
        identities.push(identity);
        if (abilities?.metal) gpus.push(abilities.metal);
        return { deliver: (activity) => void activities.push(activity) };
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
    assert.deepEqual(identities.map(({ name }) => name).sort(), models.sort());
  });

  test('each has the id of a service in ioreg', () => {
    const ids = ioreg().map(({ registryId }) => registryId);
    for (const { properties } of gpus) assert.ok(ids.includes(properties.registryId), properties.registryId);
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
      if (process.arch === 'arm64') assert.ok(properties.unifiedMemory && properties.families.includes('apple7'));
    }
  });

  test('utilization and memory in use are those of ioreg', () => {
    const service = () => ioreg().find(({ registryId }) => registryId === first().properties.registryId)?.statistics;
    const [earlier, utilization, later] = [service(), reading('hw.gpu.utilization'), service()];
    const told = [earlier, later].map((statistics) => (statistics?.['Device Utilization %'] ?? Number.NaN) / 100);
    assert.ok(utilization !== undefined && utilization >= 0 && utilization <= 1, `${utilization}`);
    assert.ok(utilization >= Math.min(...told) - 0.25 && utilization <= Math.max(...told) + 0.25, `${told}`);
    if (!first().properties.unifiedMemory) return;
    const memory = reading('hw.gpu.memory.usage') ?? Number.NaN;
    const expected = service()?.['In use system memory'] ?? Number.NaN;
    assert.ok(Math.abs(memory - expected) < 0.25 * expected, `${memory} and ${expected}`);
  });

  test('its thermal state is one of four', () => {
    assert.ok([0, 1, 2, 3].includes(reading('accelmeter.device.thermal.state') ?? -1));
  });

  test('its objects understand what we say to them', () => {
    const mac = openMac(library);
    const ofDevice = ['name', 'registryId', 'hasUnifiedMemory', 'isLowPower', 'isRemovable', 'isHeadless'] as const;
    const more = ['recommendedMaxWorkingSetSize', 'currentAllocatedSize', 'supportsFamily', 'counterSets'] as const;
    const makers = [
      'supportsCounterSampling',
      'sampleTimestamps',
      'newSampleBuffer',
      'newLibrary',
      'newPipeline',
    ] as const;
    const ofCommands = ['status', 'error', 'gpuStartTime', 'gpuEndTime', 'kernelStartTime', 'kernelEndTime'] as const;
    mac.pooled(() => {
      const all = mac.metal.copyAllDevices() ?? assert.fail('no list');
      mac.releasing(all, () => {
        const device = mac.send.objectAt(all, 0) ?? assert.fail('no device');
        const queue = mac.send.newCommandQueue(device) ?? assert.fail('no queue');
        mac.releasing(queue, () => {
          const commands = mac.send.commandBuffer(queue) ?? assert.fail('no command buffer');
          for (const name of [...ofDevice, ...more, ...makers, 'newBuffer', 'maxThreadsPerThreadgroup'] as const) {
            assert.ok(mac.understands(device, name), messages[name].selector);
          }
          for (const name of [...ofCommands, 'device', 'computeEncoder', 'computeEncoderOfPass', 'commit'] as const) {
            assert.ok(mac.understands(commands, name), messages[name].selector);
          }
        });
      });
    });
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

  test('100 000 samples leave nothing behind', () => {
    const samples = library === undefined ? 100_000 : 2000;
    for (let i = 0; i < samples / 10; i++) session.sample?.();
    const before = process.memoryUsage.rss();
    for (let i = 0; i < samples; i++) session.sample?.();
    const grown = process.memoryUsage.rss() - before;
    assert.ok(grown < 32 * 2 ** 20, `${grown} bytes`); // one object of 64 bytes a sample would be 6 MB, and it is not one
  });
});
