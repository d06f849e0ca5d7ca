// A program that computes with OpenCL and knows nothing of accelmeter: matrices are multiplied and vectors added, a
// few hundred times a second. Run it as it is, or see its kernels and copies from outside:
//
//   node --import accelmeter/register examples/opencl.mjs
//
// It ends after the number of seconds given as its argument; without one it goes on. A round is two copies to the device,
// one matrix product, four vector sums, and one copy back.
import { setTimeout as sleep } from 'node:timers/promises';
import koffi from 'koffi';

const library = { darwin: '/System/Library/Frameworks/OpenCL.framework/OpenCL', win32: 'OpenCL.dll' };
const cl = koffi.load(process.env.ACCELMETER_OPENCL_LIBRARY || library[process.platform] || 'libOpenCL.so.1');
const handle = 'void *';
const call = (name, result, ...parameters) => cl.func(name, result, parameters);
const clGetPlatformIDs = call('clGetPlatformIDs', 'int', 'uint', handle, handle);
const clGetDeviceIDs = call('clGetDeviceIDs', 'int', handle, 'uint64_t', 'uint', handle, handle);
const clCreateContext = call('clCreateContext', handle, handle, 'uint', handle, handle, handle, handle);
const clCreateCommandQueue = call('clCreateCommandQueue', handle, handle, handle, 'uint64_t', handle);
const clCreateBuffer = call('clCreateBuffer', handle, handle, 'uint64_t', 'size_t', handle, handle);
const clCreateProgramWithSource = call('clCreateProgramWithSource', handle, handle, 'uint', handle, handle, handle);
const clBuildProgram = call('clBuildProgram', 'int', handle, 'uint', handle, 'str', handle, handle);
const clCreateKernel = call('clCreateKernel', handle, handle, 'str', handle);
const clSetKernelArg = call('clSetKernelArg', 'int', handle, 'uint', 'size_t', handle);
const clEnqueueNDRangeKernel = call(
  'clEnqueueNDRangeKernel',
  'int',
  ...[handle, handle, 'uint', handle, handle, handle, 'uint', handle, handle],
);
const copyParameters = [handle, handle, 'uint', 'size_t', 'size_t', handle, 'uint', handle, handle];
const clEnqueueWriteBuffer = call('clEnqueueWriteBuffer', 'int', ...copyParameters);
const clEnqueueReadBuffer = call('clEnqueueReadBuffer', 'int', ...copyParameters);
const clFinish = call('clFinish', 'int', handle);

const source = `
__kernel void matmul_128(__global const float *a, __global const float *b, __global float *c) {
  const int row = get_global_id(1), column = get_global_id(0);
  float sum = 0.0f;
  for (int k = 0; k < 128; k++) sum += a[row * 128 + k] * b[k * 128 + column];
  c[row * 128 + column] = sum;
}
__kernel void vector_add(__global const float *a, __global const float *b, __global float *c) {
  const int i = get_global_id(0);
  c[i] = a[i] + b[i];
}`;

const size = 128;
const bytes = size * size * Float32Array.BYTES_PER_ELEMENT;
const CL_DEVICE_TYPE_ALL = 0xffffffff;
const CL_MEM_READ_WRITE = 1;
const blocking = 1;

const found = new BigUint64Array(1);
check(clGetPlatformIDs(1, found, null), 'clGetPlatformIDs');
const platform = found[0];
check(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, found, null), 'clGetDeviceIDs');
const device = found[0];
const context = create((status) => clCreateContext(null, 1, new BigUint64Array([device]), null, null, status));
const queue = create((status) => clCreateCommandQueue(context, device, 0, status));
const text = Buffer.from(`${source}\0`);
const program = create((status) =>
  clCreateProgramWithSource(context, 1, new BigUint64Array([koffi.address(text)]), null, status),
);
check(clBuildProgram(program, 0, null, '', null, null), 'clBuildProgram');
const matmul = create((status) => clCreateKernel(program, 'matmul_128', status));
const vectorAdd = create((status) => clCreateKernel(program, 'vector_add', status));
const buffers = [0, 1, 2].map(() =>
  create((status) => clCreateBuffer(context, CL_MEM_READ_WRITE, bytes, null, status)),
);
for (const kernel of [matmul, vectorAdd]) {
  buffers.forEach((buffer, index) => {
    check(clSetKernelArg(kernel, index, 8, new BigUint64Array([BigInt(koffi.address(buffer))])), 'clSetKernelArg');
  });
}

const host = new Float32Array(size * size).fill(1);
let rounds = 0;
const until = performance.now() + 1000 * (Number(process.argv[2]) || Number.POSITIVE_INFINITY);
while (performance.now() < until) {
  for (const buffer of buffers.slice(0, 2)) {
    check(clEnqueueWriteBuffer(queue, buffer, blocking, 0, bytes, host, 0, null, null), 'clEnqueueWriteBuffer');
  }
  launch(matmul, [size, size]);
  for (let i = 0; i < 4; i++) launch(vectorAdd, [size * size]);
  check(clFinish(queue), 'clFinish');
  check(clEnqueueReadBuffer(queue, buffers[2], blocking, 0, bytes, host, 0, null, null), 'clEnqueueReadBuffer');
  host.fill(1);
  rounds += 1;
  await sleep(5);
}
console.log(`${rounds} rounds`);

function launch(kernel, globalSize) {
  const sizes = new BigUint64Array(globalSize.map(BigInt));
  check(
    clEnqueueNDRangeKernel(queue, kernel, globalSize.length, null, sizes, null, 0, null, null),
    'clEnqueueNDRangeKernel',
  );
}

function create(make) {
  const status = new Int32Array(1);
  const made = make(status);
  check(status[0], make.toString().match(/cl\w+/)[0]);
  return made;
}

function check(status, name) {
  if (status !== 0) throw new Error(`${name} failed with ${status}`);
}
