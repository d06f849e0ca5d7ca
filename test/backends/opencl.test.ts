import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildNative } from '../../scripts/build-native.mjs';
import { describeDevice } from '../../src/backends/opencl/devices.ts';
import type { OpenCL } from '../../src/backends/opencl/driver.ts';
import { errorType } from '../../src/backends/opencl/error-codes.ts';
import { opencl } from '../../src/backends/opencl/index.ts';
import { installedDrivers } from '../../src/backends/opencl/installed.ts';
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
}

/** What a driver answers of one device; anything else it does not know. */
function fakeOpencl({ type, vendorId, uuid }: FakeDevice): OpenCL {
  const unknown = () => {
    throw new ProbeError('unsupported', 'invalid_value');
  };
  const texts = new Map([
    [0x102b, 'A GPU'],
    [0x1030, uuid === undefined ? 'cl_khr_icd' : 'cl_khr_icd cl_khr_device_uuid'],
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
    deviceBytes: (_, query) => (query === 0x106a && uuid ? new Uint8Array(Buffer.from(uuid, 'hex')) : unknown()),
  };
}
