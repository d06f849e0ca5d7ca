/** What a GPU told in one sample: numbers as NVML has them, in its units. A value that it does not have is not there. */
import { mostProcesses, type NvmlAnswers, type NvmlCall } from './driver.ts';
import { type FieldName, type FieldNumbers, type FieldValue, fieldsIn, wholeAt } from './fields.ts';
import type { NvmlDevice } from './inventory.ts';
import { type ClockDomain, clockDomains, fieldsSeldom, gpmMetrics, processFiller } from './sampling.ts';

export interface GpuValues {
  readonly utilizationPercent?: number | undefined;
  readonly memoryBusyPercent?: number | undefined;
  readonly encoderPercent?: number | undefined;
  readonly decoderPercent?: number | undefined;
  readonly memoryUsedBytes?: number | undefined;
  readonly memoryFreeBytes?: number | undefined;
  readonly memoryTotalBytes?: number | undefined;
  readonly temperatureCelsius?: number | undefined;
  readonly memoryTemperatureCelsius?: number | undefined;
  /** From where the driver or the hardware slows it down. */
  readonly throttleCelsius?: number | undefined;
  readonly shutdownCelsius?: number | undefined;
  readonly powerMilliwatts?: number | undefined;
  readonly powerLimitMilliwatts?: number | undefined;
  readonly energyMillijoules?: number | undefined;
  readonly clockMegahertz: Readonly<Partial<Record<ClockDomain, number>>>;
  /** Bits; see readings.ts. */
  readonly throttleReasons?: number | undefined;
  readonly throttledNanoseconds: Readonly<Partial<Record<ThrottleCounter, number>>>;
  readonly linkGeneration?: number | undefined;
  readonly linkWidth?: number | undefined;
  readonly maxLinkGeneration?: number | undefined;
  readonly maxLinkWidth?: number | undefined;
  readonly transmittedBytes?: number | undefined;
  readonly receivedBytes?: number | undefined;
  readonly replays?: number | undefined;
  readonly fanPercents: readonly (number | undefined)[];
  readonly correctedErrors?: number | undefined;
  readonly uncorrectedErrors?: number | undefined;
  readonly remapped?:
    | { readonly corrected: number; readonly uncorrected: number; readonly pending: boolean; readonly failed: boolean }
    | undefined;
  readonly retired?:
    | { readonly corrected: number; readonly uncorrected: number; readonly pending: boolean }
    | undefined;
  readonly recoveryAction?: number | undefined;
  /** Counters that were told in 32 bits. */
  readonly narrow: ReadonlySet<NarrowCounter>;
  /** Of the process that was asked for; absent where the list does not show it. */
  readonly processBytes?: number | undefined;
  readonly gpmPercent: Readonly<Partial<Record<keyof typeof gpmMetrics, number>>>;
}

/** Those that a GPU may count in 32 bits, and that are worth having so. */
const narrowCounters = ['energyMillijoules', 'replays', 'correctedErrors', 'uncorrectedErrors'] as const;
export type NarrowCounter = (typeof narrowCounters)[number];

export type ThrottleCounter = 'power' | 'sw_thermal' | 'hw_thermal' | 'power_brake' | 'sync_boost';

export interface Told {
  /** Of this sample. */
  readonly answers: NvmlAnswers;
  /** Of the last one in which everything was asked: limits, and nothing that changes. */
  readonly seldom: NvmlAnswers;
  readonly numbers: FieldNumbers;
  /** Whose memory is wanted, as the driver counts processes; `undefined` where that is not known. */
  readonly pid: number | undefined;
}

