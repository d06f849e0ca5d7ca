/** What a GPU told, as readings of the catalogue, in its units. Pure but for the counts, which go on from sample to sample. */
import type { Reading } from '../../backend.ts';
import type { Counts } from './counts.ts';
import type { GpuValues, NarrowCounter, ThrottleCounter } from './values.ts';
import type { XidLog } from './xid.ts';

/** What is kept of one device from sample to sample. */
export interface Kept {
  readonly counts: Counts;
  /** `undefined` where the device does not tell of events. */
  xids: XidLog | undefined;
  /** MHz of the SMs while busy and not held down: the highest that was seen. */
  usualClock: number | undefined;
}

/** Bits of `nvmlClocksEventReasons`. That it is idle, or has clocks of an application, is no throttling. */
const throttleBits: Readonly<Record<ThrottleCounter, number>> = {
  power: 0x4,
  sync_boost: 0x10,
  sw_thermal: 0x20,
  hw_thermal: 0x40,
  power_brake: 0x80,
};
const throttleReasons = Object.entries(throttleBits) as readonly (readonly [ThrottleCounter, number])[];
/** The hardware slows it down: old GPUs tell no more than that, later ones why as well. */
const hardwareBit = 0x8;
/** Any of these means that the device is not well, rather than at work. */
const unwellBits = throttleBits.sw_thermal | throttleBits.hw_thermal | throttleBits.power_brake;
const anyBits = throttleReasons.reduce((bits, [, bit]) => bits | bit, 0);
/** Of what only the hardware's slowdown is told for heat: it is what that is for. */
function bitsOf({ throttleReasons: told }: GpuValues): number | undefined {
  const isUnnamed =
    told !== undefined && (told & (hardwareBit | throttleBits.hw_thermal | throttleBits.power_brake)) === hardwareBit;
  return isUnnamed ? told | throttleBits.hw_thermal : told;
}
/** From here on a clock says what the device does when it is busy. */
const busyPercent = 50;

/** `id`: of the device, for its fans, which are components of their own. */
export function readingsOf(id: string, values: GpuValues, kept: Kept): Reading[] {
  return [
    ...utilizationReadings(values),
    ...memoryReadings(values),
    ...heatReadings(id, values),
    ...powerReadings(values, kept),
    ...clockReadings(values, kept),
    ...throttleReadings(values, kept),
    ...linkReadings(values, kept),
    ...errorReadings(values, kept),
    ...statusReadings(values, kept),
  ];
}

type Name = Reading['name'];
type Named<N extends Name> = Extract<Reading, { name: N }>;

/** Nothing where there is no value. */
function one<N extends Name>(name: N, value: number | undefined, attributes?: Named<N>['attributes']): Reading[] {
  if (value === undefined || !Number.isFinite(value)) return [];
  return [{ name, value, ...(attributes !== undefined && { attributes }) } as unknown as Reading];
}

/** A percentage as a ratio; drivers have told 101. */
const share = (percent: number | undefined) =>
  percent === undefined ? undefined : Math.min(1, Math.max(0, percent / 100));
const times = (value: number | undefined, factor: number) => (value === undefined ? undefined : value * factor);

function utilizationReadings({
  utilizationPercent,
  encoderPercent,
  decoderPercent,
  memoryBusyPercent,
  gpmPercent,
}: GpuValues): Reading[] {
  return [
    ...one('hw.gpu.utilization', share(utilizationPercent), { 'hw.gpu.task': 'general' }),
    ...one('hw.gpu.utilization', share(encoderPercent), { 'hw.gpu.task': 'encoder' }),
    ...one('hw.gpu.utilization', share(decoderPercent), { 'hw.gpu.task': 'decoder' }),
    ...one('accelmeter.device.memory.bandwidth.utilization', share(gpmPercent.dram ?? memoryBusyPercent)),
    ...one('accelmeter.device.sm.utilization', share(gpmPercent.sm)),
    ...one('accelmeter.device.sm.occupancy', share(gpmPercent.occupancy)),
    ...one('accelmeter.device.tensor.utilization', share(gpmPercent.tensor)),
  ];
}

