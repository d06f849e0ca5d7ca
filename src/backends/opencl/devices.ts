/** Which devices there are, and what they are called. */
import type { DeviceIdentity } from '../../backend.ts';
import { optional } from '../../errors.ts';
import { deviceQuery, type OpenCL } from './driver.ts';

/** An OpenCL device: its handle, which is the same for the life of the process, and what is known of it. */
export interface OpenclDevice {
  readonly handle: bigint;
  readonly identity: DeviceIdentity;
  /** `CL_DEVICE_GLOBAL_MEM_SIZE`. */
  readonly memoryBytes: number | undefined;
  /** Whether its driver tells how much of its memory is free. */
  readonly tellsFreeMemory: boolean;
}

/** Where a device stands among all: used for its id where it has no UUID. */
export interface Position {
  /** Among the devices of this backend. */
  readonly index: number;
  /** Of its platform, among those of the loader. */
  readonly platform: number;
  /** Among the devices of its platform. */
  readonly device: number;
  readonly hostId: string;
}

/** Reads what a device is. Throws a ProbeError where it answers nothing at all. */
export function describeDevice(opencl: OpenCL, handle: bigint, position: Position): OpenclDevice {
  const type = typeOf(opencl.deviceNumber(handle, deviceQuery.type));
  const vendor = optional(() => opencl.deviceText(handle, deviceQuery.vendor));
  const driverVersion = optional(() => opencl.deviceText(handle, deviceQuery.driverVersion));
  const memory = optional(() => opencl.deviceNumber(handle, deviceQuery.globalMemoryBytes));
  const extensions = (optional(() => opencl.deviceText(handle, deviceQuery.extensions)) ?? '').split(' ');
  return {
    handle,
    memoryBytes: memory === undefined ? undefined : Number(memory),
    tellsFreeMemory: type === 'gpu' && extensions.includes('cl_amd_device_attribute_query'),
    identity: {
      id: (type === 'gpu' ? uuidOf(opencl, handle, extensions) : undefined) ?? idWithoutUuid(position),
      backend: 'opencl',
      type,
      name: opencl.deviceText(handle, deviceQuery.name) || 'OpenCL device',
      index: position.index,
      ...(vendor && { vendor }),
      ...(driverVersion && { driverVersion }),
    },
  };
}

/** A device is counted within its platform: other platforms need not be looked at to number it the same each time. */
function idWithoutUuid({ hostId, platform, device }: Position): string {
  return `${hostId}:opencl:${platform === 0 ? device : `${platform}.${device}`}`;
}

/** Bits of `CL_DEVICE_TYPE`. */
const cpuBit = 2n;
const gpuBit = 4n;

function typeOf(bits: bigint): DeviceIdentity['type'] {
  if (bits & gpuBit) return 'gpu';
  return bits & cpuBit ? 'cpu' : 'accelerator';
}

const nvidia = 0x10den;

/**
 * The UUID of a GPU, for NVIDIA's in the form that NVML and dcgm-exporter have. Not asked of CPUs: drivers make theirs
 * up from the model's name, so that every host has the same.
 */
function uuidOf(opencl: OpenCL, handle: bigint, extensions: readonly string[]): string | undefined {
  if (!extensions.includes('cl_khr_device_uuid')) return undefined;
  const bytes = optional(() => opencl.deviceBytes(handle, deviceQuery.uuid));
  if (bytes?.length !== 16 || bytes.every((byte) => byte === 0)) return undefined;
  const uuid = Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return opencl.deviceNumber(handle, deviceQuery.vendorId) === nvidia ? `GPU-${uuid}` : uuid;
}

/** Bytes of its memory that are free, whoever uses the rest: for a device that `tellsFreeMemory`. */
export function freeMemoryOf(opencl: OpenCL, { handle }: OpenclDevice): number | undefined {
  const bytes = optional(() => opencl.deviceBytes(handle, deviceQuery.freeMemoryKibibytes));
  if (bytes === undefined || bytes.length < 8) return undefined;
  const kibibytes = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  return Number(kibibytes) * 1024;
}