export function valuesOf({ answers, seldom, numbers, pid }: Told, { key }: Pick<NvmlDevice, 'key'>): GpuValues {
  const u32 = (name: NvmlCall, ...more: number[]) => numberIn(answers, name, [key, ...more]);
  const limit = (name: NvmlCall, ...more: number[]) => numberIn(seldom, name, [key, ...more]);
  const fields = fieldsOf(answers, key);
  const limits = fieldsOf(seldom, key);
  const field: Field = (name) => (fieldsSeldom.includes(name) ? limits : fields).get(numbers[name])?.value;
  const isNarrow = (name: FieldName) => fields.get(numbers[name])?.isNarrow ?? false;
  // Of 32 bits these come round several times between two samples: what they tell then is nothing.
  const wide: Field = (name) => (isNarrow(name) ? undefined : field(name));
  const utilization = answers.get('utilization', key);
  const energy = answers.get('energy', key);
  const temperature = u32('temperature', 0) ?? answers.get('temperatureByStructure', key)?.readInt32LE(8);
  return {
    utilizationPercent: utilization?.readUInt32LE(0),
    memoryBusyPercent: utilization?.readUInt32LE(4),
    encoderPercent: u32('encoderUtilization'),
    decoderPercent: u32('decoderUtilization'),
    ...memoryOf(answers, key),
    temperatureCelsius: temperature,
    memoryTemperatureCelsius: field('memoryTemperature'),
    ...temperatureLimits(
      (number) => limit('temperatureThreshold', number),
      field,
      temperature,
      answers.get('temperatureMargin', key),
    ),
    powerMilliwatts: field('averagePowerMilliwatts') ?? u32('power'),
    powerLimitMilliwatts: limit('powerLimit'),
    energyMillijoules: field('energyMillijoules') ?? (energy && wholeAt(energy, 0)),
    clockMegahertz: present(clockDomains.map(([domain, number]) => [domain, u32('clock', number)])),
    throttleReasons: wholeIn(answers.get('throttleReasons', key)),
    throttledNanoseconds: present([
      ['power', wide('powerThrottleNanoseconds')],
      ['sync_boost', wide('syncBoostNanoseconds')],
      ['sw_thermal', wide('softwareThermalNanoseconds') ?? wide('thermalThrottleNanoseconds')],
      ['hw_thermal', wide('hardwareThermalNanoseconds')],
      ['power_brake', wide('powerBrakeNanoseconds')],
    ]),
    linkGeneration: u32('linkGeneration'),
    linkWidth: u32('linkWidth'),
    maxLinkGeneration: limit('maxLinkGeneration'),
    maxLinkWidth: limit('maxLinkWidth'),
    transmittedBytes: wide('transmittedBytes'),
    receivedBytes: wide('receivedBytes'),
    replays: field('replays') ?? u32('replays'),
    fanPercents: fansOf(answers, key),
    correctedErrors: field('correctedErrors') ?? wholeIn(answers.get('eccErrors', `${key},0,0`)),
    uncorrectedErrors: field('uncorrectedErrors') ?? wholeIn(answers.get('eccErrors', `${key},1,0`)),
    remapped: remappedOf(answers, key, field),
    retired: retiredOf(field),
    recoveryAction: field('recoveryAction'),
    // The call for replays has 32 bits as well.
    narrow: new Set(
      narrowCounters.filter((name) => isNarrow(name) || (name === 'replays' && !fields.has(numbers[name]))),
    ),
    processBytes: pid === undefined ? undefined : processMemory(answers, key, pid),
    gpmPercent: gpmOf(answers, key),
  };
}

type Field = (name: FieldName) => number | undefined;

const wholeIn = (bytes: Buffer | undefined) => (bytes === undefined ? undefined : wholeAt(bytes, 0));

function present<K extends string>(entries: readonly (readonly [K, number | undefined])[]): Partial<Record<K, number>> {
  const result: Partial<Record<K, number>> = {};
  for (const [name, value] of entries) if (value !== undefined) result[name] = value;
  return result;
}

/** All bits set is no value. */
function numberIn(answers: NvmlAnswers, name: NvmlCall, key: readonly (string | number)[]): number | undefined {
  const value = answers.get(name, key.join(','))?.readUInt32LE(0);
  return value === 0xffff_ffff ? undefined : value;
}

function fieldsOf({ all }: NvmlAnswers, key: string): ReadonlyMap<number, FieldValue> {
  const fields = new Map<number, FieldValue>();
  for (const { name, key: its, code, output } of all) {
    if (name !== 'fields' || code !== 0 || its.split(',')[0] !== key) continue;
    for (const [number, value] of fieldsIn(output)) fields.set(number, value);
  }
  return fields;
}

function memoryOf(
  answers: NvmlAnswers,
  key: string,
): Pick<GpuValues, 'memoryUsedBytes' | 'memoryFreeBytes' | 'memoryTotalBytes'> {
  const now = answers.get('memory', key);
  const before = answers.get('memoryBefore510', key);
  const [bytes, total, free, used] = now ? [now, 8, 24, 32] : [before, 0, 8, 16];
  if (bytes === undefined) return {};
  return {
    memoryTotalBytes: wholeAt(bytes, total as number),
    memoryFreeBytes: wholeAt(bytes, free as number),
    memoryUsedBytes: wholeAt(bytes, used as number),
  };
}

