/** NVML from nothing to where it can be sampled: its library, the devices that this process has, what is kept ready. */
import { ProbeError } from '../../errors.ts';
import type { DriverProcess } from '../../native/driver-process.ts';
import { answersOf, type NvmlPlan, nvmlSymbols } from './driver.ts';
import { beginNvml, type NvmlDevice, refusalOf, takeInventory } from './inventory.ts';
import type { Open } from './opened.ts';
import { prepare } from './preparation.ts';
import { libraryNames, libraryRefusal, refusal } from './refusals.ts';
import { visibleDevices } from './visible.ts';

export interface Opening {
  /** By default the driver's own. */
  readonly library: string | undefined;
  /** `CUDA_VISIBLE_DEVICES` and `CUDA_DEVICE_ORDER`. */
  readonly visible: { readonly list: string | undefined; readonly order: string | undefined };
  /** How many GPUs the kernel's driver has; `undefined` where it does not tell. */
  gpusOfKernel(): number | undefined;
}

/** Rejects with a ProbeError where the library, or NVML, refuses. */
export async function openNvml(driver: DriverProcess, { library, visible, gpusOfKernel }: Opening): Promise<Open> {
  const names = library === undefined ? libraryNames : [library];
  await driver.open(names, nvmlSymbols).catch((error) => {
    throw libraryRefusal(ProbeError.from(error), library);
  });
  const begun = await beginNvml(driver);
  const refused = refusalOf(begun.answers);
  if (refused !== undefined) throw refusal(refused);
  const inventory = await takeInventory(driver, begun);
  const { devices, doubt } = visibleDevices(inventory.devices, visible.list, visible.order);
  const { prepared, followed } = await prepare(driver, inventory, devices);
  return {
    ...{ process: driver, begun, inventory, prepared, doubt, numbers: prepared.numbers, followed },
    known: undefined,
    plans: new Map<number, NvmlPlan>(),
    seldom: answersOf([]),
    everythingAt: Number.NEGATIVE_INFINITY,
    turn: 0,
    compares: false,
    gpusOfKernel: gpusOfKernel(),
  };
}

/** MIG instances come and go while NVML is open. */
export async function renewDevices(open: Open, { visible }: Opening): Promise<void> {
  const { process: driver, begun, inventory: before, prepared: kept, followed: already } = open;
  const inventory = await takeInventory(driver, begun);
  const refused = inventory.answers.code('deviceCount', '') ?? 0;
  if (refused !== 0) throw refusal(refused);
  const { devices, doubt } = visibleDevices(inventory.devices, visible.list, visible.order);
  // What is kept ready stands behind the devices: where those take more room it has to move.
  const isSame = namesOf(devices) === namesOf(kept.devices) && inventory.end === before.end;
  if (isSame) {
    open.inventory = { ...before, unreadable: inventory.unreadable };
    return;
  }
  const { prepared, followed } = await prepare(driver, inventory, devices, { kept, followed: already });
  Object.assign(open, { inventory, prepared, doubt, followed, compares: false });
  open.plans.clear();
}

const namesOf = (devices: readonly NvmlDevice[]) => devices.map(({ uuid }) => uuid).join(' ');
