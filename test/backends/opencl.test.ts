import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildNative } from '../../scripts/build-native.mjs';
import type { Session } from '../../src/backend.ts';
import { describeDevice, freeMemoryOf } from '../../src/backends/opencl/devices.ts';
import type { OpenCL } from '../../src/backends/opencl/driver.ts';
import { errorType } from '../../src/backends/opencl/error-codes.ts';
import { opencl } from '../../src/backends/opencl/index.ts';
import { installedDrivers } from '../../src/backends/opencl/installed.ts';
import { readingsOf } from '../../src/backends/opencl/readings.ts';
import { ProbeError } from '../../src/errors.ts';
import { conforms, recordingHost } from '../conformance.ts';
import { scratchFolder } from '../native/compile.ts';
import { lacks } from '../parts.ts';

const root = new URL('../..', import.meta.url).pathname;

describe.skipIf(lacks('pocl', 'cc'))('on a machine with PoCL', () => {
  beforeAll(() => buildNative({ root }));

  conforms(opencl);

  it('finds the device, and traces what this process runs on it', async () => {
    const host = recordingHost();
    const session = await opencl.open(host);
    expect([...host.devices.values()]).toMatchObject([{ id: 'test-host:opencl:0', type: 'cpu', index: 0 }]);
    expect(session.sources()).toMatchObject([
      { name: 'opencl', up: true, detail: 'Portable Computing Language' },
      { name: 'opencl_layer', up: true, detail: 'kernels traced', dropped: 0 },
    ]);
    session.close();
  });

  it('has the records of a process to itself: a second one says so, until the first is closed', async () => {
    const layerOf = (session: Session) => session.sources().find(({ name }) => name === 'opencl_layer');
    const first = await opencl.open(recordingHost());
    const second = await opencl.open(recordingHost());
    second.drain?.(0.01);
    expect(layerOf(first)).toMatchObject({ up: true });
    expect(layerOf(second)).toMatchObject({ up: false, detail: /another profiler/, remedy: /one profiler/ });
    first.close();
    second.drain?.(0.01);
    expect(layerOf(second)).toMatchObject({ up: true, detail: 'kernels traced' });
    second.close();
  });

  it('says that it came too late where the program was first', () => {
    const { stdout, stderr } = spawnSync(process.execPath, [join(root, 'test/programs/late.ts')], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject([
      { name: 'opencl', up: true },
      { name: 'opencl_layer', up: false, detail: /OpenCL was in use before accelmeter/, remedy: /register/ },
    ]);
  });

  it('knows its driver by the file that registers it', () => {
    expect(installedDrivers()).toContainEqual(expect.stringMatching(/^libpocl\.so/));
  });
});

describe('on a machine without OpenCL', () => {
  it('is absent, with what mends it', () => {
    const host = recordingHost({ openclLibrary: '/nowhere/libOpenCL.so.1' });
    const opening = async () => opencl.open(host);
    return expect(opening()).rejects.toMatchObject({ kind: 'absent', remedy: /OpenCL/ });
  });
});

describe('registered drivers', () => {
  it('are read from folders and files, and nothing is made of what is not there', () => {
    const folder = mkdtempSync(join(scratchFolder(), 'vendors-'));
    writeFileSync(join(folder, 'acme.icd'), '/opt/acme/libacme.so.1\n');
    writeFileSync(join(folder, 'empty.icd'), '');
    writeFileSync(join(folder, 'notes.txt'), 'libnotes.so');
    const only = (environment: NodeJS.ProcessEnv) => {
      const usual = installedDrivers({});
      return installedDrivers(environment).filter((driver) => !usual.includes(driver));
    };
    expect(only({ OCL_ICD_VENDORS: folder })).toEqual(['libacme.so.1']);
    expect(only({ OCL_ICD_VENDORS: join(folder, 'acme.icd') })).toEqual(['libacme.so.1']);
    expect(only({ OCL_ICD_FILENAMES: 'liba.so:/opt/libb.so' })).toEqual(['liba.so', 'libb.so']);
    expect(only({ OCL_ICD_VENDORS: join(folder, 'gone') })).toEqual([]);
  });
});

describe('a device’s identity', () => {
  const nvidia = { type: 4n, vendorId: 0x10den, uuid: '3f7d6c2a9b1e4f5088776655443322ff' };
  const identity = (device: FakeDevice, place = { platform: 0, device: 2 }) =>
    describeDevice(fakeOpencl(device), 7n, { ...place, index: 5, hostId: 'host' }).identity;

  it('is NVML’s UUID for an NVIDIA GPU', () => {
    expect(identity(nvidia).id).toBe('GPU-3f7d6c2a-9b1e-4f50-8877-6655443322ff');
  });

  it('is the driver’s UUID for another GPU', () => {
    expect(identity({ ...nvidia, vendorId: 0x1002n }).id).toBe('3f7d6c2a-9b1e-4f50-8877-6655443322ff');
  });

  it('is its place on this host where it has no UUID of its own', () => {
    expect(identity({ ...nvidia, uuid: undefined }).id).toBe('host:opencl:2');
    expect(identity({ ...nvidia, uuid: '0'.repeat(32) }).id).toBe('host:opencl:2');
    expect(identity({ ...nvidia, type: 2n }).id).toBe('host:opencl:2');
    expect(identity({ ...nvidia, type: 2n }, { platform: 1, device: 0 }).id).toBe('host:opencl:1.0');
  });

  it('has a type, and no more than the driver tells', () => {
    expect([2n, 4n, 8n].map((type) => identity({ ...nvidia, type }).type)).toEqual(['cpu', 'gpu', 'accelerator']);
    expect(Object.keys(identity(nvidia))).not.toContain('driverVersion');
  });
});

describe('a device’s memory', () => {
  const amd = { type: 4n, vendorId: 0x1002n, uuid: undefined, freeKibibytes: [3 * 2 ** 20, 2 ** 20] };
  const place = { platform: 0, device: 0, index: 0, hostId: 'host' };
  const described = (device: FakeDevice) => describeDevice(fakeOpencl(device), 7n, place);

  it('is in use as far as AMD’s driver says that it is not free', () => {
    const device = described(amd);
    expect(device.tellsFreeMemory).toBe(true);
    expect(freeMemoryOf(fakeOpencl(amd), device)).toBe(3 * 2 ** 30);
  });

  it('is not asked of drivers that do not tell', () => {
    expect(described({ ...amd, freeKibibytes: undefined }).tellsFreeMemory).toBe(false);
    expect(described({ ...amd, type: 2n }).tellsFreeMemory).toBe(false);
  });

  it('is read only where it was told, and of a GPU', () => {
    const { identity } = described(amd);
    const told = { memoryBytes: 2 ** 32, freeMemoryBytes: 2 ** 30, queueDepth: 5 };
    expect(readingsOf(identity, told)).toEqual([
      { name: 'accelmeter.device.queue.depth', value: 5 },
      { name: 'hw.gpu.memory.limit', value: 2 ** 32 },
      { name: 'hw.gpu.memory.usage', value: 3 * 2 ** 30 },
    ]);
    const names = (changed: object) => readingsOf(identity, { ...told, ...changed }).map(({ name }) => name);
    expect(names({ queueDepth: undefined, freeMemoryBytes: undefined })).toEqual(['hw.gpu.memory.limit']);
    expect(names({ freeMemoryBytes: 2 ** 33 })).not.toContain('hw.gpu.memory.usage');
    expect(names({ memoryBytes: undefined })).toEqual(['accelmeter.device.queue.depth']);
    expect(readingsOf({ ...identity, type: 'cpu' }, told).length).toBe(1);
  });
});

describe('error codes', () => {
  it('are error types of few values', () => {
    expect([errorType(-5), errorType(-54), errorType(-9999)]).toEqual([
      'out_of_resources',
      'invalid_work_group_size',
      'opencl_-9999',
    ]);
  });
});

interface FakeDevice {
  readonly type: bigint;
  readonly vendorId: bigint;
  readonly uuid: string | undefined;
  /** As AMD's drivers tell it: all, and the largest block. */
  readonly freeKibibytes?: number[] | undefined;
}

/** What a driver answers of one device; anything else it does not know. */
function fakeOpencl({ type, vendorId, uuid, freeKibibytes }: FakeDevice): OpenCL {
  const unknown = () => {
    throw new ProbeError('unsupported', 'invalid_value');
  };
  const extensions = ['cl_khr_icd'];
  if (uuid !== undefined) extensions.push('cl_khr_device_uuid');
  if (freeKibibytes !== undefined) extensions.push('cl_amd_device_attribute_query');
  const blobs = new Map<number, Uint8Array>();
  if (uuid !== undefined) blobs.set(0x106a, new Uint8Array(Buffer.from(uuid, 'hex')));
  if (freeKibibytes !== undefined) {
    blobs.set(0x4039, new Uint8Array(BigUint64Array.from(freeKibibytes, BigInt).buffer));
  }
  const texts = new Map([
    [0x102b, 'A GPU'],
    [0x1030, extensions.join(' ')],
  ]);
  const numbers = new Map([
    [0x1000, type],
    [0x1001, vendorId],
  ]);
  return {
    platforms: () => [1n],
    devices: () => [7n],
    platformText: () => 'A platform',
    deviceText: (_, query) => texts.get(query) ?? unknown(),
    deviceNumber: (_, query) => numbers.get(query) ?? unknown(),
    deviceBytes: (_, query) => blobs.get(query) ?? unknown(),
  };
}
