/**
 * OpenCL's own queries, through the system's loader. The first call initialises the loader and with it every driver
 * that is registered: see index.ts for when that is allowed.
 */
import { ProbeError, type ProbeErrorKind } from '../../errors.ts';
import { type Bound, type CallTable, openLibrary } from '../../ffi.ts';
import { errorType } from './error-codes.ts';

/**
 * Source: the OpenCL 3.0 specification, "Querying Platform Info" and "Querying Devices". Each gives 0 or an error
 * code. A query of text or a list is made twice: for its size, and for the value.
 */
const openclCalls = {
  platformIds: { symbols: ['clGetPlatformIDs'], takes: ['u32', 'memory', 'memory'], gives: 'i32' },
  platformInfo: {
    symbols: ['clGetPlatformInfo'],
    takes: ['handle', 'u32', 'size', 'memory', 'memory'],
    gives: 'i32',
  },
  deviceIds: { symbols: ['clGetDeviceIDs'], takes: ['handle', 'u64', 'u32', 'memory', 'memory'], gives: 'i32' },
  deviceInfo: { symbols: ['clGetDeviceInfo'], takes: ['handle', 'u32', 'size', 'memory', 'memory'], gives: 'i32' },
} as const satisfies CallTable;

/** Names of what is asked, with the specification's numbers. */
export const platformQuery = { name: 0x0902 } as const;
export const deviceQuery = {
  type: 0x1000,
  vendorId: 0x1001,
  globalMemoryBytes: 0x101f,
  name: 0x102b,
  vendor: 0x102c,
  driverVersion: 0x102d,
  extensions: 0x1030,
  platform: 0x1031,
  /** Of `cl_amd_device_attribute_query`: KiB that are free, as a `size_t`; then the largest free block. */
  freeMemoryKibibytes: 0x4039,
  /** Of `cl_khr_device_uuid`: 16 bytes. */
  uuid: 0x106a,
} as const;

/** `CL_DEVICE_TYPE_ALL`: every device but custom ones, which run no kernels of a program's own. */
const allDevices = 0xffff_ffffn;

type Ask = (size: number, value: NodeJS.TypedArray | null, sizeReturned: BigUint64Array | null) => number;

/**
 * OpenCL, typed. Each method throws a ProbeError: `unsupported` for a query that a device does not know, `denied`,
 * `lost` or `broken` for other refusals.
 */
export interface OpenCL {
  /** Every platform's handle; none where no driver is registered. */
  platforms(): bigint[];
  /** The handles of a platform's devices; none where it has none. */
  devices(platform: bigint): bigint[];
  platformText(platform: bigint, query: number): string;
  deviceText(device: bigint, query: number): string;
  /** A value of 32 or 64 bits, such as a type, a size or a handle. */
  deviceNumber(device: bigint, query: number): bigint;
  deviceBytes(device: bigint, query: number): Uint8Array;
}

/** The loader's file names: Linux, macOS, Windows. */
const loaderNames: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ['/System/Library/Frameworks/OpenCL.framework/OpenCL'],
  win32: ['OpenCL.dll'],
};
const unixNames = ['libOpenCL.so.1', 'libOpenCL.so'];

/** Opens the loader. Throws a ProbeError `absent` where there is none. */
export function openOpencl(library: string | undefined): OpenCL {
  const names = library === undefined ? (loaderNames[process.platform] ?? unixNames) : [library];
  const remedy =
    library === undefined
      ? 'install an OpenCL ICD loader: ocl-icd-libopencl1'
      : 'name another file in ACCELMETER_OPENCL_LIBRARY, or none for the loader of the system';
  return typed(openLibrary(openclCalls, { names, remedy }));
}

function typed(calls: Bound<typeof openclCalls>): OpenCL {
  const deviceInfo =
    (device: bigint, query: number): Ask =>
    (...rest) =>
      calls.deviceInfo(device, query, ...rest);
  return {
    platforms: () => list((...rest) => calls.platformIds(...rest), 'clGetPlatformIDs'),
    devices: (platform) => list((...rest) => calls.deviceIds(platform, allDevices, ...rest), 'clGetDeviceIDs'),
    platformText: (platform, query) => text((...rest) => calls.platformInfo(platform, query, ...rest)),
    deviceText: (device, query) => text(deviceInfo(device, query)),
    deviceNumber: (device, query) => new DataView(bytes(deviceInfo(device, query), 8).buffer).getBigUint64(0, true),
    deviceBytes: (device, query) => bytes(deviceInfo(device, query)),
  };
}

/** Having none is not an error here, though OpenCL has a code for it. */
const none = [-1, -1001];

function list(ask: (count: number, ids: BigUint64Array | null, total: Uint32Array) => number, call: string): bigint[] {
  const total = new Uint32Array(1);
  const code = ask(0, null, total);
  if (none.includes(code)) return [];
  check(code, call);
  const ids = new BigUint64Array(total[0] ?? 0);
  if (ids.length > 0) check(ask(ids.length, ids, total), call);
  return [...ids.subarray(0, total[0])];
}

/** The bytes of an answer, with zeroes after it up to `atLeast`. */
function bytes(ask: Ask, atLeast = 0): Uint8Array {
  const size = new BigUint64Array(1);
  check(ask(0, null, size), 'an OpenCL query');
  const length = Number(size[0]);
  const value = new Uint8Array(Math.max(length, atLeast));
  if (length > 0) check(ask(length, value, null), 'an OpenCL query');
  return value;
}

const decoder = new TextDecoder();
const text = (ask: Ask) => decoder.decode(bytes(ask)).replace(/\0.*$/s, '').replace(/\s+/g, ' ').trim();

function check(code: number, call: string): void {
  if (code === 0) return;
  throw new ProbeError(kinds[code] ?? 'broken', `${call} failed: ${errorType(code)}`);
}

/** INVALID_VALUE is what a query is answered with that the device's version does not know. */
const kinds: Readonly<Record<number, ProbeErrorKind>> = { [-2]: 'lost', [-30]: 'unsupported', [-59]: 'unsupported' };
