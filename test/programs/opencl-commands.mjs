/**
 * Every command of OpenCL that moves bytes, each with the program's own event. Prints, as JSON, what was moved where
 * and for how long by those events, command by command.
 */
import { call, cl, made, must, nanosecondsOf, p, profiling, setUp, sizes } from './opencl.mjs';

const waits = ['uint', p, p];
const calls = {
  createImage: call('clCreateImage', p, p, 'uint64_t', p, p, p, p),
  svmAlloc: call('clSVMAlloc', p, p, 'uint64_t', 'size_t', 'uint'),
  fillBuffer: call('clEnqueueFillBuffer', 'int', p, p, p, 'size_t', 'size_t', 'size_t', ...waits),
  readImage: call('clEnqueueReadImage', 'int', p, p, 'uint', p, p, 'size_t', 'size_t', p, ...waits),
  writeImage: call('clEnqueueWriteImage', 'int', p, p, 'uint', p, p, 'size_t', 'size_t', p, ...waits),
  copyImage: call('clEnqueueCopyImage', 'int', p, p, p, p, p, p, ...waits),
  imageToBuffer: call('clEnqueueCopyImageToBuffer', 'int', p, p, p, p, p, 'size_t', ...waits),
  bufferToImage: call('clEnqueueCopyBufferToImage', 'int', p, p, p, 'size_t', p, p, ...waits),
  fillImage: call('clEnqueueFillImage', 'int', p, p, p, p, p, ...waits),
  mapBuffer: call('clEnqueueMapBuffer', p, p, p, 'uint', 'uint64_t', 'size_t', 'size_t', ...waits, p),
  mapImage: call('clEnqueueMapImage', p, p, p, 'uint', 'uint64_t', p, p, p, p, ...waits, p),
  unmap: call('clEnqueueUnmapMemObject', 'int', p, p, p, ...waits),
  migrate: call('clEnqueueMigrateMemObjects', 'int', p, 'uint', p, 'uint64_t', ...waits),
  svmCopy: call('clEnqueueSVMMemcpy', 'int', p, 'uint', p, p, 'size_t', ...waits),
  svmFill: call('clEnqueueSVMMemFill', 'int', p, p, p, 'size_t', 'size_t', ...waits),
  svmMap: call('clEnqueueSVMMap', 'int', p, 'uint', 'uint64_t', p, 'size_t', ...waits),
  svmUnmap: call('clEnqueueSVMUnmap', 'int', p, p, ...waits),
};

const { context, buffer, other, queue } = setUp({ elements: 4096 });
const timed = queue(profiling);
const memory = new Uint8Array(65_536);
const colour = new Uint32Array(4);
const read = 1n;
const write = 2n;
const overwrite = 4n;

/** An image of 32 × 16 pixels of four bytes. */
function image() {
  const format = new Uint32Array([0x10b5, 0x10da]); // CL_RGBA, CL_UNSIGNED_INT8
  const description = new BigUint64Array(9);
  description.set([0x10f1n, 32n, 16n]); // CL_MEM_OBJECT_IMAGE2D
  return made((code) => calls.createImage(context, 1n, format, description, null, code));
}
const images = [image(), image()];
const shared = calls.svmAlloc(context, 1n, 8192, 0);
const origin = sizes(0, 0, 0);
const region = sizes(8, 4, 1); // 32 pixels, 128 bytes

const done = [];
/** Enqueues a command, and notes what it moves: nothing where `direction` is null. */
function moves(direction, bytes, enqueue) {
  const event = new BigUint64Array(1);
  must(enqueue(event));
  done.push({ direction, bytes, event: event[0] });
}
function maps(direction, bytes, map) {
  let address;
  moves(direction, bytes, (event) => {
    const code = new Int32Array(1);
    address = map(event, code);
    return code[0];
  });
  return address;
}

const commands = {
  buffers() {
    const pattern = new Uint8Array(4);
    moves('device_to_device', 512, (e) => calls.fillBuffer(timed, buffer, pattern, 4, 0, 512, 0, null, e));
  },
  images() {
    const [a, b] = images;
    moves('host_to_device', 128, (e) => calls.writeImage(timed, a, 1, origin, region, 0, 0, memory, 0, null, e));
    moves('device_to_host', 128, (e) => calls.readImage(timed, a, 0, origin, region, 0, 0, memory, 0, null, e));
    moves('device_to_device', 128, (e) => calls.copyImage(timed, a, b, origin, origin, region, 0, null, e));
    moves('device_to_device', 128, (e) => calls.imageToBuffer(timed, a, buffer, origin, region, 0, 0, null, e));
    moves('device_to_device', 128, (e) => calls.bufferToImage(timed, buffer, a, 0, origin, region, 0, null, e));
    moves('device_to_device', 128, (e) => calls.fillImage(timed, a, colour, origin, region, 0, null, e));
  },
  maps() {
    const unmap = (direction, bytes, object, address) =>
      moves(direction, bytes, (e) => calls.unmap(timed, object, address, 0, null, e));
    const mapped = (direction, flags, size) =>
      maps(direction, size, (e, code) => calls.mapBuffer(timed, buffer, 1, flags, 64, size, 0, null, e, code));
    unmap(null, 256, buffer, mapped('device_to_host', read, 256));
    unmap('host_to_device', 300, buffer, mapped('device_to_host', read | write, 300));
    unmap('host_to_device', 400, buffer, mapped(null, overwrite, 400));
    const pitch = [sizes(0), sizes(0)];
    const address = maps('device_to_host', 128, (e, code) =>
      calls.mapImage(timed, images[0], 0, write, origin, region, ...pitch, 0, null, e, code),
    );
    unmap('host_to_device', 128, images[0], address);
  },
  migrations() {
    const objects = new BigUint64Array([buffer, other]);
    moves('host_to_device', 32_768, (e) => calls.migrate(timed, 2, objects, 0n, 0, null, e));
    moves('device_to_host', 16_384, (e) => calls.migrate(timed, 1, objects, 1n, 0, null, e));
    moves(null, 16_384, (e) => calls.migrate(timed, 1, objects, 2n, 0, null, e));
  },
  sharedMemory() {
    const within = shared + 4096n;
    const pattern = new Uint8Array(16);
    moves('device_to_device', 1024, (e) => calls.svmFill(timed, within, pattern, 16, 1024, 0, null, e));
    moves('host_to_device', 700, (e) => calls.svmCopy(timed, 0, shared, memory, 700, 0, null, e));
    moves('device_to_host', 800, (e) => calls.svmCopy(timed, 1, memory, within, 800, 0, null, e));
    moves('device_to_device', 900, (e) => calls.svmCopy(timed, 0, within, shared, 900, 0, null, e));
    moves('device_to_host', 600, (e) => calls.svmMap(timed, 1, read | write, shared, 600, 0, null, e));
    moves('host_to_device', 600, (e) => calls.svmUnmap(timed, shared, 0, null, e));
  },
};

const moved = {};
for (const [name, enqueue] of Object.entries(commands)) {
  enqueue();
  must(cl.finish(timed));
  moved[name] = done.splice(0).map(({ direction, bytes, event }) => [direction, bytes, nanosecondsOf(event)]);
}
process.stdout.write(JSON.stringify(moved));
