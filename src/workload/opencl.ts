/**
 * The multiplication in OpenCL C, one work item for each element. It calls OpenCL as any program does and records
 * nothing: accelmeter sees its kernel through the layer, or not at all, and so counts it once.
 */
import type { Device } from '../device.ts';
import { ProbeError } from '../errors.ts';
import { type Bound, type CallTable, openLibrary } from '../ffi.ts';
import { kernelName, left, type Multiplication, right, size, type Workload, type WorkloadOptions } from './workload.ts';

/** Source: the OpenCL 3.0 specification. Those that create give a handle, and an error code through the last argument. */
const openclCalls = {
  getPlatformIds: { symbols: ['clGetPlatformIDs'], takes: ['u32', 'memory', 'memory'], gives: 'i32' },
  getDeviceIds: {
    symbols: ['clGetDeviceIDs'],
    takes: ['handle', 'u64', 'u32', 'memory', 'memory'],
    gives: 'i32',
  },
  getDeviceInfo: {
    symbols: ['clGetDeviceInfo'],
    takes: ['handle', 'u32', 'size', 'memory', 'memory'],
    gives: 'i32',
  },
  createContext: {
    symbols: ['clCreateContext'],
    takes: ['memory', 'u32', 'memory', 'handle', 'handle', 'memory'],
    gives: 'handle',
  },
  createQueue: { symbols: ['clCreateCommandQueue'], takes: ['handle', 'handle', 'u64', 'memory'], gives: 'handle' },
  createBuffer: {
    symbols: ['clCreateBuffer'],
    takes: ['handle', 'u64', 'size', 'memory', 'memory'],
    gives: 'handle',
  },
  createProgram: {
    symbols: ['clCreateProgramWithSource'],
    takes: ['handle', 'u32', 'texts', 'memory', 'memory'],
    gives: 'handle',
  },
  buildProgram: {
    symbols: ['clBuildProgram'],
    takes: ['handle', 'u32', 'memory', 'text', 'handle', 'handle'],
    gives: 'i32',
  },
  createKernel: { symbols: ['clCreateKernel'], takes: ['handle', 'text', 'memory'], gives: 'handle' },
  setKernelArgument: { symbols: ['clSetKernelArg'], takes: ['handle', 'u32', 'size', 'memory'], gives: 'i32' },
  writeBuffer: {
    symbols: ['clEnqueueWriteBuffer'],
    takes: ['handle', 'handle', 'u32', 'size', 'size', 'memory', 'u32', 'memory', 'memory'],
    gives: 'i32',
  },
  launch: {
    symbols: ['clEnqueueNDRangeKernel'],
    takes: ['handle', 'handle', 'u32', 'memory', 'memory', 'memory', 'u32', 'memory', 'memory'],
    gives: 'i32',
  },
  readBuffer: {
    symbols: ['clEnqueueReadBuffer'],
    takes: ['handle', 'handle', 'u32', 'size', 'size', 'memory', 'u32', 'memory', 'memory'],
    gives: 'i32',
  },
  finish: { symbols: ['clFinish'], takes: ['handle'], gives: 'i32' },
  releaseBuffer: { symbols: ['clReleaseMemObject'], takes: ['handle'], gives: 'i32' },
  releaseKernel: { symbols: ['clReleaseKernel'], takes: ['handle'], gives: 'i32' },
  releaseProgram: { symbols: ['clReleaseProgram'], takes: ['handle'], gives: 'i32' },
  releaseQueue: { symbols: ['clReleaseCommandQueue'], takes: ['handle'], gives: 'i32' },
  releaseContext: { symbols: ['clReleaseContext'], takes: ['handle'], gives: 'i32' },
} as const satisfies CallTable;
type OpenCL = Bound<typeof openclCalls>;

const loaderNames: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  darwin: '/System/Library/Frameworks/OpenCL.framework/OpenCL',
  win32: 'OpenCL.dll',
};

/** `CL_DEVICE_TYPE_ALL`, `CL_DEVICE_NAME`, `CL_MEM_READ_WRITE`. */
const allDevices = 0xffff_ffffn;
const deviceName = 0x102b;
const readWrite = 1n;
const blocking = 1;

const source = `
__kernel void ${kernelName}(__global const float *left, __global const float *right, __global float *result) {
  const int row = get_global_id(1), column = get_global_id(0);
  float sum = 0;
  for (int k = 0; k < ${size}; k++) sum += left[row * ${size} + k] * right[k * ${size} + column];
  result[row * ${size} + column] = sum;
}`;

