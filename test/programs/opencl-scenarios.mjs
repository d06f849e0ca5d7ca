/**
 * What OpenCL programs do. `node opencl-scenarios.mjs <name>` runs one and prints, as JSON, what the program itself
 * knows of it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import koffi from 'koffi';
import {
  cl,
  firstDevice,
  handles,
  launch,
  made,
  must,
  nanosecondsOf,
  outOfOrder,
  profiling,
  referencesOf,
  setUp,
  sizes,
} from './opencl.mjs';

const scenarios = {
  /** Kernels and copies on a queue with profiling, each with the program's own event. */
  ownTimings() {
    const { buffer, other, bytes, kernel, queue } = setUp();
    const timed = queue(profiling);
    const events = { scale: [], add: [], host_to_device: [], device_to_host: [], device_to_device: [] };
    const memory = new Float32Array(bytes / 4);
    const copied = (enqueue) => {
      const event = new BigUint64Array(1);
      must(enqueue(event));
      return event[0];
    };
    const kernels = { scale: kernel('scale'), add: kernel('add') };
    for (let i = 0; i < 200; i += 1) {
      for (const name of ['scale', 'add']) events[name].push(launch(timed, kernels[name], { wanted: true }));
      if (i % 4 > 0) continue;
      events.host_to_device.push(copied((e) => cl.enqueueWrite(timed, buffer, i % 8, 0, bytes, memory, 0, null, e)));
      events.device_to_host.push(copied((e) => cl.enqueueRead(timed, buffer, i % 8, 0, bytes, memory, 0, null, e)));
      events.device_to_device.push(copied((e) => cl.enqueueCopy(timed, buffer, other, 0, 0, bytes, 0, null, e)));
    }
    must(cl.finish(timed));
    return Object.fromEntries(Object.entries(events).map(([name, list]) => [name, list.map(nanosecondsOf)]));
  },

  /** No profiling, no events: a plain program. Its result shows that it computed. */
  plain() {
    const { buffer, bytes, kernel, queue } = setUp();
    const plain = queue();
    const memory = new Float32Array(bytes / 4).fill(2);
    must(cl.enqueueWrite(plain, buffer, 1, 0, bytes, memory, 0, null, null));
    const scale = kernel('scale');
    for (let i = 0; i < 3; i += 1) launch(plain, scale);
    must(cl.enqueueTask(plain, kernel('add'), 0, null, null));
    must(cl.enqueueRead(plain, buffer, 1, 0, bytes, memory, 0, null, null));
    return [...memory.slice(0, 2)];
  },

  /** Everything that a program can see of its queues and events. The same whether it is traced or not. */
  async sees() {
    const { context, device, kernel, queue } = setUp();
    const scale = kernel('scale');
    const withList = (...list) =>
      made((code) => cl.createQueueWithProperties(context, device, sizes(...list, 0), code));
    const queues = {
      plain: queue(),
      profiled: queue(profiling),
      outOfOrder: queue(outOfOrder),
      nullList: made((code) => cl.createQueueWithProperties(context, device, null, code)),
      emptyList: withList(),
      listed: withList(0x1093, outOfOrder),
      listedProfiled: withList(0x1093, outOfOrder | profiling),
    };
    const seen = {};
    for (const [name, each] of Object.entries(queues)) {
      const bits = new BigUint64Array(1);
      const list = new BigUint64Array(8);
      const length = new BigUint64Array(1);
      must(cl.retainQueue(each));
      const event = launch(each, scale, { wanted: true });
      must(cl.finish(each));
      const time = new BigUint64Array(1);
      seen[name] = {
        properties: [cl.getQueueInfo(each, 0x1093, 8, bits, null), Number(bits[0])],
        array: [cl.getQueueInfo(each, 0x1098, 64, list, length), Number(length[0]), ...Array.from(list, Number)],
        tooSmall: cl.getQueueInfo(each, 0x1098, 1, list, null),
        profiling: cl.getEventProfilingInfo(event, 0x1282, 8, time, null),
        timed: time[0] > 0n,
      };
      must(cl.releaseQueue(each));
      must(cl.releaseQueue(each));
      seen[name].afterRelease = cl.getEventProfilingInfo(event, 0x1283, 8, time, null);
      seen[name].references = await settled(event);
    }
    seen.badProperties = errorOf((code) => cl.createQueueWithProperties(context, device, sizes(0x7777, 1, 0), code));
    seen.nullQueue = cl.enqueueKernel(null, scale, 1, null, sizes(8), null, 0, null, null);
    return seen;
  },

  /** Properties set after the queue was made, as OpenCL 1.0 has it: what the program then sees. */
  setsProperties() {
    const { kernel, queue } = setUp();
    const target = queue();
    const scale = kernel('scale');
    return [
      [outOfOrder, 1],
      [profiling, 1],
      [profiling | outOfOrder, 0],
      [profiling, 1],
    ].map(([bits, enable]) => {
      const old = new BigUint64Array(1);
      const shown = new BigUint64Array(1);
      const code = cl.setQueueProperty(target, bits, enable, old);
      must(cl.getQueueInfo(target, 0x1093, 8, shown, null));
      const event = launch(target, scale, { wanted: true });
      must(cl.finish(target));
      const told = cl.getEventProfilingInfo(event, 0x1282, 8, new BigUint64Array(1), null);
      return { code, old: Number(old[0]), shown: Number(shown[0]), told };
    });
  },

  /** Two contexts, three queues, kernels over rectangles of memory and plain ones. */
  several() {
    let expected = 0;
    for (const elements of [256, 512]) {
      const { buffer, other, kernel, queue } = setUp({ elements });
      const add = kernel('add');
      const box = [sizes(0, 0, 0), sizes(0, 0, 0), sizes(16, 4, 1)];
      const memory = new Uint8Array(1024);
      for (const each of [queue(), queue(), queue(outOfOrder)]) {
        for (let i = 0; i < 50; i += 1) launch(each, add, { elements });
        must(cl.enqueueReadRect(each, buffer, 1, ...box, 16, 0, 16, 0, memory, 0, null, null));
        must(cl.enqueueWriteRect(each, buffer, 1, ...box, 16, 0, 16, 0, memory, 0, null, null));
        must(cl.enqueueCopyRect(each, buffer, other, ...box, 16, 0, 16, 0, 0, null, null));
        must(cl.finish(each));
        expected += 50;
      }
    }
    return expected;
  },

  /** An out-of-order queue whose commands wait for each other in an order of their own. */
  chained() {
    const { kernel, queue } = setUp();
    const free = queue(outOfOrder);
    const add = kernel('add');
    let event = launch(free, add, { wanted: true });
    for (let i = 0; i < 99; i += 1) {
      // The same variable as wait list and as result, as programs do.
      const variable = handles(event);
      must(cl.enqueueKernel(free, add, 1, null, sizes(1024), null, 1, variable, variable));
      must(cl.releaseEvent(event));
      event = variable[0];
    }
    must(cl.finish(free));
    return 100;
  },

  /** Handles that are given out again for kernels of other names, and kernels made in other ways. */
  reusedHandles() {
    const { buffer, program, kernel, queue } = setUp();
    const each = queue();
    const names = [];
    const seen = new Set();
    let reused = 0;
    for (let i = 0; i < 300; i += 1) {
      const name = ['scale', 'add', 'spin'][i % 3];
      const created = kernel(name);
      reused += seen.has(created) ? 1 : 0;
      seen.add(created);
      launch(each, created, { elements: 8 });
      must(cl.finish(each));
      names.push(name);
      must(cl.releaseKernel(created));
    }
    const all = new BigUint64Array(3);
    must(cl.createKernelsInProgram(program, 3, all, null));
    const clone = made((code) => cl.cloneKernel(all[0], code));
    for (const created of [...all, clone]) {
      must(cl.setKernelArg(created, 0, 8, handles(buffer)));
      launch(each, created, { elements: 8 });
    }
    must(cl.finish(each));
    return { names, reused };
  },

  /** More kernels than the ring keeps names of: launches the first and the last. */
  manyNames() {
    const names = Array.from({ length: 4200 }, (_, index) => `kernel_${index}`);
    const code = names.map((name) => `__kernel void ${name}(__global float *a) { a[0] = 1.0f; }`).join('\n');
    const { kernel, queue } = setUp({ code });
    const each = queue();
    for (const name of names) {
      const created = kernel(name);
      if (name === names[0] || name === names.at(-1)) launch(each, created, { elements: 8 });
      must(cl.releaseKernel(created));
    }
    must(cl.finish(each));
    return 2;
  },

  /** A launch that is refused among launches that are not. */
  refused() {
    const { kernel, queue } = setUp();
    const each = queue();
    const add = kernel('add');
    const code = cl.enqueueKernel(each, add, 1, null, sizes(8), sizes(1 << 20), 0, null, null);
    launch(each, add);
    must(cl.finish(each));
    return code;
  },

  /**
   * A pause, with a kernel in flight across its beginning: what the program sees of its queues and events in it. Kernel
   * handles are given out again in the pause, under other names.
   */
  async paused() {
    const { context, kernel, queue } = setUp();
    const control = globalThis[Symbol.for('accelmeter')];
    const gate = made((code) => cl.createUserEvent(context, code));
    const before = queue();
    const scale = kernel('scale');
    for (let i = 0; i < 10; i += 1) launch(before, scale);
    must(cl.finish(before));
    const inFlight = launch(before, scale, { after: [gate], wanted: true });

    control?.pause();
    must(cl.releaseKernel(scale));
    const within = queue();
    const add = kernel('add');
    const seen = [before, within].map((each) => {
      const bits = new BigUint64Array(1);
      must(cl.getQueueInfo(each, 0x1093, 8, bits, null));
      return Number(bits[0]);
    });
    for (let i = 0; i < 20; i += 1) launch(within, add);
    const event = launch(within, add, { wanted: true });
    must(cl.setUserEventStatus(gate, 0));
    for (const each of [before, within]) must(cl.finish(each));
    for (const each of [inFlight, event]) seen.push(cl.getEventProfilingInfo(each, 0x1282, 8, sizes(0), null));
    await pause(50);

    control?.resume();
    for (const each of [before, within]) for (let i = 0; i < 3; i += 1) launch(each, add);
    for (const each of [before, within]) must(cl.finish(each));
    return seen;
  },

  /** A queue on a part of a device. */
  subDevice() {
    const parts = new BigUint64Array(1);
    const root = firstDevice();
    must(cl.createSubDevices(root, sizes(0x1087, 1, 0, 0), 1, parts, new Uint32Array(1)));
    const { kernel, queue } = setUp({ device: parts[0] });
    const each = queue();
    for (let i = 0; i < 5; i += 1) launch(each, kernel('add'));
    must(cl.finish(each));
    return 5;
  },

  /** Threads that know nothing of JavaScript, each with queues of its own. */
  threads() {
    const library = koffi.load(process.env.THREADS_LIBRARY);
    const run = library.func('run_threads', 'int', ['uint', 'uint']);
    return run(4, 2000);
  },

  /** A loader as Khronos' is since 2026, which begins and ends layers in another way, and a program under it. */
  stubLoader() {
    const library = koffi.load(process.env.STUB_LOADER);
    return library.func('run_under_layer', 'int', ['const char *'])(process.env.LAYER);
  },

  /** A fork that goes on in C: what the layer says of itself in the child. */
  forks() {
    const { kernel, queue } = setUp();
    const each = queue();
    launch(each, kernel('add'));
    must(cl.finish(each));
    const library = koffi.load(process.env.THREADS_LIBRARY);
    const inChild = library.func('state_in_child', 'int', ['const char *', 'void *', 'void *']);
    return inChild(process.env.LAYER, each, kernel('add'));
  },
};

function errorOf(create) {
  const code = new Int32Array(1);
  return [create(code) === null, code[0]];
}

/** References to a finished event, when there has been time for those of others to go. */
async function settled(event) {
  await pause(50);
  return referencesOf(event);
}

const result = await scenarios[process.argv[2]]();
process.stdout.write(JSON.stringify(result));
