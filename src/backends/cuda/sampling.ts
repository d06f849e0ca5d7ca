/**
 * What is asked at every sample, and what once in a while. A device is first asked for everything; what it does not have is
 * not asked again until the next time that everything is asked.
 */
import { bytesOf, mostProcesses, type NvmlAnswers, type NvmlCall, NvmlPlan } from './driver.ts';
import { type FieldName, type FieldNumbers, fieldCodesIn, fieldRequest } from './fields.ts';
import type { Inventory, NvmlDevice } from './inventory.ts';

/** How often everything is asked: limits, and what the device did not have before. */
export const everythingEverySeconds = 60;

/** One call, and with which numbers. */
interface Asked {
  readonly name: NvmlCall;
  readonly numbers?: readonly number[];
}

const domains = { graphics: 0, sm: 1, memory: 2, video: 3 } as const;
export type ClockDomain = keyof typeof domains;
export const clockDomains = Object.entries(domains) as readonly (readonly [ClockDomain, number])[];

/** Limits and the like. */
const askedSeldom: readonly Asked[] = [
  { name: 'powerLimit' },
  { name: 'maxClock', numbers: [domains.sm] },
  { name: 'maxLinkGeneration' },
  { name: 'maxLinkWidth' },
  { name: 'temperatureThreshold', numbers: [0] },
  { name: 'temperatureThreshold', numbers: [1] },
  { name: 'temperatureThreshold', numbers: [3] },
];

const asked: readonly Asked[] = [
  { name: 'utilization' },
  { name: 'encoderUtilization' },
  { name: 'decoderUtilization' },
  { name: 'memory' },
  { name: 'temperature', numbers: [0] },
  ...clockDomains.map(([, number]): Asked => ({ name: 'clock', numbers: [number] })),
  { name: 'temperatureMargin' },
  { name: 'throttleReasons' },
  { name: 'linkGeneration' },
  { name: 'linkWidth' },
];

/** Where a value can be had in two ways the second is asked only of devices that do not have the first. */
const insteadOf: readonly (Asked & { readonly first: NvmlCall; readonly firstNumbers?: readonly number[] })[] = [
  { name: 'memoryBefore510', first: 'memory' },
  { name: 'temperatureByStructure', first: 'temperature', firstNumbers: [0] },
];
/** The same for those that are fields first. */
const insteadOfField: readonly (Asked & { readonly field: FieldName })[] = [
  { name: 'power', field: 'averagePowerMilliwatts' },
  { name: 'energy', field: 'energyMillijoules' },
  { name: 'replays', field: 'replays' },
  { name: 'eccErrors', numbers: [0, 0], field: 'correctedErrors' },
  { name: 'eccErrors', numbers: [1, 0], field: 'uncorrectedErrors' },
  { name: 'remappedRows', field: 'remappedForCorrected' },
];

/** Asked once in a while as well. */
export const fieldsSeldom: readonly FieldName[] = ['shutdownMargin', 'slowdownMargin', 'maximumMargin'];

/** Of a MIG instance: the rest belongs to its GPU. */
const askedOfInstance: readonly Asked[] = [{ name: 'memory' }];

export const gpmMetrics = { sm: 2, occupancy: 3, tensor: 5, dram: 10 } as const;

/** A pair of samples of a device, where they stand in the arena and what they are. */
export interface GpmSamples {
  readonly at: readonly [number, number];
  readonly values: readonly [bigint, bigint];
}

/** What is known of the devices beside what they are. */
export interface Prepared {
  readonly devices: readonly NvmlDevice[];
  readonly numbers: FieldNumbers;
  readonly fans: ReadonlyMap<string, number>;
  readonly gpm: ReadonlyMap<string, GpmSamples>;
  readonly eventSet: number;
  readonly end: number;
}

export interface SampleRequest {
  /** What the devices answered when they were asked for everything; `undefined` to ask for everything. */
  readonly known: Known | undefined;
  /** Which of the two samples is taken now. */
  readonly turn: 0 | 1;
  /** False for the first of them. */
  readonly compares: boolean;
}

