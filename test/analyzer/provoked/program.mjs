/**
 * Programs that do what slows programs down. `node program.mjs <name>` runs one for two windows of the analyzer, and
 * prints as JSON every finding that was raised meanwhile.
 */
import { pbkdf2 } from 'node:crypto';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import { createProfiler } from '../../../src/index.ts';
import { cl, launch, must, setUp, sizes } from '../../programs/opencl.mjs';

/** A window is 12 ticks. */
const tickSeconds = 0.2;
const twoWindows = 24 * tickSeconds;

const programs = {
  /** Thousands of kernels of a few microseconds, each waited for. */
  async launch_bound() {
    const { kernel, queue } = setUp();
    const [target, add] = [queue(), kernel('add')];
    while (goesOn()) {
      for (let i = 0; i < 100; i += 1) {
        launch(target, add, { elements: 8 });
        must(cl.finish(target));
      }
      await pause(1);
    }
  },

  /** 32 MB to the device and back, for a kernel that looks at 64 numbers of it. */
  async transfer_bound() {
    const { buffer, bytes, kernel, queue } = setUp({ elements: 8 * 2 ** 20 });
    const [target, spin, memory] = [queue(), kernel('spin'), new Float32Array(bytes / 4)];
    while (goesOn()) {
      must(cl.enqueueWrite(target, buffer, 1, 0, bytes, memory, 0, null, null));
      launch(target, spin, { elements: 64 });
      must(cl.enqueueRead(target, buffer, 1, 0, bytes, memory, 0, null, null));
      await pause(10);
    }
  },

  /** Fifty kernels ahead. */
  async queue_bound() {
    const { kernel, queue } = setUp();
    const [target, spin] = [queue(), kernel('spin')];
    while (goesOn()) {
      for (let i = 0; i < 49; i += 1) launch(target, spin);
      await ended(launch(target, spin, { wanted: true }), target);
    }
  },

  /** One kernel, on little and on much. */
  async high_variance() {
    const { kernel, queue } = setUp({ elements: 4096 });
    const [target, spin] = [queue(), kernel('spin')];
    for (let i = 0; goesOn(); i += 1) {
      await ended(launch(target, spin, { elements: i % 2 ? 256 : 4096, wanted: true }), target);
    }
  },

  /** Every third launch is one that the device refuses. */
  async failing_operations() {
    const { kernel, queue } = setUp();
    const [target, spin] = [queue(), kernel('spin')];
    for (let i = 0; goesOn(); i += 1) {
      if (i % 3 === 0) cl.enqueueKernel(target, spin, 1, null, sizes(8), sizes(1 << 20), 0, null, null);
      else await ended(launch(target, spin, { wanted: true }), target);
    }
  },

  /** JavaScript computes all the time, and gives the device something to do now and then. */
  async event_loop_starves_device() {
    const { kernel, queue } = setUp();
    const [target, add] = [queue(), kernel('add')];
    while (goesOn()) {
      const until = performance.now() + 40;
      while (performance.now() < until);
      launch(target, add);
      must(cl.flush(target));
      await nextTurn();
    }
  },

  /** Sixteen keys at a time, for four workers. */
  async thread_pool_exhausted() {
    const derive = () => pbkdf2('a password', 'salt', 20_000, 32, 'sha512', () => goesOn() && derive());
    for (let i = 0; i < 16; i += 1) derive();
    while (goesOn()) await pause(50);
  },

  /** A cache that knows no bound, in a heap that has one. */
  async memory_pressure() {
    const cache = [];
    const share = () => getHeapStatistics().used_heap_size / getHeapStatistics().heap_size_limit;
    while (goesOn()) {
      while (share() < 0.92) cache.push(new Array(1000).fill(cache.length)); // more, where garbage was collected
      await pause(50);
    }
    return cache.length;
  },
};

/** A program that waits for its device, without holding the event loop. */
async function ended(event, queue) {
  must(cl.flush(queue));
  const status = new Int32Array(1);
  do {
    await pause(1);
    must(cl.getEventInfo(event, 0x11d3, 4, status, null));
  } while (status[0] > 0);
  must(cl.releaseEvent(event));
}

// Before the first OpenCL call. It looks as often as it is told, whatever that costs: that is not what is tried here.
const profiler = await createProfiler({ tickSeconds, budget: 1 });
const raised = [];
profiler.on('finding', ({ state, code, backend, sentence }) => {
  if (state === 'raised') raised.push({ code, backend, sentence });
});
const began = performance.now();
const goesOn = () => performance.now() < began + twoWindows * 1000;
await programs[process.argv[2]]();
await profiler.close();
process.stdout.write(JSON.stringify(raised));
