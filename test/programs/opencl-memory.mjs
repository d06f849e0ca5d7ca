/**
 * Memory as programs take it and give it back. `node opencl-memory.mjs <name>` runs one of these and prints, as JSON,
 * what it took (positive) and gave back (negative), in bytes, in its order.
 */
import koffi from 'koffi';
import { call, cl, firstDevice, handles, made, must, p, setUp, sizes } from './opencl.mjs';

const waits = ['uint', p, p];
const calls = {
  getDevices: call('clGetDeviceIDs', 'int', p, 'uint64_t', 'uint', p, p),
  retain: call('clRetainMemObject', 'int', p),
  subBuffer: call('clCreateSubBuffer', p, p, 'uint64_t', 'uint', p, p),
  bufferWithProperties: call('clCreateBufferWithProperties', p, p, p, 'uint64_t', 'size_t', p, p),
  createImage: call('clCreateImage', p, p, 'uint64_t', p, p, p, p),
  createImage2D: call('clCreateImage2D', p, p, 'uint64_t', p, 'size_t', 'size_t', 'size_t', p, p),
  createPipe: call('clCreatePipe', p, p, 'uint64_t', 'uint', 'uint', p, p),
  memoryInfo: call('clGetMemObjectInfo', 'int', p, 'uint', 'size_t', p, p),
  setDestructor: call('clSetMemObjectDestructorCallback', 'int', p, p, p),
  svmAlloc: call('clSVMAlloc', p, p, 'uint64_t', 'size_t', 'uint'),
  svmFree: call('clSVMFree', 'void', p, p),
  enqueueSvmFree: call('clEnqueueSVMFree', 'int', p, 'uint', p, p, p, ...waits),
};
const writable = 1n;
const programsOwn = 8n; // CL_MEM_USE_HOST_PTR
const bytesOf = (memory) => {
  const size = new BigUint64Array(1);
  must(calls.memoryInfo(memory, 0x1102, 8, size, null));
  return Number(size[0]);
};
const format = new Uint32Array([0x10b5, 0x10da]); // CL_RGBA, CL_UNSIGNED_INT8

const programs = {
  /** References: the last one counts, also that of a part or of an image over a buffer. */
  references() {
    const context = contextOf(firstDevice());
    const buffer = made((code) => cl.createBuffer(context, writable, 1000, null, code));
    must(calls.retain(buffer));
    must(cl.releaseMemory(buffer));
    must(cl.releaseMemory(buffer));

    const whole = made((code) => cl.createBuffer(context, writable, 4096, null, code));
    const half = made((code) => calls.subBuffer(whole, writable, 0x1220, sizes(0, 2048), code));
    must(cl.releaseMemory(whole)); // its part holds it
    const between = made((code) => calls.bufferWithProperties(context, null, writable, 77, null, code));
    must(cl.releaseMemory(half));
    must(cl.releaseMemory(between));
    return [1000, -1000, 4096, 77, -4096, -77];
  },

  images() {
    const context = contextOf(firstDevice());
    const description = new BigUint64Array(9);
    description.set([0x10f1n, 32n, 16n]);
    const image = made((code) => calls.createImage(context, writable, format, description, null, code));
    const older = made((code) => calls.createImage2D(context, writable, format, 8, 8, 0, null, code));
    const took = [bytesOf(image), bytesOf(older)];
    must(cl.releaseMemory(older));
    must(cl.releaseMemory(image));
    // An image over a buffer has no memory of its own, and holds the buffer's.
    const buffer = made((code) => cl.createBuffer(context, writable, 640, null, code));
    description.fill(0n).set([0x10f6n, 160n]); // CL_MEM_OBJECT_IMAGE1D_BUFFER
    description[8] = buffer;
    const over = made((code) => calls.createImage(context, writable, format, description, null, code));
    must(cl.releaseMemory(buffer));
    must(cl.releaseMemory(over));
    return [...took, -took[1], -took[0], 640, -640];
  },

  /** Memory that is the program's already: none of the device's where that is the same memory. */
  programsOwn() {
    const context = contextOf(firstDevice());
    const memory = new Uint8Array(4096);
    const buffer = made((code) => cl.createBuffer(context, writable | programsOwn, 4096, memory, code));
    must(cl.releaseMemory(buffer));
    return [4096, -4096];
  },

  pipes() {
    const context = contextOf(firstDevice());
    const pipe = made((code) => calls.createPipe(context, writable, 16, 100, null, code));
    must(cl.releaseMemory(pipe));
    return [1600, -1600];
  },

  /** A destructor of the program's own runs as well; twice as much is held as is not released. */
  destructors() {
    const context = contextOf(firstDevice());
    const buffer = made((code) => cl.createBuffer(context, writable, 500, null, code));
    let destroyed = 0;
    const notify = koffi.register(
      () => {
        destroyed += 1;
      },
      koffi.pointer(koffi.proto('void destroyed(void *, void *)')),
    );
    must(calls.setDestructor(buffer, notify, null));
    must(cl.releaseMemory(buffer));
    if (destroyed !== 1) throw new Error(`destroyed ${destroyed} times`);
    return [500, -500];
  },

  sharedMemory() {
    const device = firstDevice();
    const context = contextOf(device);
    const queue = made((code) => cl.createQueue(context, device, 0n, code));
    const [first, second, third] = [100, 200, 300].map((size) => calls.svmAlloc(context, writable, size, 0));
    calls.svmFree(context, second);
    calls.svmFree(context, null);
    must(calls.enqueueSvmFree(queue, 2, handles(third, first), null, null, 0, null, null));
    must(cl.finish(queue));
    return [100, 200, 300, -200, -300, -100];
  },

  /** What is taken while accelmeter is paused is not in the account; what it knew before is, until it is given back. */
  paused() {
    const context = contextOf(firstDevice());
    const control = globalThis[Symbol.for('accelmeter')];
    const buffer = (size) => made((code) => cl.createBuffer(context, writable, size, null, code));
    const known = buffer(100);
    const knownShared = calls.svmAlloc(context, writable, 200, 0);
    control.pause();
    const unknown = buffer(300);
    const unknownShared = calls.svmAlloc(context, writable, 400, 0);
    must(cl.releaseMemory(known));
    calls.svmFree(context, knownShared);
    control.resume();
    must(cl.releaseMemory(unknown));
    calls.svmFree(context, unknownShared);
    must(cl.releaseMemory(buffer(500)));
    return [100, 200, -100, -200, 500, -500];
  },

  /** More than there can be, twice. */
  refused() {
    const context = contextOf(firstDevice());
    const code = new Int32Array(1);
    if (cl.createBuffer(context, writable, 2 ** 45, null, code) !== null) throw new Error('it was had');
    if (calls.svmAlloc(context, writable, 2 ** 45, 0) !== null) throw new Error('it was had');
    return code[0];
  },

  /** A context of two devices: each may have to hold it. */
  twoDevices() {
    const platform = new BigUint64Array(1);
    must(cl.getPlatformIDs(1, platform, null));
    const devices = new BigUint64Array(2);
    must(calls.getDevices(platform[0], 0xffff_ffffn, 2, devices, null));
    const context = contextOf(...devices);
    const buffer = made((code) => cl.createBuffer(context, writable, 640, null, code));
    must(cl.releaseMemory(buffer));
    return [640, -640];
  },

  /** What is not given back is still held when the program ends. */
  kept() {
    const { bytes } = setUp();
    return [bytes, bytes];
  },
};

function contextOf(...devices) {
  return made((code) => cl.createContext(null, devices.length, handles(...devices), null, null, code));
}

process.stdout.write(JSON.stringify(programs[process.argv[2]]()));
