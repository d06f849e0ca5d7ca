/**
 * NVML on a real GPU: each value against nvidia-smi, read in the same second; what each call takes; and a capture of the
 * machine, to be kept under test/captures. On `node:test`, which needs the sources, the built C parts and the production
 * dependencies alone; `run.sh` starts it. Writes nvml.json and nvml-<GPU>.txt into the folder RESULTS.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DeviceIdentity, Reading } from '../../src/backend.ts';
import { cuda } from '../../src/backends/cuda/index.ts';
import { createNvml } from '../../src/backends/cuda/nvml.ts';
import type { GpuValues } from '../../src/backends/cuda/values.ts';
import { capture } from './capture.ts';
import { compareWithSmi, numberAt, textAt } from './nvidia-smi.ts';

const library = process.env.ACCELMETER_NVML_LIBRARY ?? 'libnvidia-ml.so.1';
const folder = process.env.RESULTS ?? 'gpu-results';
const results: Record<string, unknown> = {};
mkdirSync(folder, { recursive: true });
const alive = setInterval(() => {}, 1000);
after(() => {
  clearInterval(alive);
  writeFileSync(join(folder, 'nvml.json'), `${JSON.stringify(results, null, 2)}\n`);
});

/** Readings of a GPU by name and the value of their first attribute. */
type Values = Readonly<Record<string, number | undefined>>;

const valuesOf = (readings: readonly Reading[]): Values =>
  Object.fromEntries(
    readings.map(({ name, value, attributes = {} }) => [
      [name, ...Object.values(attributes).slice(0, 1)].join(' '),
      value,
    ]),
  );

interface Compared {
  readonly reading: string;
  readonly tags: readonly (readonly string[])[];
  /** From nvidia-smi's unit to ours. */
  readonly factor: number;
  /** By how much it may move between the two, in ours: beyond what it moved between two readings of our own. */
  readonly within: number;
}

const mebibyte = 2 ** 20;
const compared: readonly Compared[] = [
  { reading: 'hw.gpu.memory.limit', tags: [['fb_memory_usage', 'total']], factor: mebibyte, within: mebibyte },
  { reading: 'hw.gpu.memory.usage', tags: [['fb_memory_usage', 'used']], factor: mebibyte, within: 16 * mebibyte },
  {
    reading: 'accelmeter.device.memory.free',
    tags: [['fb_memory_usage', 'free']],
    factor: mebibyte,
    within: 16 * mebibyte,
  },
  { reading: 'hw.gpu.utilization general', tags: [['utilization', 'gpu_util']], factor: 0.01, within: 0.1 },
  { reading: 'hw.gpu.utilization encoder', tags: [['utilization', 'encoder_util']], factor: 0.01, within: 0.1 },
  { reading: 'hw.gpu.utilization decoder', tags: [['utilization', 'decoder_util']], factor: 0.01, within: 0.1 },
  { reading: 'hw.temperature core', tags: [['temperature', 'gpu_temp']], factor: 1, within: 2 },
  { reading: 'hw.temperature memory', tags: [['temperature', 'memory_temp']], factor: 1, within: 2 },
  {
    reading: 'hw.power',
    tags: [
      ['gpu_power_readings', 'average_power_draw'],
      ['gpu_power_readings', 'power_draw'],
      ['power_readings', 'power_draw'],
    ],
    factor: 1,
    within: 15,
  },
  {
    reading: 'accelmeter.device.power.limit',
    tags: [
      ['gpu_power_readings', 'current_power_limit'],
      ['power_readings', 'enforced_power_limit'],
    ],
    factor: 1,
    within: 0.5,
  },
  { reading: 'accelmeter.device.clock graphics', tags: [['clocks', 'graphics_clock']], factor: 1e6, within: 60e6 },
  { reading: 'accelmeter.device.clock sm', tags: [['clocks', 'sm_clock']], factor: 1e6, within: 60e6 },
  { reading: 'accelmeter.device.clock memory', tags: [['clocks', 'mem_clock']], factor: 1e6, within: 60e6 },
  { reading: 'accelmeter.device.clock video', tags: [['clocks', 'video_clock']], factor: 1e6, within: 60e6 },
  {
    reading: 'accelmeter.device.pcie.link.generation',
    tags: [['pci', 'pci_gpu_link_info', 'pcie_gen', 'current_link_gen']],
    factor: 1,
    within: 0,
  },
  {
    reading: 'accelmeter.device.pcie.link.generation.max',
    tags: [['pci', 'pci_gpu_link_info', 'pcie_gen', 'max_link_gen']],
    factor: 1,
    within: 0,
  },
  {
    reading: 'accelmeter.device.pcie.link.width',
    tags: [['pci', 'pci_gpu_link_info', 'link_widths', 'current_link_width']],
    factor: 1,
    within: 0,
  },
  {
    reading: 'accelmeter.device.pcie.link.width.max',
    tags: [['pci', 'pci_gpu_link_info', 'link_widths', 'max_link_width']],
    factor: 1,
    within: 0,
  },
];

