import { describe, expect, it } from 'vitest';
import { errorType } from '../../../src/backends/metal/error-codes.ts';
import { GpuClock } from '../../../src/backends/metal/gpu-clock.ts';
import { readingsOf } from '../../../src/backends/metal/readings.ts';
import { executionOf, executionsOfPasses, schedulingOf } from '../../../src/backends/metal/times.ts';

const times = { gpuStart: 100.5, gpuEnd: 100.75, kernelStart: 100.25, kernelEnd: 100.375, ahead: 3600 };

describe('the times of a command buffer', () => {
  it('are an execution, on the clock of the process', () => {
    const execution = { kind: 'kernel', name: 'k', start: 3700.5, duration: 0.25, wait: 0.25, failed: undefined };
    expect(executionOf('k', times)).toEqual(execution);
  });

  it('are none where the GPU told none, or told them in a wrong order', () => {
    expect(executionOf('k', { ...times, gpuStart: 0, gpuEnd: 0 })).toBeUndefined();
    expect(executionOf('k', { ...times, gpuEnd: 100 })).toBeUndefined();
    expect(executionOf('k', { ...times, gpuEnd: Number.NaN })).toBeUndefined();
  });

  it('tell how much of the wait was the system’s scheduling, where it tells both ends of that', () => {
    expect(schedulingOf(times)).toBe(0.125);
    for (const untold of [{ kernelStart: 0 }, { kernelEnd: 0 }, { kernelEnd: 100 }, { kernelEnd: Number.NaN }]) {
      expect(schedulingOf({ ...times, ...untold })).toBeUndefined();
    }
  });

  it('have no wait where the system did not tell when it took it up, or told it too late', () => {
    expect(executionOf('k', { ...times, kernelStart: 0 })?.wait).toBeUndefined();
    expect(executionOf('k', { ...times, kernelStart: 101 })?.wait).toBeUndefined();
  });
});

describe('the clock of a GPU', () => {
  const clockOf = (...pairs: [uptime: number, ticks: bigint][]) => {
    const clock = new GpuClock();
    for (const [uptime, ticks] of pairs) clock.add({ uptime, ticks });
    return clock;
  };

  it('is known by two looks that are far enough apart', () => {
    expect(clockOf([10, 1000n]).secondsPerTick).toBeUndefined();
    expect(clockOf([10, 1000n], [10.001, 2000n]).secondsPerTick).toBeUndefined();
    const clock = clockOf([10, 1000n], [12, 3000n]);
    expect(clock.secondsPerTick).toBe(1e-3);
    expect(clock.uptimeOf(2500n)).toBe(11.5);
    expect(clock.uptimeOf(3500n)).toBe(12.5);
  });

  it('is known all the time while it is looked at every 5 s, by looks of the last minutes', () => {
    const clock = clockOf([0, 0n], [5, 5000n]);
    for (let at = 10; at < 1000; at += 5) {
      clock.add({ uptime: at, ticks: BigInt(at) * 1000n });
      expect(clock.secondsPerTick).toBeCloseTo(1e-3, 12);
    }
  });

  it('begins anew where its ticks do', () => {
    const clock = clockOf([0, 5000n], [5, 10_000n], [10, 100n]);
    expect(clock.secondsPerTick).toBeUndefined();
    clock.add({ uptime: 15, ticks: 5100n });
    expect(clock.secondsPerTick).toBe(1e-3);
  });

  it('begins anew also where its ticks are beyond those of the first look by then', () => {
    const clock = clockOf([0, 100n], [5, 5100n], [10, 200n]);
    expect(clock.secondsPerTick).toBeUndefined();
    clock.add({ uptime: 15, ticks: 5200n });
    expect(clock.secondsPerTick).toBe(1e-3);
    expect(clock.uptimeOf(5200n)).toBe(15);
  });

  it('counts beyond what a number holds', () => {
    const clock = clockOf([0, 2n ** 62n], [1, 2n ** 62n + 24_000_000n]);
    expect(clock.secondsPerTick).toBe(1 / 24e6);
  });
});

describe('the passes of a command buffer', () => {
  const clock = { secondsPerTick: 1e-3, uptimeOf: (ticks: bigint) => 100 + Number(ticks) * 1e-3 };
  const of = (...ticks: [start: bigint, end: bigint][]) =>
    executionsOfPasses(
      ticks.map((_, i) => `pass ${i}`),
      ticks.map(([start, end]) => ({ start, end })),
      { clock, times },
    );

  it('are an execution each, of which the first has waited', () => {
    expect(of([500n, 700n], [700n, 750n])).toMatchObject([
      { name: 'pass 0', start: 3700.5, duration: expect.closeTo(0.2), wait: 0.25 },
      { name: 'pass 1', start: 3700.7, duration: expect.closeTo(0.05), wait: undefined },
    ]);
  });

  it('are none where the GPU took no sample, and the others stay', () => {
    const none = 2n ** 64n - 1n;
    expect(of([none, none], [0n, 700n], [700n, 600n], [500n, none], [1n, 2n])).toMatchObject([
      ...[undefined, undefined, undefined, undefined],
      { name: 'pass 4' },
    ]);
  });
});

describe('errors', () => {
  it('are types of few values', () => {
    const typed = (code: number, domain = 'MTLCommandBufferErrorDomain') =>
      errorType({ domain, code, description: 'a text with an address, 0xdeadbeef' });
    expect([typed(2), typed(11), typed(42), typed(2, 'NSCocoaErrorDomain'), errorType(undefined)]).toEqual([
      ...['timeout', 'device_removed', 'metal_42', 'metal', 'metal'],
    ]);
  });
});

describe('readings', () => {
  const told = {
    ...{ utilizationPercent: 50, systemMemoryBytes: 1000, videoMemoryBytes: 2000 },
    ...{ temperatureCelsius: undefined, powerWatts: undefined, coreMegahertz: undefined, memoryMegahertz: undefined },
    ...{ allocatedBytes: 10, thermalState: 1, queueDepth: 0 },
  };

  it('are of the memory that the GPU works in', () => {
    const usage = (unifiedMemory: boolean) =>
      readingsOf({ unifiedMemory, recommendedMaxWorkingSetBytes: undefined }, told).find(
        ({ name }) => name === 'hw.gpu.memory.usage',
      )?.value;
    expect([usage(true), usage(false)]).toEqual([1000, 2000]);
  });

  it('are left out where nothing was told, and 0 where 0 was told', () => {
    const nothing = {
      ...{ utilizationPercent: undefined, systemMemoryBytes: undefined, videoMemoryBytes: undefined },
      ...{ allocatedBytes: undefined, thermalState: undefined },
    };
    const of = (values: Partial<typeof told | typeof nothing>) =>
      readingsOf({ unifiedMemory: true, recommendedMaxWorkingSetBytes: undefined }, { ...told, ...values });
    expect(of(nothing)).toEqual([{ name: 'accelmeter.device.queue.depth', value: 0 }]);
    expect(of({ utilizationPercent: 0 })).toContainEqual({ name: 'hw.gpu.utilization', value: 0 });
  });
});
