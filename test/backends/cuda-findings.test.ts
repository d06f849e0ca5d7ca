/** What the analyzer says of a GPU, from what NVML tells of it to the finding: by the stub of NVML. */
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { buildNative } from '../../scripts/build-native.mjs';
import type { Finding } from '../../src/analyzer/finding.ts';
import type { Device } from '../../src/device.ts';
import { resolveOptions } from '../../src/options.ts';
import { openProfiler, type Profiler } from '../../src/profiler.ts';
import { lacks } from '../parts.ts';
import { hopper, machine, replacing, type StubGpu, stubNvml, writeScenario } from './nvml-scenario.ts';

const root = new URL('../..', import.meta.url).pathname;
const tickSeconds = 0.2;

describe.skipIf(lacks('cc'))('on a GPU', () => {
  let library: string;
  beforeAll(async () => {
    await buildNative({ root });
    library = stubNvml();
  });

  async function open(gpu: StubGpu, rules: 'production' | 'guide' = 'production'): Promise<Opened> {
    const file = writeScenario(machine([gpu]));
    process.env.ACCELMETER_STUB_NVML = file;
    const options = resolveOptions(
      { backends: ['cuda'], nvmlLibrary: library, tickSeconds, budget: 1, rules },
      {},
      () => {},
    );
    const { profiler } = await openProfiler(options);
    onTestFinished(() => profiler.close());
    const [device] = profiler.devices;
    if (device === undefined) throw new Error('no device');
    return { profiler, device, change: (changed) => void writeScenario(machine([changed]), file) };
  }

  interface Opened {
    readonly profiler: Profiler;
    readonly device: Device;
    readonly change: (gpu: StubGpu) => void;
  }

  /** Waits for a finding, doing `work` between two looks. */
  async function found({ profiler }: Opened, code: string, work = () => {}): Promise<Finding | undefined> {
    for (let look = 0; look < 60; look += 1) {
      const finding = profiler.findings.find((each) => each.code === code);
      if (finding) return finding;
      work();
      await sleep(100);
    }
    return undefined;
  }

  /** Lines of a GPU at whose counter `field` so many nanoseconds come about at each sample. */
  const throttledBy = (field: number, each: number) => replacing(hopper, `field@0,${field} 0 u64:0+${each}`);

  it('that is well nothing is found, by either profile', async () => {
    for (const rules of ['production', 'guide'] as const) {
      const { profiler } = await open(hopper, rules);
      await sleep(8 * tickSeconds * 1000);
      expect(profiler.findings.filter(({ code }) => code !== 'low_utilization')).toEqual([]);
    }
  });

  it('that is throttled for its temperature', async () => {
    const finding = await found(await open(throttledBy(270, 150_000_000)), 'thermal_throttling');
    expect(finding).toMatchObject({
      observed: expect.any(Number),
      evidence: expect.objectContaining({ counterEvidence: ['temperature 45 °C'] }),
    });
    expect(finding?.observed).toBeGreaterThan(0.1);
  });

  it('that is hot and not throttled: nothing in production, a finding to the guide’s letter', async () => {
    const hot = replacing(hopper, 'nvmlDeviceGetTemperature@0,0 0 u32:83');
    expect(await found(await open(hot, 'guide'), 'thermal_throttling')).toMatchObject({ observed: 83, threshold: 80 });
  });

  it('whose power limit holds its clock down', async () => {
    const opened = await open(hopper);
    await sleep(3 * tickSeconds * 1000); // what its clock usually is has been seen
    const slow = replacing(throttledBy(74, 190_000_000), 'nvmlDeviceGetClockInfo@0,1 0 u32:990');
    opened.change(replacing(slow, 'nvmlDeviceGetCurrentClocksEventReasons@0 0 u64:4'));
    expect(await found(opened, 'power_throttling')).toMatchObject({ severity: 'warning' });
  });

  it('whose link is slower than it could be', async () => {
    const opened = await open(replacing(hopper, 'nvmlDeviceGetCurrPcieLinkWidth@0 0 u32:8'));
    expect(await found(opened, 'pcie_degraded')).toMatchObject({ observed: 0.5, threshold: 1 });
  });

  it('to which copies take longer than its link needs: measured by what that link carries', async () => {
    const opened = await open(hopper);
    const copy = () => opened.device.transfer('host_to_device').record(64 * 2 ** 20, 64 / 2 ** 10 / 20);
    const finding = await found(opened, 'low_bandwidth', () => {
      for (let i = 0; i < 30; i += 1) copy();
    });
    expect(finding).toMatchObject({ threshold: 0.5 * 3.938e9 * 16 });
    expect(finding?.observed).toBeCloseTo(20 * 2 ** 30, -9);
  });

  it.each([
    ['an uncorrected memory error', 'field@0,4 0 u64:1', /1 uncorrected memory error/],
    ['a row that waits for a reset', 'field@0,144 0 u32:1', /one row of memory that waits for a reset/],
    ['a critical XID', 'event@0 79', /1 critical XID/],
  ])('with %s', async (_, line, sentence) => {
    const opened = await open(hopper);
    opened.change(replacing(hopper, line));
    const finding = await found(opened, 'memory_errors');
    expect(finding).toMatchObject({ severity: 'critical' });
    expect(String(finding)).toMatch(sentence);
    expect(await opened.device.getHealthSnapshot()).toMatchObject({ status: 'error' });
  });

  it('an XID of the program’s own is none', async () => {
    const opened = await open(hopper);
    opened.change(replacing(hopper, 'event@0 31'));
    await sleep(8 * tickSeconds * 1000);
    expect(opened.profiler.findings.map(({ code }) => code)).not.toContain('memory_errors');
  });

  it('the sensors of its health have what it tells', async () => {
    const { device } = await open(hopper);
    await sleep(4 * tickSeconds * 1000);
    const health = await device.getHealthSnapshot();
    expect(health.getSensorValue('TemperatureCelsius')).toMatchObject({ value: 45, maxValue: 85, available: true });
    expect(health.getSensorValue('MemoryUsedBytes')).toMatchObject({ value: 40 * 2 ** 30, maxValue: 141 * 2 ** 30 });
    expect(health.getSensorValue('ThrottlingPercent')).toMatchObject({ value: 0, available: true });
    expect(health.getSensorValue('HardwareErrors')).toMatchObject({ value: 0, available: true });
  });
});
