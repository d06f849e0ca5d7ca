/** What is known of NVML while it is open: what is asked next, what an answer says of the devices, and how it is told. */
import type { SourceState } from '../../backend.ts';
import type { DriverProcess } from '../../native/driver-process.ts';
import type { NvmlAnswers, NvmlPlan } from './driver.ts';
import type { FieldNumbers } from './fields.ts';
import { type beginNvml, type Inventory, loadPlan, type NvmlDevice, programs } from './inventory.ts';
import { isLifecycleCode, isLostCode, refusal, stuckRemedy } from './refusals.ts';
import { type Known, type Prepared, planSample } from './sampling.ts';

/** What is known while it is open. */
export interface Open {
  readonly process: DriverProcess;
  readonly begun: Awaited<ReturnType<typeof beginNvml>>;
  inventory: Inventory;
  prepared: Prepared;
  readonly numbers: FieldNumbers;
  doubt: string | undefined;
  known: Known | undefined;
  /** What is asked at a sample, by its program: the same each second time, until everything is asked again. */
  readonly plans: Map<number, NvmlPlan>;
  seldom: NvmlAnswers;
  everythingAt: number;
  turn: 0 | 1;
  compares: boolean;
  gpusOfKernel: number | undefined;
}

/** What is asked now, kept in the process under which number. */
export function planned(open: Open, everything: boolean): { readonly program: number; readonly plan: NvmlPlan } {
  const { process: driver, prepared, turn, compares, plans } = open;
  const known = everything ? undefined : open.known;
  const program = everything || !compares ? programs.everything : programs.sample + turn;
  const kept = plans.get(program);
  if (kept !== undefined && program !== programs.everything) return { program, plan: kept };
  const plan = planSample(prepared, { known, turn, compares });
  loadPlan(driver, program, plan);
  plans.set(program, plan);
  return { program, plan };
}

/** `all`: the code that says that it is not a device that is gone. */
export function goneIn({ all }: NvmlAnswers, devices: readonly NvmlDevice[]) {
  const gone = devices.filter(({ key }) => all.some((answer) => isOf(answer.key, key) && isLostCode(answer.code)));
  const asked = all.filter(({ name, code }) => name !== 'nextEvent' && code !== -1);
  const lifecycle = asked.find(({ code }) => isLifecycleCode(code))?.code;
  const isAll = asked.length > 0 && asked.every(({ code }) => code !== 0);
  return { devices: gone, all: isAll && gone.length === 0 ? lifecycle : undefined };
}

const isOf = (key: string, device: string) => key === device || key.startsWith(`${device},`);

/** Of the source, for people. */
export function stateOf(open: Open, lost: readonly string[], isHidden: boolean): Omit<SourceState, 'name'> {
  const { inventory, prepared, doubt } = open;
  const gpus = prepared.devices.filter(({ mig }) => mig === undefined).length;
  const parts = prepared.devices.length - gpus;
  const what = `${gpus} GPU${gpus === 1 ? '' : 's'}${parts > 0 ? ` and ${parts} MIG instance${parts === 1 ? '' : 's'}` : ''}`;
  const hidden = inventory.devices.length - prepared.devices.length;
  const more = [
    hidden > 0 && lost.length === 0 ? `${hidden} hidden by CUDA_VISIBLE_DEVICES` : '',
    lost.length > 0 ? `${lost.join(', ')} cannot be read` : '',
    doubt ?? '',
    isHidden ? 'process memory not told: this container has process numbers of its own' : '',
  ].filter((part) => part !== '');
  const detail = [`driver ${inventory.driverVersion ?? 'of unknown version'}`, what, ...more].join(', ');
  if (lost.length === 0) return { up: true, detail };
  return { up: gpus > 0, detail, remedy: refusal(15).remedy ?? stuckRemedy };
}
