/** GPUs whose driver hangs, crashes, forgets its GPUs or is exchanged: each in a service that opens the profiler. */
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildNative } from '../../scripts/build-native.mjs';
import { hopper, machine, stubNvml, turing, uuid, writeScenario } from '../backends/nvml-scenario.ts';
import { lacks } from '../parts.ts';
import { expectUnharmed, served, watch } from './watch.ts';

const root = new URL('../..', import.meta.url).pathname;

interface Look {
  readonly up?: number;
  readonly detail?: string;
  /** How many devices tell their power. */
  readonly power: number;
  readonly cpu: boolean;
}
interface Seen {
  readonly opened: number;
  readonly changes: readonly [id: string, state: string][];
  readonly slowestRead: number;
  readonly slowestLook: number;
  readonly looks: readonly Look[];
  readonly absent: readonly [backend: string, kind: string, message: string][];
}

describe.skipIf(lacks('cc'))('a service whose GPUs', { timeout: 40_000, retry: 2 }, () => {
  let library: string;
  beforeAll(async () => {
    await buildNative({ root });
    library = stubNvml();
  });

  interface Course {
    readonly seconds?: number;
    readonly environment?: Record<string, string>;
    /** What becomes of the machine while the service runs. */
    readonly meanwhile?: (change: (lines: string) => void) => Promise<unknown>;
    /** Things of ours that run for the first time: a process that is begun or lost. */
    readonly firsts?: number;
  }

  /** Runs the service on that machine; whatever comes, it is unharmed. */
  async function serve(
    lines: string,
    { seconds = 2.5, environment = {}, meanwhile, firsts = 4 }: Course = {},
  ): Promise<Seen> {
    const file = writeScenario(lines);
    const change = (changed: string) => void writeScenario(changed, file);
    const watched = await watch(['gpu-service.mjs', `${seconds}`], {
      register: false,
      ready: /^ready/,
      environment: { ACCELMETER_NVML_LIBRARY: library, ACCELMETER_STUB_NVML: file, ...environment },
      meanwhile: async (program) => {
        await program.said(/ready/);
        await meanwhile?.(change);
      },
    });
    const ended = performance.now();
    expectUnharmed(watched, { stdout: /^ready\n.*\n$/, firsts });
    expect(watched.stderr).toBe('');
    expect(performance.now() - ended).toBeLessThan(1000);
    const seen: Seen = JSON.parse(watched.stdout.split('\n')[1] ?? '{}');
    expect(seen.slowestRead).toBeLessThan(500); // a pool whose threads hang reads nothing
    expect(seen.looks.every(({ cpu }) => cpu)).toBe(true);
    return seen;
  }

  it.concurrent('are well has them in each look', async () => {
    const { looks, changes } = await serve(machine([hopper, turing]));
    expect(looks.length).toBeGreaterThan(3);
    expect(looks.every(({ up, power }) => up === 1 && power === 2)).toBe(true);
    expect(changes).toEqual([]);
  });

  it.concurrent('hang from the first call on is told so, and goes on', async () => {
    const { looks, opened } = await serve(machine([hopper], ['hang nvmlInit_v2 30']));
    expect(opened).toBeLessThan(11_000);
    expect(looks.at(-1)).toMatchObject({ up: 0, power: 0, detail: /the driver does not answer: nvmlInit_v2/ });
  });

  it.concurrent('hang later is told which call, and has no old values', async () => {
    const { looks, slowestLook } = await serve(machine([hopper, turing]), {
      seconds: 5,
      meanwhile: async (change) => {
        await sleep(600);
        change(machine([hopper, turing], ['hang nvmlDeviceGetUtilizationRates 30']));
      },
    });
    expect(looks[0]).toMatchObject({ up: 1, power: 2 });
    expect(looks.at(-1)).toMatchObject({
      up: 0,
      power: 0,
      detail: /^the driver does not answer: nvmlDeviceGetUtilizationRates \(0\) takes \d+ s and more$/,
    });
    expect(slowestLook).toBeLessThan(1000);
  });

  it.concurrent('hang and come back are read again', async () => {
    const { looks } = await serve(machine([hopper]), {
      seconds: 6,
      meanwhile: async (change) => {
        await sleep(600);
        change(machine([hopper], ['hang nvmlDeviceGetPowerUsage 0', 'hang nvmlDeviceGetUtilizationRates 3']));
        await sleep(500);
        change(machine([hopper]));
      },
    });
    expect(looks.some(({ up }) => up === 0)).toBe(true);
    expect(looks.at(-1)).toMatchObject({ up: 1, power: 1 });
  });

  it.concurrent.each(['crash', 'abort'])(
    'have a driver that ends by a %s are told so, and are there again',
    async (fault) => {
      const { looks, changes } = await serve(machine([hopper]), {
        seconds: 8,
        meanwhile: async (change) => {
          await sleep(600);
          change(machine([hopper], [`${fault} nvmlDeviceGetMemoryInfo_v2`]));
          await sleep(1500);
          change(machine([hopper]));
        },
      });
      expect(looks.some(({ up, detail = '' }) => up === 0 && /crashed \(SIG(SEGV|ABRT)\)/.test(detail))).toBe(true);
      expect(looks.at(-1)).toMatchObject({ up: 1, power: 1 });
      expect(changes).toEqual([]);
    },
  );

  it.concurrent('have a driver that crashes again and again are left alone after the third time', async () => {
    const seen = await serve(machine([hopper], ['crash nvmlDeviceGetMemoryInfo_v2']), { seconds: 1 });
    expect(seen.absent.length + seen.looks.filter(({ up }) => up === 0).length).toBeGreaterThan(0);
  });

  it.concurrent('lose one of them at the 50th call have the other, and both once it is back', async () => {
    const { looks, changes } = await serve(machine([hopper, turing]), {
      seconds: 9,
      meanwhile: async (change) => {
        await sleep(300);
        change(machine([hopper, turing], ['at 50 lost 1']));
        await sleep(1500);
        change(machine([hopper, turing]));
      },
    });
    expect(changes).toEqual([
      [uuid(1), 'lost'],
      [uuid(1), 'recovered'],
    ]);
    expect(
      looks.some(({ up, power, detail = '' }) => up === 1 && power === 1 && detail.includes('GPU 1 cannot be read')),
    ).toBe(true);
    expect(looks.at(-1)).toMatchObject({ up: 1, power: 2 });
  });

  it.concurrent('have their driver exchanged are told so, and are read by the new one', async () => {
    const { looks, changes } = await serve(machine([hopper]), {
      seconds: 9,
      meanwhile: async (change) => {
        await sleep(300);
        change(machine([hopper], ['at 1 code 18']));
        await sleep(1500);
        change(machine([hopper], [], '13.590.10.01'));
      },
    });
    expect(changes).toEqual([
      [uuid(0), 'lost'],
      [uuid(0), 'recovered'],
    ]);
    expect(looks.some(({ up, detail = '' }) => up === 0 && /of different versions/.test(detail))).toBe(true);
    expect(looks.at(-1)).toMatchObject({ up: 1, power: 1, detail: /driver 590.10.01/ });
  });

  it.concurrent('hang under register: the page says so, all else is on it, and the service ends when it wants', async () => {
    const hanging = writeScenario(machine([hopper], ['hang nvmlInit_v2 60']));
    let page = '';
    const watched = await watch(['idle.mjs', '3000'], {
      environment: {
        ACCELMETER_DEVICE_METRICS: 'on',
        ACCELMETER_NVML_LIBRARY: library,
        ACCELMETER_STUB_NVML: hanging,
      },
      meanwhile: async ({ said }) => {
        const [, address] = await said(served);
        page = await (await fetch(`${address}/metrics`)).text();
      },
    });
    expectUnharmed(watched, { firsts: 2 });
    expect(page).toContain('accelmeter_source_up{accelmeter_source="nvml"} 0');
    expect(page).toContain('process_cpu_time_seconds_total');
    expect(page).not.toContain('hw_power_watts');
  });
});
