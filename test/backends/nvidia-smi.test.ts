/**
 * How our values are compared with nvidia-smi's on a GPU (test/gpu/nvml.ts), tried where there is none: what it says was
 * written by hand after its document type, for the GPUs that the stub of NVML has.
 */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { buildNative } from '../../scripts/build-native.mjs';
import { createNvml } from '../../src/backends/cuda/nvml.ts';
import type { GpuValues } from '../../src/backends/cuda/values.ts';
import { compareWithSmi } from '../gpu/nvidia-smi.ts';
import { lacks } from '../parts.ts';
import { hopper, machine, stubNvml, turing, writeScenario } from './nvml-scenario.ts';

const root = new URL('../..', import.meta.url).pathname;
const written = (gpu: string) =>
  readFileSync(new URL(`../captures/nvidia-smi-synthetic-${gpu}.xml`, import.meta.url), 'utf8');

describe.skipIf(lacks('cc'))('what nvidia-smi says', () => {
  let libraries: { readonly h200: string; readonly t4: string };
  beforeAll(async () => {
    await buildNative({ root });
    libraries = { h200: stubNvml(), t4: stubNvml('OLD') };
  });

  async function valuesOf(name: 'h200' | 't4'): Promise<GpuValues> {
    process.env.ACCELMETER_STUB_NVML = writeScenario(
      name === 'h200' ? machine([hopper]) : machine([turing], [], '11.450.51'),
    );
    let told: GpuValues | undefined;
    const nvml = createNvml({
      ...{ library: libraries[name], pid: process.pid, visible: { list: undefined, order: undefined } },
      ...{ now: () => 1, gpusOfKernel: () => undefined, onDevices() {}, onXid() {}, followsXids() {} },
      readingsOf(device, values) {
        told = values;
        return { device: device.uuid, readings: [] };
      },
    });
    onTestFinished(() => nvml.close());
    await nvml.opened();
    if (told === undefined) throw new Error(nvml.source().detail);
    return told;
  }

  it.each([
    ['h200', ['fan speed', 'pages retired', 'retirement pending']],
    ['t4', ['rows remapped', 'remapping', 'recovery action', 'held down, in']],
  ] as const)('of a GPU agrees with what we read of it, as far as both tell: %s', async (name, untold) => {
    const values = await valuesOf(name);
    const compared = compareWithSmi(written(name), values, values);
    for (const each of compared) {
      const isUntold = untold.some((what) => each.what.startsWith(what));
      expect([each.what, each.agrees]).toEqual([each.what, isUntold ? undefined : true]);
    }
  });

  it.each([
    ['h200', 'temperature limit, max', '>-8 C<', '>8 C<'],
    [
      'h200',
      'temperature limit, throttled',
      '<gpu_temp_max_gpu_tlimit_threshold>0',
      '<gpu_temp_max_gpu_tlimit_threshold>3',
    ],
    ['h200', 'corrected errors', '<sram_correctable>2', '<sram_correctable>1'],
    ['h200', 'uncorrected errors', '_secded>0', '_secded>1'],
    ['h200', 'remapping pending', '<remapped_row_pending>No', '<remapped_row_pending>Yes'],
    ['h200', 'rows remapped for uncorrected errors', '<remapped_row_unc>0', '<remapped_row_unc>1'],
    ['h200', 'replays', '<replay_counter>3', '<replay_counter>4'],
    ['h200', 'recovery action', '<gpu_recovery_action>None', '<gpu_recovery_action>Reset'],
    ['h200', 'held down now: sw_power_cap', 'sw_power_cap>Not Active', 'sw_power_cap>Active'],
    ['h200', 'held down now: sync_boost', 'sync_boost>Not Active', 'sync_boost>Active'],
    ['h200', 'held down, in microseconds: hw_thermal_slowdown', 'hw_thermal_slowdown>5000000', 'hw_thermal_slowdown>1'],
    ['t4', 'temperature limit, throttled', '>85 C<', '>93 C<'],
    ['t4', 'fan speed', '>33 %<', '>3 %<'],
    ['t4', 'pages retired for corrected errors', '<retired_count>1', '<retired_count>2'],
  ] as const)('otherwise is found: %s, %s', async (name, what, from, to) => {
    const values = await valuesOf(name);
    const changed = written(name).replace(from, to);
    expect(changed).not.toBe(written(name));
    const differing = compareWithSmi(changed, values, values).filter(({ agrees }) => agrees === false);
    expect(differing.map((each) => each.what)).toEqual([what]);
  });
});