function memoryReadings({
  memoryUsedBytes: used,
  memoryFreeBytes: free,
  memoryTotalBytes: total,
  processBytes,
}: GpuValues): Reading[] {
  const isSensible = total !== undefined && total > 0 && used !== undefined && used <= total;
  return [
    ...one('hw.gpu.memory.limit', total === 0 ? undefined : total),
    ...(isSensible ? one('hw.gpu.memory.usage', used) : []),
    ...(isSensible ? one('hw.gpu.memory.utilization', used / total) : []),
    ...(isSensible && free !== undefined && free <= total ? one('accelmeter.device.memory.free', free) : []),
    ...(processBytes !== undefined && processBytes <= (total ?? 0)
      ? one('accelmeter.device.process.memory', processBytes)
      : []),
  ];
}

function heatReadings(id: string, values: GpuValues): Reading[] {
  const {
    temperatureCelsius,
    memoryTemperatureCelsius: ofMemory,
    throttleCelsius,
    shutdownCelsius,
    fanPercents,
  } = values;
  return [
    ...one('hw.temperature', temperatureCelsius, { 'hw.sensor_location': 'core' }),
    // Boards without such a sensor have told 0.
    ...one('hw.temperature', ofMemory === 0 ? undefined : ofMemory, { 'hw.sensor_location': 'memory' }),
    ...one('hw.temperature.limit', throttleCelsius, { 'hw.limit_type': 'throttled' }),
    ...one('hw.temperature.limit', shutdownCelsius, { 'hw.limit_type': 'max' }),
    ...fanPercents.flatMap((percent, fan) =>
      one('hw.fan.speed_ratio', share(percent), { 'hw.id': `${id}:fan:${fan}`, 'hw.type': 'fan', 'hw.parent': id }),
    ),
  ];
}

function powerReadings(
  { powerMilliwatts, powerLimitMilliwatts, energyMillijoules, narrow }: GpuValues,
  { counts }: Kept,
): Reading[] {
  return [
    ...one('hw.power', times(powerMilliwatts, 1e-3)),
    ...one('accelmeter.device.power.limit', times(powerLimitMilliwatts, 1e-3)),
    ...counted('hw.energy', 'energyMillijoules', energyMillijoules, { counts, narrow }, 1e-3),
  ];
}

/** What is kept of the device, and which of its counters have 32 bits. */
interface Counting extends Pick<Kept, 'counts'> {
  readonly narrow?: ReadonlySet<NarrowCounter>;
}

function counted<N extends Name>(
  name: N,
  counter: string,
  value: number | undefined,
  { counts, narrow }: Counting,
  factor: number,
  attributes?: Named<N>['attributes'],
): Reading[] {
  if (value === undefined) return [];
  const isNarrow = narrow?.has(counter as NarrowCounter) ?? false;
  return one(name, counts.since(counter, value, isNarrow) * factor, attributes);
}

function clockReadings(values: GpuValues, kept: Kept): Reading[] {
  const { clockMegahertz, utilizationPercent = 0 } = values;
  const bits = bitsOf(values);
  const { sm } = clockMegahertz;
  const isHeld = bits === undefined || (bits & anyBits) !== 0;
  if (sm !== undefined && !isHeld && utilizationPercent >= busyPercent)
    kept.usualClock = Math.max(sm, kept.usualClock ?? 0);
  const isBusy = utilizationPercent >= busyPercent && sm !== undefined && kept.usualClock !== undefined;
  return [
    ...Object.entries(clockMegahertz).flatMap(([domain, megahertz]) =>
      one('accelmeter.device.clock', megahertz * 1e6, { 'accelmeter.clock.domain': domain as 'sm' }),
    ),
    ...(isBusy ? one('accelmeter.device.clock.ratio', sm / (kept.usualClock as number)) : []),
  ];
}

function throttleReadings(values: GpuValues, { counts }: Kept): Reading[] {
  const { throttledNanoseconds } = values;
  const bits = bitsOf(values);
  return throttleReasons.flatMap(([reason, bit]) => {
    const attributes = { 'accelmeter.throttle.reason': reason };
    const nanoseconds = throttledNanoseconds[reason];
    return [
      ...(bits === undefined ? [] : one('accelmeter.device.throttled', (bits & bit) === 0 ? 0 : 1, attributes)),
      ...counted('accelmeter.device.throttle.time', `throttle ${reason}`, nanoseconds, { counts }, 1e-9, attributes),
    ];
  });
}

