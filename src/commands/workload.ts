/** The built-in workload on every device that there is: what `compare` and `baseline` run without a program of yours. */
import { setImmediate } from 'node:timers/promises';
import { type BackendFailure, type BackendResult, compareBackends } from '../compare.ts';
import type { Device } from '../device.ts';
import { ProbeError } from '../errors.ts';
import type { OpenedProfiler } from '../profiler.ts';
import { allWorkloads } from '../workload/all.ts';
import { isProduct, type Multiplication } from '../workload/workload.ts';

/** How long the last execution of a device is waited for. */
const settleSeconds = 0.5;

export interface WorkloadRun {
  /** The fastest first. */
  readonly results: readonly BackendResult[];
  readonly failures: readonly BackendFailure[];
  /** Ids of the devices that multiplied wrongly. */
  readonly wrong: ReadonlySet<string>;
}

/** Multiplies for so many seconds on each device, one after the other, and checks what came out. */
export async function runWorkload({ profiler, state }: OpenedProfiler, seconds: number): Promise<WorkloadRun> {
  const failures: BackendFailure[] = [];
  const wrong = new Set<string>();
  const opened = new Map<Device, Multiplication>();
  const attempt = async (device: Device, act: () => Promise<void>) => {
    const { id: deviceId, name: deviceName, backend: backendType } = device;
    await act().catch((error: unknown) => failures.push({ deviceId, deviceName, backendType, error }));
  };
  for (const device of profiler.devices) {
    await attempt(device, async () => {
      const multiplication = await workloadOf(device).open(device, state.options);
      opened.set(device, multiplication);
      await multiplication.run(); // the first is not like the others: drivers compile and allocate
    });
  }
  const failed = new Set(failures.map(({ deviceId }) => deviceId));
  const ready = [...opened].filter(([{ id }]) => !failed.has(id));
  const comparison = await compareBackends(
    ready.map(([device]) => device),
    async (device) => {
      await repeat(opened.get(device), seconds);
      state.settle(settleSeconds);
    },
  );
  for (const [device, multiplication] of ready) {
    await attempt(device, async () => {
      if (!isProduct(await multiplication.product())) wrong.add(device.id);
    });
  }
  for (const multiplication of opened.values()) multiplication.close();
  return { results: comparison.results, failures: [...failures, ...comparison.failures], wrong };
}

function workloadOf({ backend }: Device) {
  const workload = allWorkloads.find((each) => each.backend === backend);
  if (workload === undefined) throw new ProbeError('unsupported', 'there is no workload for this backend');
  return workload;
}

/** At least once. */
async function repeat(multiplication: Multiplication | undefined, seconds: number): Promise<void> {
  const until = performance.now() + seconds * 1000;
  do {
    await multiplication?.run();
    await setImmediate(); // what was seen of it is read meanwhile
  } while (performance.now() < until);
}