/** What devices have, by call and key, and their fields. */
export interface Known {
  has(name: NvmlCall, key: string): boolean;
  hasField(key: string, number: number): boolean;
}

/** Events that are taken at once; further ones wait for the next sample. */
const eventsAtOnce = 4;

export function planSample(prepared: Prepared, { known, turn, compares }: SampleRequest): NvmlPlan {
  const plan = new NvmlPlan(prepared.end);
  for (const device of prepared.devices) {
    const ask = ({ name, numbers = [] }: Asked) => {
      const key = [device.key, ...numbers].join(',');
      if (known === undefined || known.has(name, key))
        plan.add(name, { device: device.handle, of: device.key, numbers });
    };
    if (device.mig === undefined) {
      planFields(plan, device, prepared.numbers, known);
      for (const each of known === undefined ? [...askedSeldom, ...asked] : asked) ask(each);
      const fans = prepared.fans.get(device.key) ?? 0;
      for (let fan = 0; fan < fans; fan += 1) ask({ name: 'fanSpeed', numbers: [fan] });
      if (fans === 0) ask({ name: 'onlyFanSpeed' });
    } else for (const each of askedOfInstance) ask(each);
    for (const each of [...insteadOf, ...(device.mig === undefined ? insteadOfField : [])]) ask(each);
    planProcesses(plan, device, known);
    planGpm(plan, prepared, device, { turn, compares });
  }
  for (let left = eventsAtOnce; left > 0; left -= 1) {
    const of = `event ${eventsAtOnce - left}`; // no device's: where one is lost, the whole set tells it
    plan.add('nextEvent', { other: prepared.eventSet, numbers: [0], of, neededBy: left - 1 });
  }
  return plan;
}

function planFields(plan: NvmlPlan, device: NvmlDevice, numbers: FieldNumbers, known: Known | undefined): void {
  const wanted = Object.entries(numbers)
    .filter(([name]) => known === undefined || !fieldsSeldom.includes(name as FieldName))
    .map(([, number]) => number)
    .filter((number) => known === undefined || known.hasField(device.key, number));
  if (wanted.length === 0) return;
  const input = fieldRequest(wanted);
  plan.add('fields', { device: device.handle, of: device.key, numbers: [wanted.length], input, writes: input.length });
}

/** What stands in place of entries that were not written. */
export const processFiller = 0xa5;

function planProcesses(plan: NvmlPlan, device: NvmlDevice, known: Known | undefined): void {
  for (const name of ['computeProcesses', 'graphicsProcesses'] as const) {
    if (known && !known.has(name, device.key)) continue;
    plan.add(name, { device: device.handle, of: device.key, input: bytesOf([mostProcesses]), filler: processFiller });
  }
}

const wantedGpm = Object.values(gpmMetrics);

function planGpm(
  plan: NvmlPlan,
  { gpm, devices }: Prepared,
  device: NvmlDevice,
  { turn, compares }: Pick<SampleRequest, 'turn' | 'compares'>,
) {
  const samples = gpm.get(device.key);
  if (samples === undefined) return;
  const other = samples.at[turn];
  const neededBy = compares ? 1 : 0;
  const parent = devices.find(({ uuid }) => uuid === device.mig?.parent);
  if (device.mig === undefined) plan.add('gpmSample', { device: device.handle, of: device.key, other, neededBy });
  else {
    const numbers = [device.mig.gpuInstance];
    plan.add('gpmMigSample', { device: parent?.handle ?? 0, of: device.key, other, numbers, neededBy });
  }
  if (!compares) return;
  const input = Buffer.alloc(24 + 40 * wantedGpm.length);
  input.writeUInt32LE(1, 0);
  input.writeUInt32LE(wantedGpm.length, 4);
  input.writeBigUInt64LE(samples.values[turn === 0 ? 1 : 0], 8);
  input.writeBigUInt64LE(samples.values[turn], 16);
  for (const [index, metric] of wantedGpm.entries()) input.writeUInt32LE(metric, 24 + 40 * index);
  plan.add('gpmMetrics', { of: device.key, input, writes: input.length, room: 24 + 333 * 40 });
}

