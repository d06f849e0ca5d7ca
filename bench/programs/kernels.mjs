// A program of kernels of a given length, which knows nothing of accelmeter and times itself. Told a number, it runs so
// many kernels and answers, in microseconds, how long one took from its enqueue to its end, and the CPU time of the whole
// process for one. Argument: the inner loop count of the kernel.
import { setImmediate as turn } from 'node:timers/promises';
import koffi from 'koffi';

const [loops = 1000] = process.argv.slice(2).map(Number);
const batch = 20;

const cl = koffi.load('libOpenCL.so.1');
const p = 'void *';
const call = (name, result, ...parameters) => cl.func(name, result, parameters);
const clGetPlatformIDs = call('clGetPlatformIDs', 'int', 'uint', p, p);
const clGetDeviceIDs = call('clGetDeviceIDs', 'int', p, 'uint64_t', 'uint', p, p);
const clCreateContext = call('clCreateContext', p, p, 'uint', p, p, p, p);
const clCreateCommandQueue = call('clCreateCommandQueue', p, p, p, 'uint64_t', p);
const clCreateBuffer = call('clCreateBuffer', p, p, 'uint64_t', 'size_t', p, p);
const clCreateProgramWithSource = call('clCreateProgramWithSource', p, p, 'uint', p, p, p);
const clBuildProgram = call('clBuildProgram', 'int', p, 'uint', p, 'str', p, p);
const clCreateKernel = call('clCreateKernel', p, p, 'str', p);
const clSetKernelArg = call('clSetKernelArg', 'int', p, 'uint', 'size_t', p);
const clEnqueueNDRangeKernel = call('clEnqueueNDRangeKernel', 'int', p, p, 'uint', p, p, p, 'uint', p, p);
const clEnqueueReadBuffer = call('clEnqueueReadBuffer', 'int', p, p, 'uint', 'size_t', 'size_t', p, 'uint', p, p);
const clFinish = call('clFinish', 'int', p);

const id = new BigUint64Array(1);
clGetPlatformIDs(1, id, null);
clGetDeviceIDs(id[0], 0xffffffff, 1, id, null);
const context = clCreateContext(null, 1, id, null, null, null);
const queue = clCreateCommandQueue(context, id[0], 0, null);
const text = Buffer.from(
  `__kernel void spin(__global float *out, int loops) {
     float x = get_global_id(0);
     for (int i = 0; i < loops; i++) x = x * 0.999f + 0.5f;
     out[get_global_id(0)] = x;
   }\0`,
);
const program = clCreateProgramWithSource(context, 1, new BigUint64Array([koffi.address(text)]), null, null);
clBuildProgram(program, 0, null, '', null, null);
const kernel = clCreateKernel(program, 'spin', null);
const out = clCreateBuffer(context, 1, 64 * 4, null, null);
clSetKernelArg(kernel, 0, 8, new BigUint64Array([koffi.address(out)]));
clSetKernelArg(kernel, 1, 4, new Int32Array([loops]));
const size = new BigUint64Array([64n]);

const runBatch = async () => {
  for (let i = 0; i < batch; i++) clEnqueueNDRangeKernel(queue, kernel, 1, null, size, null, 0, null, null);
  clFinish(queue);
  await turn(); // a service's event loop turns, too
};
process.on('message', async (kernels) => {
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  for (let done = 0; done < kernels; done += batch) await runBatch();
  const wall = ((performance.now() - start) / kernels) * 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  process.send({ wall, cpu: (user + system) / kernels, right: computesRight() });
});
process.send('ready');

function computesRight() {
  const result = new Float32Array(64);
  clEnqueueReadBuffer(queue, out, 1, 0, 64 * 4, result, 0, null, null);
  const expected = new Float32Array(1);
  for (let i = 0; i < loops; i++) expected[0] = Math.fround(Math.fround(expected[0] * Math.fround(0.999)) + 0.5);
  return Math.abs(result[0] - expected[0]) <= 0.01 * expected[0];
}