describe('what NVML tells', () => {
  const devices: DeviceIdentity[] = [];
  let before1: ReadonlyMap<string, Values>;
  let after1: ReadonlyMap<string, Values>;
  let lookedAt: readonly [number, number];
  let xml: string;

  before(async () => {
    const session = await cuda.open({
      hostId: 'gpu',
      options: { lazy: false, nvmlLibrary: library },
      addDevice(identity) {
        devices.push(identity);
        return { deliver() {} };
      },
      removeDevice() {},
    });
    const look = async () => {
      await sleep(120);
      await session.prepare?.();
      return new Map(session.sample?.().devices.map(({ device, readings }) => [device, valuesOf(readings)]));
    };
    await look();
    before1 = await look();
    const began = performance.now();
    xml = execFileSync('nvidia-smi', ['-q', '-x'], { encoding: 'utf8' });
    after1 = await look();
    lookedAt = [began / 1000, performance.now() / 1000];
    results.sources = session.sources();
    results.devices = devices;
    results.values = Object.fromEntries(after1);
    session.close();
    writeFileSync(join(folder, 'nvidia-smi.xml'), xml);
  });

  const gpus = () => xml.split(/<gpu id=/).slice(1);

  test('is of the GPUs that nvidia-smi shows, by UUID, name and driver', () => {
    const ours = devices.filter(({ parent }) => parent === undefined);
    assert.deepEqual(
      ours.map(({ id }) => id),
      gpus().map((gpu) => textAt(gpu, 'uuid')),
    );
    assert.deepEqual(
      ours.map(({ name }) => name),
      gpus().map((gpu) => textAt(gpu, 'product_name')),
    );
    for (const { driverVersion } of ours) assert.equal(driverVersion, textAt(xml, 'driver_version'));
  });

  for (const { reading, tags, factor, within } of compared) {
    test(`${reading} is what nvidia-smi says`, (context) => {
      let told = 0;
      for (const gpu of gpus()) {
        const id = textAt(gpu, 'uuid') ?? '';
        const theirs = tags.map((path) => numberAt(gpu, ...path)).find((value) => value !== undefined);
        const ours = [before1.get(id)?.[reading], after1.get(id)?.[reading]];
        if (theirs === undefined) {
          assert.deepEqual(
            ours.filter((value) => value !== undefined),
            [],
            'nvidia-smi has no such value',
          );
          continue;
        }
        told += 1;
        const [least, most] = [Math.min(...ours.map(Number)), Math.max(...ours.map(Number))];
        const value = theirs * factor;
        assert.ok(value >= least - within && value <= most + within, `${value} by nvidia-smi, ${ours} by us`);
      }
      if (told === 0) context.skip('no GPU here has it');
    });
  }

  test('energy is what the power comes to', () => {
    for (const gpu of gpus()) {
      const id = textAt(gpu, 'uuid') ?? '';
      const told = (reading: string) => [before1, after1].map((look) => look.get(id)?.[reading] ?? Number.NaN);
      const [first = Number.NaN, second = Number.NaN] = told('hw.energy');
      const joules = second - first;
      if (Number.isNaN(joules)) continue; // it does not count energy
      const watts = told('hw.power');
      const seconds = lookedAt[1] - lookedAt[0];
      // Its counter moves in steps of some 100 ms.
      const [least, most] = [Math.min(...watts) * (seconds - 0.2) * 0.7, Math.max(...watts) * (seconds + 0.2) * 1.3];
      assert.ok(joules >= least && joules <= most, `${joules} J in ${seconds} s at ${watts} W`);
    }
  });
});

/** Our counters begin at zero: so the numbers of NVML itself are compared. */
describe('limits, errors, counters and throttle flags', () => {
  const looks: Map<string, GpuValues>[] = [];
  let xml: string;

  before(async () => {
    let look = new Map<string, GpuValues>();
    const nvml = createNvml({
      ...{ library, pid: process.pid, visible: { list: undefined, order: undefined } },
      ...{ now: () => performance.now() / 1000, gpusOfKernel: () => undefined },
      ...{ onDevices() {}, onXid() {}, followsXids() {} },
      readingsOf(device, values) {
        look.set(device.uuid, values);
        return { device: device.uuid, readings: [] };
      },
    });
    await nvml.opened();
    looks.push(look);
    xml = execFileSync('nvidia-smi', ['-q', '-x'], { encoding: 'utf8' });
    look = new Map();
    await sleep(120);
    await nvml.refresh();
    looks.push(look);
    nvml.close();
  });

  test('are what nvidia-smi says', (context) => {
    const compared = xml
      .split(/<gpu id=/)
      .slice(1)
      .flatMap((gpu) => {
        const [first, second] = looks.map((look) => look.get(textAt(gpu, 'uuid') ?? ''));
        assert.ok(first && second, 'it is not among ours');
        return compareWithSmi(gpu, first, second);
      });
    results.compared = compared;
    for (const { what, agrees } of compared) if (agrees === undefined) context.diagnostic(`not told by both: ${what}`);
    assert.ok(
      compared.some(({ agrees }) => agrees),
      'nothing could be compared',
    );
    assert.deepEqual(
      compared.filter(({ agrees }) => agrees === false),
      [],
    );
  });
});

test('each call is timed, and the machine captured', async () => {
  const { text, timed } = await capture(library);
  const byCall = [...timed].sort((a, b) => b.seconds - a.seconds);
  results.calls = byCall.map(({ call, seconds, code }) => ({ call, microseconds: Math.round(seconds * 1e6), code }));
  const sample = timed.slice(-Math.round(timed.length / 2)).reduce((sum, { seconds }) => sum + seconds, 0);
  results.everythingMilliseconds = sample * 1000;
  const [name = 'gpu'] = /nvmlDeviceGetName@0 0 text:"([^"]+)"/.exec(text)?.slice(1) ?? [];
  const file = `nvml-${name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}.txt`;
  writeFileSync(
    join(folder, file),
    `# Recorded by test/gpu/run.sh on ${new Date().toISOString().slice(0, 10)}.\n${text}`,
  );
  assert.match(text, /nvmlDeviceGetUUID@0 0/);
});