/** Kinds of events that are followed: `nvmlEventTypeXidCriticalError`. */
export const followedEvents = 8;

/** Asks once for what a sample must know, and has events of the devices kept. */
export function planPreparation(
  { devices, eventSet, end }: Pick<Inventory, 'devices' | 'eventSet' | 'end'>,
  isFollowed: (device: NvmlDevice) => boolean,
): NvmlPlan {
  const plan = new NvmlPlan(end);
  for (const each of devices) {
    const { handle: device, key: of, mig } = each;
    if (mig === undefined) {
      if (!isFollowed(each)) plan.add('registerEvents', { device, of, numbers: [followedEvents], other: eventSet });
      plan.add('fanCount', { device, of });
    }
    plan.add('gpmSupport', { device, of });
  }
  return plan;
}

/** Of what is kept for devices gives back what NVML has allocated. Where it stood others may be now: it is handed over. */
export function planFreeing({ gpm }: Prepared, end: number): NvmlPlan {
  const plan = new NvmlPlan(end);
  for (const value of Array.from(gpm.values(), ({ values }) => values).flat()) {
    const input = Buffer.alloc(8);
    input.writeBigUInt64LE(value);
    plan.add('gpmFree', { other: plan.end, input, writes: input.length });
  }
  return plan;
}

/** For each device whose performance can be monitored room for two samples. */
export function planGpmSamples(devices: readonly NvmlDevice[], prepared: NvmlAnswers, end: number): NvmlPlan {
  const plan = new NvmlPlan(end);
  for (const { key } of devices) {
    if (prepared.get('gpmSupport', key)?.readUInt32LE(4) !== 1) continue;
    for (const number of [0, 1]) plan.add('gpmAllocate', { of: `${key},${number}` });
  }
  return plan;
}

/** What was allocated. */
export function gpmSamplesIn(plan: NvmlPlan, answers: NvmlAnswers): ReadonlyMap<string, GpmSamples> {
  const samples = new Map<string, GpmSamples>();
  for (let index = 0; index + 1 < plan.calls.length; index += 2) {
    const [first, second] = plan.calls.slice(index, index + 2);
    const values = [first, second].map((each) => answers.get('gpmAllocate', each?.key ?? '')?.readBigUInt64LE(0));
    const [one, two] = values;
    if (first === undefined || second === undefined || one === undefined || two === undefined) continue;
    samples.set(first.key.replace(/,\d+$/, ''), { at: [first.call.offset, second.call.offset], values: [one, two] });
  }
  return samples;
}

/** What devices have, by what they answered when they were asked for everything. */
export function knownFrom(answers: NvmlAnswers, numbers: FieldNumbers): Known {
  const has = new Set(answers.all.filter(({ code }) => !isLacking(code)).map(({ name, key }) => `${name} ${key}`));
  const fields = new Set<string>();
  for (const { name, key, code, output } of answers.all) {
    if (name !== 'fields' || code !== 0) continue;
    for (const { number, code } of fieldCodesIn(output))
      if (!isLacking(code)) fields.add(`${key.split(',')[0]} ${number}`);
  }
  const isSecond = (name: NvmlCall, key: string) => {
    const instead = insteadOf.find((each) => each.name === name);
    if (instead !== undefined) return has.has(`${instead.first} ${[key, ...(instead.firstNumbers ?? [])].join(',')}`);
    const field = insteadOfField.find(
      (each) => each.name === name && key.endsWith([key.split(',')[0], ...(each.numbers ?? [])].join(',')),
    );
    return field !== undefined && fields.has(`${key.split(',')[0]} ${numbers[field.field]}`);
  };
  return {
    has: (name, key) => has.has(`${name} ${key}`) && !isSecond(name, key),
    hasField: (key, number) => fields.has(`${key} ${number}`),
  };
}

/** Answers that stay the same: not supported, function not found, no such argument, a version that is not known. */
export const isLacking = (code: number) => [-1, 2, 3, 13, 25, 26].includes(code);
