/** What is asked once of devices that are to be sampled, and what is kept ready for that. */
import type { DriverProcess } from '../../native/driver-process.ts';
import type { NvmlAnswers } from './driver.ts';
import { fieldNumbers } from './fields.ts';
import { type Inventory, type NvmlDevice, programs, runPlan } from './inventory.ts';
import { gpmSamplesIn, type Prepared, planGpmSamples, planPreparation } from './sampling.ts';

/** Has events of the devices kept, and makes room for what compares samples. */
export async function prepare(
  driver: DriverProcess,
  inventory: Inventory,
  devices: readonly NvmlDevice[],
): Promise<{ readonly prepared: Prepared; readonly answers: NvmlAnswers }> {
  const preparation = planPreparation({ ...inventory, devices });
  const answers = await runPlan(driver, programs.prepare, preparation);
  const gpmPlan = planGpmSamples(devices, answers, preparation.end);
  const gpm = gpmSamplesIn(gpmPlan, await runPlan(driver, programs.prepare, gpmPlan));
  const fans = new Map(devices.map(({ key }) => [key, answers.get('fanCount', key)?.readUInt32LE(0) ?? 0]));
  const numbers = fieldNumbers(inventory.nvmlVersion);
  const prepared: Prepared = { devices, numbers, fans, gpm, eventSet: inventory.eventSet, end: gpmPlan.end };
  return { prepared, answers };
}
