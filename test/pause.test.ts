/** pause() and resume(): a host that is as if we were not there, and figures that the gap does not bend. */
import { createHook } from 'node:async_hooks';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ActivitySink } from '../src/activity.ts';
import type { Backend } from '../src/backend.ts';
import { cpu } from '../src/backends/cpu/index.ts';
import { resolveOptions } from '../src/options.ts';
import { DeviceProfile } from '../src/profile/device-profile.ts';
import { openProfiler } from '../src/profiler.ts';
import { startNode } from './child.ts';
import { compileLibrary, scratchFolder } from './native/compile.ts';
import { openProducer } from './native/producer.ts';
import { lacks } from './parts.ts';

/** A profiler over one OpenCL device of the test's own, whose records wait until they are drained. */
async function overDevice() {
  const calls = { sample: 0, drain: 0, pause: 0, resume: 0 };
  const waiting: number[] = [];
  let sink: ActivitySink | undefined;
  const backend: Backend = {
    name: 'opencl',
    open(host) {
      sink = host.addDevice({ id: 'g', backend: 'opencl', type: 'gpu', name: 'G', index: 0 });
      return {
        sources: () => [{ name: 'opencl_layer', up: true, detail: 'kernels traced', dropped: 7 }],
        sample() {
          calls.sample += 1;
          return { devices: [{ device: 'g', readings: [{ name: 'hw.gpu.memory.limit', value: 1024 }] }] };
        },
        drain() {
          calls.drain += 1;
          for (const start of waiting.splice(0)) {
            sink?.deliver({ kind: 'kernel', name: 'k', start, duration: 0.01, wait: undefined, failed: undefined });
          }
          return false;
        },
        pause() {
          calls.pause += 1;
        },
        resume() {
          calls.resume += 1;
        },
        close() {},
      };
    },
  };
  const options = resolveOptions({ tickSeconds: 0.2, backends: ['opencl'] }, {}, () => {});
  const { profiler } = await openProfiler(options, { backends: [backend] });
  onTestFinished(() => profiler.close());
  const producer = profiler.metricProducer();
  async function values(name: string) {
    const { resourceMetrics } = await producer.collect();
    const metrics = resourceMetrics.scopeMetrics.flatMap((each) => each.metrics);
    return metrics.find(({ descriptor }) => descriptor.name === name)?.dataPoints.map(({ value }) => value);
  }
  const launch = () => void waiting.push(performance.now() / 1000 - 0.02);
  return { profiler, calls, launch, values };
}

const pass = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('a paused profiler', () => {
  it('samples and drains nothing, whoever looks', async () => {
    const { profiler, calls, values } = await overDevice();
    await pass(300);
    profiler.pause();
    await pass(10);
    const before = { ...calls };
    await pass(600);
    await profiler.refresh();
    await values('accelmeter.build.info');
    await profiler.devices[0]?.getProfilingSnapshot();
    expect(calls).toEqual({ ...before, pause: 1, resume: 0 });
  });

  it('counts what ran until then; its counters stand still, and what is sampled is absent', async () => {
    const { profiler, launch, values } = await overDevice();
    launch();
    await pass(500);
    launch();
    profiler.pause();
    launch(); // ended after the pause: told when measuring goes on
    expect(await values('accelmeter.kernel.duration')).toMatchObject([{ count: 2 }]);
    expect(await values('accelmeter.records.dropped')).toEqual([7]);
    expect(await values('hw.gpu.memory.limit')).toBeUndefined();
    expect(await values('accelmeter.device.utilization')).toBeUndefined();
    expect(await values('accelmeter.device.info')).toEqual([1]);
    profiler.resume();
    expect(await values('accelmeter.kernel.duration')).toMatchObject([{ count: 3 }]);
    await pass(500);
    expect(await values('hw.gpu.memory.limit')).toEqual([1024]);
  });

  it('says so by its sources', async () => {
    const { profiler, values } = await overDevice();
    profiler.pause();
    expect(profiler.paused).toBe(true);
    expect(profiler.status().self.share).toBeUndefined();
    expect(profiler.status().backends).toMatchObject([{ name: 'opencl', present: false, detail: 'paused' }]);
    expect(await values('accelmeter.source.up')).toEqual([0]);
    profiler.resume();
    expect(profiler.paused).toBe(false);
    expect(await values('accelmeter.source.up')).toEqual([1]);
  });

  it('may be paused and resumed twice, in any order, and closed', async () => {
    const { profiler, calls, launch, values } = await overDevice();
    profiler.resume();
    profiler.pause();
    profiler.pause();
    expect(calls).toMatchObject({ pause: 1, resume: 0 });
    profiler.resume();
    profiler.resume();
    expect(calls).toMatchObject({ pause: 1, resume: 1 });
    launch();
    await vi.waitFor(async () => expect(await values('accelmeter.kernel.duration')).toMatchObject([{ count: 1 }]));
    const drains = calls.drain;
    await pass(1000);
    expect(calls.drain - drains).toBeLessThanOrEqual(10); // one chain of timers: drains four times a second, and ticks
    await profiler.close();
    profiler.pause();
    profiler.resume();
    const closed = { ...calls };
    await pass(500);
    expect(calls).toEqual(closed);
  });

  it('keeps what the program records itself', async () => {
    const { profiler, values } = await overDevice();
    profiler.pause();
    profiler.devices[0]?.kernel('own').record(0.001);
    expect(await values('accelmeter.kernel.duration')).toMatchObject([{ count: 1 }]);
  });
});

