/** What is known of NVML while it is open: what is asked next, what an answer says of the devices, and how it is told. */
import type { SourceState } from '../../backend.ts';
import { type DriverProcess, notCalled } from '../../native/driver-process.ts';
import { type NvmlAnswer, type NvmlAnswers, type NvmlPlan, nvmlError } from './driver.ts';
import { type FieldNumbers, fieldCodesIn } from './fields.ts';
import { type beginNvml, type Inventory, loadPlan, type NvmlDevice, programs } from './inventory.ts';
import { isLifecycleCode, isLostCode, refusal, stuckRemedy } from './refusals.ts';
import { isLacking, type Known, type Prepared, planSample } from './sampling.ts';

/** What is known while it is open. */
export interface Open {
  readonly process: DriverProcess;
  readonly begun: Awaited<ReturnType<typeof beginNvml>>;
  inventory: Inventory;
  prepared: Prepared;
  readonly numbers: FieldNumbers;
  /** Those that tell of events. */
  followed: readonly NvmlDevice[];
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

/** A device that cannot be read now, and the code that says why. */
export interface Gone {
  readonly device: NvmlDevice;
  readonly code: number;
}

/**
 * Which devices cannot be read: they are lost, or each of their calls fails. `all`: the code that says why none can, where
 * that is not the devices being lost.
 */
export function goneIn({ all }: NvmlAnswers, devices: readonly NvmlDevice[]): { devices: Gone[]; all?: number } {
  const asked = all.filter(({ name, code }) => name !== 'nextEvent' && code !== notCalled);
  const gone = devices.flatMap((device): Gone | [] => {
    const codes = asked.filter(({ key }) => isOf(key, device.key)).map(codeOf);
    const code = codes.find(isLostCode) ?? (device.mig === undefined ? failureIn(codes) : undefined);
    return code === undefined ? [] : { device, code };
  });
  const gpus = devices.filter(({ mig }) => mig === undefined);
  const isAll = gpus.length > 0 && gpus.every((gpu) => gone.some(({ device }) => device === gpu));
  const codes = gone.map(({ code }) => code).filter((code) => !isLostCode(code));
  const [why] = [...codes.filter(isLifecycleCode), ...codes];
  return isAll && why !== undefined ? { devices: gone, all: why } : { devices: gone };
}

const isOf = (key: string, device: string) => key === device || key.startsWith(`${device},`);

/** Of a call for many values, none of which is told, the code that those have. */
function codeOf({ name, code, output }: NvmlAnswer): number {
  const codes = name === 'fields' && code === 0 ? fieldCodesIn(output).map((field) => field.code) : [];
  return codes.length === 0 ? code : (failureIn(codes) ?? 0);
}

/** Why all failed, where it is not that the device has none of it; `undefined` where one did not. */
function failureIn(codes: readonly number[]): number | undefined {
  return codes.includes(0) ? undefined : codes.find((code) => !isLacking(code));
}

/** Those that are counted and cannot be read, for people. */
export interface Missing {
  readonly name: string;
  readonly code: number;
}

/** Of the source, for people. */
export function stateOf(open: Open, missing: readonly Missing[], isHidden: boolean): Omit<SourceState, 'name'> {
  const { inventory, prepared, doubt } = open;
  const gpus = prepared.devices.filter(({ mig }) => mig === undefined).length;
  const parts = prepared.devices.length - gpus;
  const what = `${gpus} GPU${gpus === 1 ? '' : 's'}${parts > 0 ? ` and ${parts} MIG instance${parts === 1 ? '' : 's'}` : ''}`;
  const hidden = inventory.devices.length - prepared.devices.length;
  const [first] = missing;
  const names = missing.map(({ name }) => name).join(', ');
  const more = [
    hidden > 0 && first === undefined ? `${hidden} hidden by CUDA_VISIBLE_DEVICES` : '',
    first === undefined ? '' : `${names} cannot be read: ${nvmlError(first.code)}`,
    doubt ?? '',
    isHidden ? 'process memory not told: this container has process numbers of its own' : '',
  ].filter((part) => part !== '');
  const detail = [`driver ${inventory.driverVersion ?? 'of unknown version'}`, what, ...more].join(', ');
  // That all are hidden is as this process wants it.
  const up = gpus > 0 || (first === undefined && inventory.devices.length > 0);
  const why = first?.code ?? (up ? undefined : 28);
  return { up, detail, ...(why !== undefined && { remedy: refusal(why).remedy ?? stuckRemedy }) };
}
