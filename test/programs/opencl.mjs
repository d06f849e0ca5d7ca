/** OpenCL as a program uses it that knows nothing of us: koffi on the loader, and some sugar. */
import koffi from 'koffi';

const loader = koffi.load('libOpenCL.so.1');
export const p = 'void *';
export const call = (name, gives, ...takes) => loader.func(name, gives, takes);

export const cl = {
  getPlatformIDs: call('clGetPlatformIDs', 'int', 'uint', p, p),
  getDeviceIDs: call('clGetDeviceIDs', 'int', p, 'uint64_t', 'uint', p, p),
  createSubDevices: call('clCreateSubDevices', 'int', p, p, 'uint', p, p),
  createContext: call('clCreateContext', p, p, 'uint', p, p, p, p),
  createQueue: call('clCreateCommandQueue', p, p, p, 'uint64_t', p),
  createQueueWithProperties: call('clCreateCommandQueueWithProperties', p, p, p, p, p),
  retainQueue: call('clRetainCommandQueue', 'int', p),
  releaseQueue: call('clReleaseCommandQueue', 'int', p),
  setQueueProperty: call('clSetCommandQueueProperty', 'int', p, 'uint64_t', 'uint', p),
  getQueueInfo: call('clGetCommandQueueInfo', 'int', p, 'uint', 'size_t', p, p),
  createBuffer: call('clCreateBuffer', p, p, 'uint64_t', 'size_t', p, p),
  createProgramWithSource: call('clCreateProgramWithSource', p, p, 'uint', 'const char **', p, p),
  buildProgram: call('clBuildProgram', 'int', p, 'uint', p, 'const char *', p, p),
  createKernel: call('clCreateKernel', p, p, 'const char *', p),
  createKernelsInProgram: call('clCreateKernelsInProgram', 'int', p, 'uint', p, p),
  cloneKernel: call('clCloneKernel', p, p, p),
  releaseKernel: call('clReleaseKernel', 'int', p),
  setKernelArg: call('clSetKernelArg', 'int', p, 'uint', 'size_t', p),
  enqueueKernel: call('clEnqueueNDRangeKernel', 'int', p, p, 'uint', p, p, p, 'uint', p, p),
  enqueueTask: call('clEnqueueTask', 'int', p, p, 'uint', p, p),
  enqueueRead: call('clEnqueueReadBuffer', 'int', p, p, 'uint', 'size_t', 'size_t', p, 'uint', p, p),
  enqueueWrite: call('clEnqueueWriteBuffer', 'int', p, p, 'uint', 'size_t', 'size_t', p, 'uint', p, p),
  enqueueCopy: call('clEnqueueCopyBuffer', 'int', p, p, p, 'size_t', 'size_t', 'size_t', 'uint', p, p),
  enqueueReadRect: call(
    ...['clEnqueueReadBufferRect', 'int', p, p, 'uint', p, p, p],
    ...['size_t', 'size_t', 'size_t', 'size_t', p, 'uint', p, p],
  ),
  enqueueWriteRect: call(
    ...['clEnqueueWriteBufferRect', 'int', p, p, 'uint', p, p, p],
    ...['size_t', 'size_t', 'size_t', 'size_t', p, 'uint', p, p],
  ),
  enqueueCopyRect: call(
    ...['clEnqueueCopyBufferRect', 'int', p, p, p, p, p, p],
    ...['size_t', 'size_t', 'size_t', 'size_t', 'uint', p, p],
  ),
  flush: call('clFlush', 'int', p),
  finish: call('clFinish', 'int', p),
  createUserEvent: call('clCreateUserEvent', p, p, p),
  getEventInfo: call('clGetEventInfo', 'int', p, 'uint', 'size_t', p, p),
  getEventProfilingInfo: call('clGetEventProfilingInfo', 'int', p, 'uint', 'size_t', p, p),
  releaseEvent: call('clReleaseEvent', 'int', p),
  setUserEventStatus: call('clSetUserEventStatus', 'int', p, 'int'),
  waitForEvents: call('clWaitForEvents', 'int', 'uint', p),
  releaseMemory: call('clReleaseMemObject', 'int', p),
};

export const profiling = 2n;
export const outOfOrder = 1n;

export function must(code) {
  if (code !== 0) throw new Error(`OpenCL error ${code}`);
}
/** A call that gives a handle and writes its error code. */
export function made(create) {
  const code = new Int32Array(1);
  const handle = create(code);
  must(code[0]);
  return handle;
}
export const handles = (...values) => new BigUint64Array(values);
export const sizes = (...values) => new BigUint64Array(values.map(BigInt));

export const source = `
  __kernel void scale(__global float *a) { a[get_global_id(0)] *= 1.5f; }
  __kernel void add(__global float *a) { a[get_global_id(0)] += 1.0f; }
  __kernel void spin(__global float *a) {
    float x = a[get_global_id(0)];
    for (int i = 0; i < 20000; i++) x = x * 0.999f + 0.001f;
    a[get_global_id(0)] = x;
  }`;

/** The first device of the machine. */
export function firstDevice() {
  const ids = new BigUint64Array(1);
  const count = new Uint32Array(1);
  must(cl.getPlatformIDs(1, ids, count));
  must(cl.getDeviceIDs(ids[0], 0xffff_ffffn, 1, ids, count));
  return ids[0];
}

/** A context with a built program and a buffer of `elements` floats. */
export function setUp({ device = firstDevice(), elements = 1024, code: text = source } = {}) {
  const context = made((code) => cl.createContext(null, 1, handles(device), null, null, code));
  const program = made((code) => cl.createProgramWithSource(context, 1, [text], null, code));
  must(cl.buildProgram(program, 1, handles(device), '', null, null));
  const bytes = elements * 4;
  const buffer = made((code) => cl.createBuffer(context, 1n, bytes, null, code));
  const other = made((code) => cl.createBuffer(context, 1n, bytes, null, code));
  const kernel = (name) => {
    const created = made((code) => cl.createKernel(program, name, code));
    must(cl.setKernelArg(created, 0, 8, handles(buffer)));
    return created;
  };
  const queue = (properties = 0n) => made((code) => cl.createQueue(context, device, properties, code));
  return { device, context, program, buffer, other, bytes, elements, kernel, queue };
}

/** Enqueues a kernel over `elements` work items; the event where `wanted`. */
export function launch(queue, kernel, { elements = 1024, wanted = false, after = [] } = {}) {
  const event = wanted ? new BigUint64Array(1) : null;
  const waits = after.length === 0 ? null : handles(...after);
  must(cl.enqueueKernel(queue, kernel, 1, null, sizes(elements), null, after.length, waits, event));
  return event?.[0];
}

/** END - START of a finished command, in nanoseconds. */
export function nanosecondsOf(event) {
  const time = new BigUint64Array(2);
  must(cl.getEventProfilingInfo(event, 0x1282, 8, time, null));
  must(cl.getEventProfilingInfo(event, 0x1283, 8, time.subarray(1), null));
  return Number(time[1] - time[0]);
}

export function referencesOf(event) {
  const count = new Uint32Array(1);
  must(cl.getEventInfo(event, 0x11d2, 4, count, null));
  return count[0];
}
