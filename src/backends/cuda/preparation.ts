/** What is asked once of devices that are to be sampled, and what is kept ready for that. */
import type { DriverProcess } from '../../native/driver-process.ts';
import type { NvmlAnswers } from './driver.ts';
import { fieldNumbers } from './fields.ts';
import { type Inventory, type NvmlDevice, programs, runPlan } from './inventory.ts';
import {
  followedEvents,
  gpmSamplesIn,
  type Prepared,
  planFreeing,
  planGpmSamples,
  planPreparation,
} from './sampling.ts';

/** What was kept ready before. */
interface Before {
  readonly kept: Prepared;
  readonly followed: readonly NvmlDevice[];
}

/** Has events of the devices kept, and makes room for what compares samples. `followed`: those that tell of events. */
export async function prepare(
  driver: DriverProcess,
  inventory: Inventory,
  devices: readonly NvmlDevice[],
  before?: Before,
): Promise<{ readonly prepared: Prepared; readonly answers: NvmlAnswers; readonly followed: readonly NvmlDevice[] }> {
  if (before !== undefined) await runPlan(driver, programs.prepare, planFreeing(before.kept, inventory.end));
  const isFollowed = ({ uuid }: NvmlDevice) => before?.followed.some((device) => device.uuid === uuid) ?? false;
  const preparation = planPreparation({ ...inventory, devices }, isFollowed);
  const answers = await runPlan(driver, programs.prepare, preparation);
  const gpmPlan = planGpmSamples(devices, answers, preparation.end);
  const gpm = gpmSamplesIn(gpmPlan, await runPlan(driver, programs.prepare, gpmPlan));
  const fans = new Map(devices.map(({ key }) => [key, answers.get('fanCount', key)?.readUInt32LE(0) ?? 0]));
  const numbers = fieldNumbers(inventory.nvmlVersion);
  const prepared: Prepared = { devices, numbers, fans, gpm, eventSet: inventory.eventSet, end: gpmPlan.end };
  const followed = devices.filter(
    (device) => isFollowed(device) || answers.code('registerEvents', `${device.key},${followedEvents}`) === 0,
  );
  return { prepared, answers, followed };
}
