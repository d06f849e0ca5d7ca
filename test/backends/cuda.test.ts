import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { buildNative } from '../../scripts/build-native.mjs';
import type { Backend, Reading, Session } from '../../src/backend.ts';
import { cuda } from '../../src/backends/cuda/index.ts';
import { conforms, type RecordingHost, recordingHost } from '../conformance.ts';
import { capture } from '../gpu/capture.ts';
import { scratchFolder } from '../native/compile.ts';
import { lacks } from '../parts.ts';
import {
  hopper,
  machine,
  partitioned,
  replacing,
  type StubGpu,
  stubNvml,
  turing,
  uuid,
  writeScenario,
} from './nvml-scenario.ts';

/** Tests may run in a container, which hides their process number from a driver, though not from a stub. */
vi.mock('../../src/backends/cuda/installed.ts', async (original) => ({
  ...(await original<typeof import('../../src/backends/cuda/installed.ts')>()),
  pidForDriver: () => process.pid,
}));

const root = new URL('../..', import.meta.url).pathname;
const captures = join(import.meta.dirname, '../captures');

describe.skipIf(lacks('cc'))('CUDA devices, by a stub of NVML', () => {
  let current: string;
  let old: string;
  let fieldless: string;
  beforeAll(async () => {
    await buildNative({ root });
    current = stubNvml();
    old = stubNvml('OLD');
    fieldless = stubNvml('WITHOUT_FIELDS');
  });

  interface Opened {
    readonly session: Session;
    readonly host: RecordingHost;
    readonly file: string;
    /** What a device tells in a new sample, by name and the values of its attributes. */
    readonly read: (id?: string) => Promise<Record<string, number>>;
    readonly change: (lines: string) => void;
  }

  async function open(lines: string, library = current, environment: Record<string, string> = {}): Promise<Opened> {
    const file = writeScenario(lines);
    setForTest({ ACCELMETER_STUB_NVML: file, ...environment });
    const host = recordingHost({ nvmlLibrary: library });
    const session = await cuda.open(host);
    onTestFinished(() => session.close());
    const read = async (id = uuid(0)) => {
      await sleep(110); // what compares samples needs them apart
      await session.prepare?.();
      const sample = session.sample?.();
      return namesOf(sample?.devices.find(({ device }) => device === id)?.readings ?? []);
    };
    return { session, host, file, read, change: (changed) => void writeScenario(changed, file) };
  }

  describe('conforms to what every backend must do', () => {
    const scenarios: Record<string, () => readonly [lines: string, library: string]> = {
      'two GPUs of different generation': () => [machine([hopper, turing]), current],
      'an old driver': () => [machine([turing], [], '11.450.51'), old],
      'a library without field values': () => [machine([hopper, turing]), fieldless],
      'a GPU in parts': () => [machine([partitioned, hopper]), current],
      'a GPU that tells only its name': () => [machine([mute]), current],
      'process lists that make no sense': () => [machine([garbage]), current],
    };
    for (const [name, scenario] of Object.entries(scenarios)) {
      describe(name, () => conforms(overStub(scenario), {}));
    }
    for (const capture of readdirSync(captures).filter((file) => file.startsWith('nvml-'))) {
      describe(capture, () => conforms(overStub(() => [readFileSync(join(captures, capture), 'utf8'), current])));
    }
  });

  /** The backend over a scenario, which is written when it is opened. */
  function overStub(scenario: () => readonly [lines: string, library: string]): Backend {
    return {
      name: 'cuda',
      open(host) {
        const [lines, nvmlLibrary] = scenario();
        setForTest({ ACCELMETER_STUB_NVML: writeScenario(lines) });
        return cuda.open({ ...host, options: { ...host.options, nvmlLibrary } });
      },
    };
  }

  it('a Hopper GPU tells all that there is, in the units of the catalogue', async () => {
    const { read, host } = await open(machine([hopper]));
    expect([...host.devices.values()]).toEqual([
      {
        id: uuid(0),
        backend: 'cuda',
        type: 'gpu',
        name: 'NVIDIA H200',
        index: 0,
        vendor: 'NVIDIA',
        driverVersion: '580.65.06',
        pciAddress: '00000000:17:00.0',
      },
    ]);
    await read();
    expect(await read()).toMatchSnapshot();
  });

  it('a Turing GPU with a driver of its time tells what it has, and no more', async () => {
    const { read } = await open(machine([turing], [], '11.450.51'), old);
    await read();
    expect(await read()).toMatchSnapshot();
  });

  it('a GPU without a fan has none, and one of whose values none is told has no readings but that', async () => {
    const { read } = await open(machine([hopper, mute]));
    expect(Object.keys(await read()).filter((name) => name.includes('fan'))).toEqual([]);
    expect(await read(uuid(1))).toEqual(Object.fromEntries(noXids.map((name) => [name, 0]).concat(wellSaid)));
  });

  it('the parts of a GPU are devices of their own: with memory and what runs on them, and no temperature', async () => {
    const { host, read, session } = await open(machine([partitioned]));
    expect(
      [...host.devices.values()].map(({ id, index, parent, migProfile }) => [id, index, parent, migProfile]),
    ).toEqual([
      [uuid(0), 0, undefined, undefined],
      [uuid(4, 'MIG'), 1, uuid(0), '3g.71gb'],
      [uuid(5, 'MIG'), 2, uuid(0), '3g.71gb'],
    ]);
    await read();
    expect(await read(uuid(5, 'MIG'))).toEqual({
      'hw.gpu.memory.limit': 70 * 2 ** 30,
      'hw.gpu.memory.usage': 10 * 2 ** 30,
      'hw.gpu.memory.utilization': 1 / 7,
      'accelmeter.device.memory.free': 60 * 2 ** 30,
      'accelmeter.device.process.memory': 2097152,
      'accelmeter.device.sm.utilization': 0.5,
    });
    expect(Object.keys(await read())).not.toContain('hw.gpu.utilization general');
    expect(session.sources()[0]).toMatchObject({ up: true, detail: 'driver 580.65.06, 1 GPU and 2 MIG instances' });
  });

  it('a machine that was captured tells the same when it is played again', async () => {
    for (const gpu of [hopper, turing, partitioned]) {
      const { read } = await open(machine([gpu]));
      const { text, timed } = await capture(current);
      expect(timed.length).toBeGreaterThan(30);
      expect(text).not.toContain(`${process.pid}:`);
      const again = await open(text);
      for (const opened of [read, again.read]) await opened();
      const lasting = ([name]: [string, number]) => !/energy|throttle.time|gpu.io/.test(name); // these count on
      expect(Object.entries(await again.read()).filter(lasting)).toEqual(Object.entries(await read()).filter(lasting));
    }
  });

  it('counters count from our first reading, and go on where the hardware begins anew', async () => {
    const { read, change } = await open(machine([hopper]));
    const before = await read();
    expect((await read())['hw.energy']).toBeCloseTo((before['hw.energy'] ?? 0) + 250);
    const total = (await read())['hw.energy'] ?? 0;
    change(machine([(gpu) => hopper(gpu).map((line) => line.replace('u64:1000000+250000', 'u64:5000+1000'))]));
    expect((await read())['hw.energy']).toBeCloseTo(total + 5);
    expect((await read())['hw.energy']).toBeCloseTo(total + 6);
  });

  it('a driver that is loaded anew makes no counter jump, and one of 32 bits goes on where it was full', async () => {
    const told = (energy: string, replays: string) =>
      machine([replacing(replacing(hopper, `field@0,83 0 ${energy}`), `field@0,94 0 ${replays}`)]);
    const { read, change } = await open(told('u64:3000000000', 'u32:4294967290'));
    const before = await read();
    change(told('u64:500', 'u32:5'));
    const now = await read();
    const since = (name: string) => (now[name] ?? Number.NaN) - (before[name] ?? Number.NaN);
    expect([since('hw.energy'), since('accelmeter.device.pcie.replays')]).toEqual([0.5, 11]);
  });

  it.each(['197', '198', '270'])(
    'a counter that fills 32 bits between two samples is not told: field %s',
    async (field) => {
      const { read } = await open(machine([replacing(hopper, `field@0,${field} 0 u32:4000000000`)]));
      const [wide, narrow] = [await (await open(machine([hopper]))).read(), await read()];
      expect(Object.keys(wide).length - Object.keys(narrow).length).toBe(1);
    },
  );

  it.each([
    [8, { hw_thermal: 1, power_brake: 0 }],
    [8 + 64, { hw_thermal: 1, power_brake: 0 }],
    [8 + 128, { hw_thermal: 0, power_brake: 1 }],
    [0, { hw_thermal: 0, power_brake: 0 }],
  ])('of a GPU that tells that its hardware slows it down it is said why: bits %d', async (bits, expected) => {
    const line = `nvmlDeviceGetCurrentClocksEventReasons@0 0 u64:${bits}`;
    const { read } = await open(machine([replacing(hopper, line)]));
    const now = await read();
    for (const [reason, value] of Object.entries(expected))
      expect(now[`accelmeter.device.throttled ${reason}`]).toBe(value);
  });

  describe('the version of the library says which fields are asked for throttle times', () => {
    const throttled = (gpu: number) => [
      ...hopper(gpu).filter((line) => !/field@\d,(251|252|253|269|270|271) /.test(line)),
      `field@${gpu},252 0 u64:0+1000000000`,
      `field@${gpu},270 0 u64:0+7000000000`,
    ];
    it.each([
      ['12.575.51.03', 1],
      ['13.580.65.06', 7],
    ])('%s', async (version, seconds) => {
      const { read } = await open(machine([throttled], [], version));
      const before = (await read())['accelmeter.device.throttle.time hw_thermal'] ?? Number.NaN;
      expect(((await read())['accelmeter.device.throttle.time hw_thermal'] ?? 0) - before).toBeCloseTo(seconds);
    });
  });

  describe('memory of this process', () => {
    it.each([
      ['size:16 1:1000 parent:2000', 2000],
      ['size:24 parent:2000', 2000],
      ['size:32 parent:2000 7:3000', 2000],
      ['size:24 parent:2000 parent:500', 2500],
      ['size:24 7:3000', undefined],
      ['size:24 parent:18446744073709551615', undefined],
      ['size:24 parent:999999999999999', undefined],
      ['size:40 parent:2000', undefined],
      ['count:4000000000 hex:ffffffffffffffffffffffffffffffff', undefined],
      ['count:3 hex:0102030405', undefined],
    ])('is %s: %s', async (list, bytes) => {
      const lines = (gpu: number) => [
        ...hopper(gpu).filter((line) => !line.startsWith('processes')),
        `processes@0 0 ${list}`,
      ];
      const { read } = await open(machine([lines]));
      expect((await read())['accelmeter.device.process.memory']).toBe(bytes);
    });
  });

  it('XIDs are counted from zero by number, and the last is told with its time', async () => {
    const { read, change } = await open(machine([hopper, hopper]));
    expect(await read()).toMatchObject({ 'hw.errors xid_79': 0, 'hw.errors xid_48': 0, 'hw.status ok': 1 });
    change(machine([hopper, hopper], ['event@0 31', 'event@1 79', 'event@0 31']));
    expect(await read()).toMatchObject({
      'hw.errors xid_31': 2,
      'hw.errors xid_79': 0,
      'accelmeter.device.xid.last': 31,
      'accelmeter.device.xid.last.time': expect.closeTo(Date.now() / 1000, -1),
      'hw.status ok': 1,
    });
    expect(await read(uuid(1))).toMatchObject({ 'hw.errors xid_79': 1, 'hw.status failed': 1, 'hw.status ok': 0 });
  });

  it.each([
    ['field@0,144 0 u32:1', 'failed'],
    ['field@0,145 0 u32:1', 'failed'],
    ['field@0,230 0 u32:1', 'failed'],
    ['field@0,4 0 u64:1', 'failed'],
    ['nvmlDeviceGetCurrentClocksEventReasons@0 0 u64:64', 'degraded'],
    ['nvmlDeviceGetCurrentClocksEventReasons@0 0 u64:128', 'degraded'],
    ['nvmlDeviceGetCurrentClocksEventReasons@0 0 u64:8', 'degraded'],
    ['nvmlDeviceGetCurrentClocksEventReasons@0 0 u64:4', 'ok'],
    ['nvmlDeviceGetCurrentClocksEventReasons@0 0 u64:3', 'ok'],
  ])('%s is the state %s', async (line, state) => {
    const { read } = await open(machine([replacing(hopper, line)]));
    expect(Object.entries(await read()).filter(([name, value]) => name.startsWith('hw.status') && value === 1)).toEqual(
      [[`hw.status ${state}`, 1]],
    );
  });

  it('a value that is no longer told is no longer reported', async () => {
    const { read, change } = await open(machine([hopper]));
    expect(await read()).toMatchObject({ 'hw.temperature core': 45, 'hw.temperature memory': 52 });
    change(machine([(gpu) => hopper(gpu).filter((line) => !/nvmlDeviceGetTemperature@|field@0,82 /.test(line))]));
    const now = await read();
    expect(Object.keys(now).filter((name) => name.startsWith('hw.temperature '))).toEqual([]);
    expect(now['hw.power']).toBe(350.5);
  });

  describe('CUDA_VISIBLE_DEVICES', () => {
    it('hides devices from this process, and is said', async () => {
      const { host, session } = await open(machine([hopper, hopper]), current, { CUDA_VISIBLE_DEVICES: '1' });
      expect([...host.devices.keys()]).toEqual([uuid(1)]);
      expect(session.sources()[0]?.detail).toBe('driver 580.65.06, 1 GPU, 1 hidden by CUDA_VISIBLE_DEVICES');
    });

    it('of several models, by an order that only CUDA knows, hides none, and is said', async () => {
      const { host, session } = await open(machine([hopper, turing]), current, { CUDA_VISIBLE_DEVICES: '1' });
      expect(host.devices.size).toBe(2);
      expect(session.sources()[0]?.detail).toMatch(/set CUDA_DEVICE_ORDER=PCI_BUS_ID/);
    });
  });

  describe('that there are none', () => {
    it.each([
      [9, 'absent', /NVML: the NVIDIA driver is not loaded/, /modprobe nvidia/],
      [17, 'denied', /the operating system or its control groups block the GPU/, /--gpus all/],
      [18, 'broken', /the library and the kernel driver are of different versions/, /reboot/],
      [999, 'broken', /an internal error of the driver/, /nvidia-smi/],
    ])('code %s of its initialisation', async (code, kind, message, remedy) => {
      setForTest({ CUDA_INJECTION64_PATH: '' });
      const opened = open(machine([hopper]).replace('nvmlInit_v2@ 0', `nvmlInit_v2@ ${code}`));
      const failure = await opened.then(
        ({ session }) => session.sources()[0],
        (error) => error,
      );
      expect(failure).toMatchObject(
        failure instanceof Error ? { kind, message, remedy } : { up: false, detail: message, remedy },
      );
    });

    it('the library', async () => {
      await expect(cuda.open(recordingHost({ nvmlLibrary: '/nowhere/libnvidia-ml.so.1' }))).rejects.toMatchObject({
        kind: 'absent',
        message: '/nowhere/libnvidia-ml.so.1 not found',
        remedy: /ACCELMETER_NVML_LIBRARY/,
      });
    });

    it('a file that is no library', async () => {
      const file = join(mkdtempSync(join(scratchFolder(), 'x')), 'nvml.so');
      writeFileSync(file, 'no library');
      const session = await Promise.resolve(cuda.open(recordingHost({ nvmlLibrary: file }))).catch((error) => error);
      const failure = session instanceof Error ? session.message : session.sources()[0].detail;
      expect(failure).toMatch(/nvml.so cannot be loaded: .*file too short/);
    });
  });

  it('a Worker reads none, and leaves no process behind', () => {
    const program = `
      const { readdirSync, readFileSync } = await import('node:fs');
      const { once } = await import('node:events');
      const { Worker } = await import('node:worker_threads');
      const worker = new Worker(\`
        const { createProfiler } = await import('accelmeter');
        const { absent } = await createProfiler({ backends: ['cuda'] }).catch((error) => ({ absent: [error.message] }));
        const { parentPort } = await import('node:worker_threads');
        parentPort.postMessage(absent.map(({ error, remedy }) => [error?.kind, remedy]));
        setInterval(() => {}, 1000);\`, { eval: true });
      const [absent] = await once(worker, 'message');
      await worker.terminate();
      const tasks = readdirSync('/proc/self/task');
      const children = tasks.map((task) => readFileSync('/proc/self/task/' + task + '/children', 'utf8')).join('');
      console.log(JSON.stringify({ absent, children }));`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
      env: { ...process.env, ACCELMETER_NVML_LIBRARY: current, ACCELMETER_STUB_NVML: writeScenario(machine([hopper])) },
    });
    expect({ stderr, ...JSON.parse(stdout) }).toEqual({
      stderr: '',
      absent: [['unsupported', 'create the profiler on the main thread']],
      children: '',
    });
  });

  describe('under register', () => {
    it('nothing is asked before the program uses CUDA', async () => {
      setForTest({ ACCELMETER_STUB_NVML: writeScenario(machine([hopper], ['hang nvmlInit_v2 30'])) });
      const host = recordingHost({ nvmlLibrary: current, lazy: true });
      const session = await cuda.open(host);
      onTestFinished(() => session.close());
      await session.prepare?.();
      expect(session.sources()[0]).toMatchObject({ name: 'nvml', up: true, detail: /has not used CUDA yet/ });
      expect(host.devices.size).toBe(0);
    });

    it('all of it is asked where that was wanted', async () => {
      setForTest({ ACCELMETER_STUB_NVML: writeScenario(machine([hopper])) });
      const host = recordingHost({ nvmlLibrary: current, lazy: true, deviceMetrics: 'on' });
      const session = await cuda.open(host);
      onTestFinished(() => session.close());
      await session.prepare?.();
      expect([...host.devices.keys()]).toEqual([uuid(0)]);
    });
  });

  it('nothing is asked where that was not wanted, and NVML is no source then', async () => {
    setForTest({ ACCELMETER_STUB_NVML: writeScenario(machine([hopper], ['hang nvmlInit_v2 30'])) });
    const host = recordingHost({ nvmlLibrary: current, deviceMetrics: 'off' });
    const session = await cuda.open(host);
    onTestFinished(() => session.close());
    await session.prepare?.();
    expect(session.sources().map(({ name }) => name)).toEqual(['cupti']);
    expect(host.devices.size).toBe(0);
  });
});

/** Answers nothing but what it is called. */
const mute: StubGpu = (gpu) => hopper(gpu).filter((line) => /GetName|GetUUID/.test(line));
/** As Turing drivers have given lists to who asked with structures of another driver. */
const garbage: StubGpu = (gpu) => replacing(hopper, `processes@${gpu} 0 count:3000000000 hex:${'5a'.repeat(96)}`)(gpu);

const noXids = [48, 62, 64, 74, 79, 95, 119, 120].map((code) => `hw.errors xid_${code}`);
const wellSaid: [string, number][] = [
  ['hw.status ok', 1],
  ['hw.status degraded', 0],
  ['hw.status failed', 0],
];

/** Readings by name and the last words of their attributes. */
function namesOf(readings: readonly Reading[]): Record<string, number> {
  return Object.fromEntries(
    readings.map(({ name, value, attributes = {} }) => [
      [name, ...Object.values(attributes).slice(0, 1)].join(' '),
      value,
    ]),
  );
}

/** Variables as they are for one test. */
function setForTest(variables: Record<string, string>): void {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name];
    process.env[name] = value;
    onTestFinished(() => {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    });
  }
}