describe('the time of a pause', () => {
  /** A device on a clock of its own, which runs a kernel of half a second in every second. */
  function halfBusy() {
    let clock = 0;
    const profile = new DeviceProfile(
      { id: 'g', backend: 'opencl', type: 'gpu', name: 'G', index: 0 },
      { now: () => clock, settleLag: 1 },
    );
    const run = (seconds: number) => {
      for (let i = 0; i < seconds; i += 1) {
        profile.deliver({ kind: 'kernel', name: 'k', start: clock, duration: 0.5, wait: undefined, failed: undefined });
        profile.deliver({
          kind: 'transfer',
          direction: 'host_to_device',
          bytes: 1000,
          start: clock,
          duration: 0.1,
          failed: undefined,
        });
        clock += 1;
      }
    };
    const wait = (seconds: number) => {
      clock += seconds;
    };
    return { profile, run, at: () => clock, wait };
  }

  it('is in no utilization, throughput or bandwidth', () => {
    const { profile, run, at, wait } = halfBusy();
    run(5);
    profile.closeInterval(at());
    run(5);
    profile.pause(at());
    expect([profile.utilization, profile.throughput]).toEqual([undefined, undefined]);
    expect(profile.transfers.map(({ bandwidth }) => bandwidth)).toEqual([undefined]);
    wait(3600);
    profile.resume(at());
    expect(profile.busySeconds).toBeCloseTo(5);
    run(6);
    profile.closeInterval(at());
    expect(profile.utilization).toBeCloseTo(0.5);
    expect(profile.throughput).toBeCloseTo(1);
    expect(profile.transfers[0]?.bandwidth).toBeCloseTo(10_000);
    expect(profile.busySeconds).toBeCloseTo(7.5, 5); // and the last second, which is settled later
  });

  it('still counts, as busy time, what began before it and was told after', () => {
    const { profile, run, at, wait } = halfBusy();
    run(2);
    const began = at();
    profile.pause(at());
    wait(10);
    profile.resume(at());
    profile.deliver({ kind: 'kernel', name: 'k', start: began, duration: 2, wait: undefined, failed: undefined });
    wait(5);
    profile.closeInterval(at());
    expect(profile.busySeconds).toBeCloseTo(1 + 2);
    expect(profile.utilization).toBe(0);
  });
});

describe('the CPU backend', () => {
  it('looks at the event loop no more, and again afterwards, without the delay of the pause', async () => {
    const wakes = countTimers();
    const options = resolveOptions({ tickSeconds: 0.3, backends: ['cpu'] }, {}, () => {});
    const { profiler, state } = await openProfiler(options, { backends: [cpu] });
    onTestFinished(() => profiler.close());
    wakes.ours(); // timers from here on are the test's own
    await pass(200);
    expect(wakes.count).toBeGreaterThan(5);
    profiler.pause();
    const before = wakes.count;
    await pass(500);
    expect(wakes.count).toBe(before);
    expect(state.process).toEqual([]);
    const end = performance.now() + 1000;
    while (performance.now() < end); // the program holds its own loop, unwatched, and uses a core
    profiler.resume();
    await pass(700);
    const numbers = state.process.filter((point) => 'value' in point);
    const value = (name: string) => numbers.filter((point) => point.name === name).map((point) => point.value);
    expect(value('nodejs.eventloop.delay.max')[0]).toBeLessThan(0.5);
    expect(value('process.cpu.utilization').reduce((sum, share) => sum + share, 0)).toBeLessThan(0.4);
    expect(value('nodejs.eventloop.utilization')[0]).toBeLessThan(0.6);
  });
});

/** How often timers went off that were made until `ours` was called. */
function countTimers() {
  const timers = new Set<number>();
  let making = true;
  let count = 0;
  const hook = createHook({
    init(id, type) {
      if (making && type === 'Timeout') timers.add(id);
    },
    before(id) {
      if (timers.has(id)) count += 1;
    },
  }).enable();
  onTestFinished(() => void hook.disable());
  return {
    ours() {
      making = false;
    },
    get count() {
      return count;
    },
  };
}

describe.skipIf(lacks('cc'))('a ring', () => {
  it('tells of its pause, also where it was paused before it was armed', () => {
    const library = compileLibrary('test/native/producer.c', scratchFolder());
    const { ring, calls } = openProducer(library);
    expect(ring.status().state).toBe('armed');
    ring.pause(true);
    ring.pause(true);
    expect(ring.status().state).toBe('paused');
    calls.armAt(0);
    expect(ring.status().state).toBe('paused');
    ring.pause(false);
    expect(ring.status().state).toBe('armed');
  });
});

describe('a service under register', () => {
  it('finds the profiler under a symbol, pauses it, and goes on', async () => {
    const program = `
      const seen = () => globalThis[Symbol.for('accelmeter')];
      const look = setInterval(() => {
        if (!seen()) return;
        clearInterval(look);
        seen().pause();
        console.log('paused');
        setTimeout(() => { seen().resume(); console.log('resumed'); }, 1500);
      }, 50);
      setTimeout(() => {}, 60_000);`;
    const service = startNode(['--import', 'accelmeter/register', '-e', program], {
      OTEL_EXPORTER_PROMETHEUS_PORT: '0',
      ACCELMETER_BACKENDS: 'cpu',
    });
    const [, url = ''] = await service.said(/(http:\/\/127\.0\.0\.1:\d+\/metrics)/);
    await service.said(/^paused/m);
    const up = async () => /^accelmeter_source_up\{.*\} (\d)$/m.exec(await (await fetch(url)).text())?.[1];
    expect(await up()).toBe('0');
    await service.said(/^resumed/m);
    expect(await up()).toBe('1');
  });
});