function linkReadings(values: GpuValues, { counts }: Kept): Reading[] {
  const { linkGeneration, linkWidth, maxLinkGeneration, maxLinkWidth, transmittedBytes, receivedBytes, replays } =
    values;
  // A link that tells generation 0 or no lanes is none, as on boards that are not on PCIe.
  const told = (value: number | undefined) => (value === 0 ? undefined : value);
  return [
    ...one('accelmeter.device.pcie.link.generation', told(linkGeneration)),
    ...one('accelmeter.device.pcie.link.generation.max', told(maxLinkGeneration)),
    ...one('accelmeter.device.pcie.link.width', told(linkWidth)),
    ...one('accelmeter.device.pcie.link.width.max', told(maxLinkWidth)),
    ...counted('hw.gpu.io', 'transmitted', transmittedBytes, { counts }, 1, { 'network.io.direction': 'transmit' }),
    ...counted('hw.gpu.io', 'received', receivedBytes, { counts }, 1, { 'network.io.direction': 'receive' }),
    ...counted('accelmeter.device.pcie.replays', 'replays', replays, { counts, narrow: values.narrow }, 1),
  ];
}

function errorReadings(
  { correctedErrors, uncorrectedErrors, remapped, retired, narrow }: GpuValues,
  { counts, xids }: Kept,
): Reading[] {
  const counting = { counts, narrow };
  return [
    ...counted('hw.errors', 'correctedErrors', correctedErrors, counting, 1, { 'error.type': 'corrected' }),
    ...counted('hw.errors', 'uncorrectedErrors', uncorrectedErrors, counting, 1, { 'error.type': 'uncorrected' }),
    ...Array.from(xids?.counts ?? [], ([code, count]) =>
      one('hw.errors', count, { 'error.type': `xid_${code}` }),
    ).flat(),
    ...one('accelmeter.device.xid.last', xids?.last?.code),
    ...one('accelmeter.device.xid.last.time', xids?.last?.at),
    ...one('accelmeter.device.memory.remapped', remapped?.corrected, { 'error.type': 'corrected' }),
    ...one('accelmeter.device.memory.remapped', remapped?.uncorrected, { 'error.type': 'uncorrected' }),
    ...one('accelmeter.device.memory.remapping.pending', flag(remapped?.pending ?? retired?.pending)),
    ...one('accelmeter.device.memory.remapping.failed', flag(remapped?.failed)),
    ...one('accelmeter.device.memory.retired', retired?.corrected, { 'error.type': 'corrected' }),
    ...one('accelmeter.device.memory.retired', retired?.uncorrected, { 'error.type': 'uncorrected' }),
  ];
}

const flag = (value: boolean | undefined) => (value === undefined ? undefined : Number(value));

/**
 * What the hardware tells of its own health, and nothing that a program did: failed for errors that it could not correct
 * and for what only a reset mends, degraded while heat or the power supply slows it down.
 */
function statusReadings(values: GpuValues, { xids }: Kept): Reading[] {
  const { recoveryAction, remapped, retired, uncorrectedErrors } = values;
  const bits = bitsOf(values);
  const faults = [
    recoveryAction,
    uncorrectedErrors,
    xids?.critical,
    flag(remapped?.failed),
    flag(remapped?.pending),
    flag(retired?.pending),
  ];
  const isKnown = bits !== undefined || faults.some((fault) => fault !== undefined);
  const state = faults.some((fault) => (fault ?? 0) > 0)
    ? 'failed'
    : ((bits ?? 0) & unwellBits) !== 0
      ? 'degraded'
      : 'ok';
  const states = ['ok', 'degraded', 'failed'] as const;
  return [
    ...(isKnown ? states.flatMap((each) => one('hw.status', flag(each === state), { 'hw.state': each })) : []),
    ...one('accelmeter.device.recovery.action', recoveryAction),
  ];
}