export const opencl: Workload = {
  backend: 'opencl',
  how: 'OpenCL C, a work item an element',
  open(device, { openclLibrary }: WorkloadOptions) {
    const names = [openclLibrary ?? loaderNames[process.platform] ?? 'libOpenCL.so.1'];
    const cl = openLibrary(openclCalls, { names });
    return multiplicationOn(cl, handleOf(cl, device));
  },
};

/** OpenCL's handle of a device: the one at its place, or where drivers offer one twice, the first of its name. */
function handleOf(cl: OpenCL, { index, name }: Device): bigint {
  const handles = listOf((...rest) => cl.getPlatformIds(...rest)).flatMap((platform) =>
    listOf((...rest) => cl.getDeviceIds(platform, allDevices, ...rest)),
  );
  const isNamed = (handle: bigint | undefined) => handle !== undefined && nameOf(cl, handle) === name;
  const handle = isNamed(handles[index]) ? handles[index] : handles.find(isNamed);
  if (handle === undefined) throw new ProbeError('lost', 'its driver does not list it any more');
  return handle;
}

/** Asked twice: how many there are, and which. A platform without a device answers with an error. */
function listOf(ask: (room: number, handles: BigUint64Array | null, total: Uint32Array) => number): bigint[] {
  const total = new Uint32Array(1);
  if (ask(0, null, total) !== 0) return [];
  const handles = new BigUint64Array(total[0] ?? 0);
  if (handles.length > 0) check(ask(handles.length, handles, total), 'listing its devices');
  return [...handles];
}

function nameOf(cl: OpenCL, handle: bigint): string {
  const bytes = new Uint8Array(1024);
  check(cl.getDeviceInfo(handle, deviceName, bytes.length, bytes, null), 'clGetDeviceInfo');
  return new TextDecoder().decode(bytes).replace(/\0.*$/s, '').replace(/\s+/g, ' ').trim();
}

function multiplicationOn(cl: OpenCL, device: bigint): Multiplication {
  const releases: (() => void)[] = [];
  const create = (call: string, make: (code: Int32Array) => bigint | null, release: (made: bigint) => void) => {
    const code = new Int32Array(1);
    const made = make(code);
    check(code[0] ?? 0, call);
    if (made === null) throw new ProbeError('broken', `${call} gave nothing`);
    releases.unshift(() => release(made));
    return made;
  };
  const close = () => {
    for (const release of releases.splice(0)) release();
  };
  try {
    const devices = new BigUint64Array([device]);
    const context = create(
      'clCreateContext',
      (code) => cl.createContext(null, 1, devices, null, null, code),
      cl.releaseContext,
    );
    const queue = create('clCreateCommandQueue', (code) => cl.createQueue(context, device, 0n, code), cl.releaseQueue);
    const buffers = [left, right, left].map(({ byteLength }) =>
      create('clCreateBuffer', (code) => cl.createBuffer(context, readWrite, byteLength, null, code), cl.releaseBuffer),
    ) as [bigint, bigint, bigint];
    const program = create(
      'clCreateProgramWithSource',
      (code) => cl.createProgram(context, 1, [source], null, code),
      cl.releaseProgram,
    );
    check(cl.buildProgram(program, 0, null, '', null, null), 'clBuildProgram');
    const kernel = create('clCreateKernel', (code) => cl.createKernel(program, kernelName, code), cl.releaseKernel);
    buffers.forEach((buffer, i) => {
      check(cl.setKernelArgument(kernel, i, 8, new BigUint64Array([buffer])), 'clSetKernelArg');
    });
    [left, right].forEach((matrix, i) => {
      const buffer = buffers[i] as bigint;
      const code = cl.writeBuffer(queue, buffer, blocking, 0, matrix.byteLength, matrix, 0, null, null);
      check(code, 'clEnqueueWriteBuffer');
    });
    return { ...runsOf(cl, { queue, kernel, result: buffers[2] }), close };
  } catch (error) {
    close();
    throw error;
  }
}

function runsOf(
  cl: OpenCL,
  { queue, kernel, result }: { queue: bigint; kernel: bigint; result: bigint },
): Pick<Multiplication, 'run' | 'product'> {
  const globalSize = new BigUint64Array([BigInt(size), BigInt(size)]);
  return {
    run() {
      check(cl.launch(queue, kernel, 2, null, globalSize, null, 0, null, null), 'clEnqueueNDRangeKernel');
      check(cl.finish(queue), 'clFinish');
    },
    product() {
      const read = new Float32Array(size * size);
      const code = cl.readBuffer(queue, result, blocking, 0, read.byteLength, read, 0, null, null);
      check(code, 'clEnqueueReadBuffer');
      return read;
    },
  };
}

function check(code: number, call: string): void {
  if (code !== 0) throw new ProbeError('broken', `${call} failed with ${code}`);
}