/**
 * Devices before Hopper have thresholds. Later ones tell how many °C are left until they are throttled, and where other
 * limits lie from there: 2 °C below it is a margin of 2, beyond it a negative one.
 */
function temperatureLimits(
  threshold: (number: number) => number | undefined,
  field: Field,
  temperature: number | undefined,
  margin: Buffer | undefined,
): Pick<GpuValues, 'throttleCelsius' | 'shutdownCelsius'> {
  const left = margin?.readInt32LE(4);
  const byMargin = (name: FieldName) => {
    const below = field(name);
    return left === undefined || below === undefined || temperature === undefined
      ? undefined
      : temperature + left - below;
  };
  return {
    throttleCelsius: threshold(3) ?? byMargin('maximumMargin') ?? threshold(1) ?? byMargin('slowdownMargin'),
    shutdownCelsius: threshold(0) ?? byMargin('shutdownMargin'),
  };
}

function fansOf(answers: NvmlAnswers, key: string): (number | undefined)[] {
  const fans: (number | undefined)[] = [];
  for (const { name, key: its } of answers.all) {
    const number = name === 'fanSpeed' && its.startsWith(`${key},`) ? Number(its.split(',')[1]) : undefined;
    if (number !== undefined) fans[number] = answers.get('fanSpeed', its)?.readUInt32LE(0);
  }
  const only = answers.get('onlyFanSpeed', key)?.readUInt32LE(0);
  return fans.length === 0 && only !== undefined ? [only] : fans;
}

function remappedOf(answers: NvmlAnswers, key: string, field: Field): GpuValues['remapped'] {
  const rows = answers.get('remappedRows', key);
  const corrected = field('remappedForCorrected') ?? rows?.readUInt32LE(0);
  const uncorrected = field('remappedForUncorrected') ?? rows?.readUInt32LE(4);
  const pending = field('remappingPending') ?? rows?.readUInt32LE(8);
  const failed = field('remappingFailed') ?? rows?.readUInt32LE(12);
  if (corrected === undefined || uncorrected === undefined) return undefined;
  return { corrected, uncorrected, pending: (pending ?? 0) !== 0, failed: (failed ?? 0) !== 0 };
}

function retiredOf(field: Field): GpuValues['retired'] {
  const corrected = field('retiredForCorrected');
  const uncorrected = field('retiredForUncorrected');
  if (corrected === undefined || uncorrected === undefined) return undefined;
  return { corrected, uncorrected, pending: (field('retirementPending') ?? 0) !== 0 };
}

function gpmOf(answers: NvmlAnswers, key: string): GpuValues['gpmPercent'] {
  const bytes = answers.get('gpmMetrics', key);
  if (bytes === undefined) return {};
  return present(
    Object.entries(gpmMetrics).map(([name, metric], index) => {
      const at = 24 + 40 * index;
      const isTold = bytes.readUInt32LE(at) === metric && bytes.readUInt32LE(at + 4) === 0;
      return [name as keyof typeof gpmMetrics, isTold ? bytes.readDoubleLE(at + 8) : undefined];
    }),
  );
}

/** Sizes that an entry of a list of processes has had. The process is in the first 4 bytes, its memory 8 bytes on. */
const entrySizes = [16, 24, 32];

/**
 * Memory of one process: of the entries that compute, else of those that draw. The size of an entry changed under one
 * name, so it is seen by how far was written. A list that makes no sense tells nothing.
 */
function processMemory(answers: NvmlAnswers, key: string, pid: number): number | undefined {
  for (const name of ['computeProcesses', 'graphicsProcesses'] as const) {
    const bytes = answers.get(name, key);
    const count = bytes?.readUInt32LE(0) ?? 0;
    if (bytes === undefined || count === 0 || count > mostProcesses) continue;
    const size = writtenUpTo(bytes) / count;
    if (!entrySizes.includes(size)) continue;
    let total: number | undefined;
    for (let at = 8; at < 8 + count * size; at += size) {
      const used = bytes.readUInt32LE(at) === pid ? wholeAt(bytes, at + 8) : undefined;
      if (used !== undefined) total = (total ?? 0) + used;
    }
    if (total !== undefined) return total;
  }
  return undefined;
}

function writtenUpTo(bytes: Buffer): number {
  let end = bytes.length;
  while (end > 8 && bytes[end - 1] === processFiller) end -= 1;
  return end - 8;
}
