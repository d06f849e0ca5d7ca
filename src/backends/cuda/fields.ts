/**
 * Values that NVML gives many of in one call of the driver, by number. Source: nvml.h, `NVML_FI_DEV_*`.
 *
 * Numbers have moved once: throttle times are 251 to 253 in the header of CUDA 12.9 and 269 to 271 in that of 13, where the
 * old ones mean something else. So the version of the library says which are asked.
 */
import { bytesOf } from './driver.ts';

export const fieldIds = {
  correctedErrors: 3,
  uncorrectedErrors: 4,
  retiredForCorrected: 29,
  retiredForUncorrected: 30,
  retirementPending: 31,
  powerThrottleNanoseconds: 74,
  thermalThrottleNanoseconds: 75,
  syncBoostNanoseconds: 76,
  memoryTemperature: 82,
  energyMillijoules: 83,
  replays: 94,
  remappedForCorrected: 142,
  remappedForUncorrected: 143,
  remappingPending: 144,
  remappingFailed: 145,
  averagePowerMilliwatts: 185,
  /** Offsets from where the device is throttled, mostly negative: how far below, or above, each of these lies. */
  shutdownMargin: 193,
  slowdownMargin: 194,
  maximumMargin: 196,
  /** As the device sees it: transmitted is what it sends. */
  transmittedBytes: 197,
  receivedBytes: 198,
  recoveryAction: 230,
} as const;

const throttleFields12 = {
  softwareThermalNanoseconds: 251,
  hardwareThermalNanoseconds: 252,
  powerBrakeNanoseconds: 253,
};
const throttleFields13 = {
  softwareThermalNanoseconds: 269,
  hardwareThermalNanoseconds: 270,
  powerBrakeNanoseconds: 271,
};

export type FieldName = keyof typeof fieldIds | keyof typeof throttleFields13;
export type FieldNumbers = Readonly<Record<FieldName, number>>;

/** The numbers of a library by its version, such as "13.580.65.06" or "12.535.261.03". */
export function fieldNumbers(nvmlVersion: string | undefined): FieldNumbers {
  const major = Number.parseInt(nvmlVersion ?? '', 10);
  return { ...fieldIds, ...(major < 13 ? throttleFields12 : throttleFields13) };
}

/** Of `nvmlFieldValue_t`: number, scope, time, latency, type, code, value. */
export const fieldBytes = 40;

/** What `nvmlDeviceGetFieldValues` is given. */
export function fieldRequest(numbers: readonly number[]): Uint8Array {
  return Buffer.concat(numbers.map((number) => bytesOf([number, ...new Array<number>(fieldBytes / 4 - 1).fill(0)])));
}

/** What was answered for each of them. */
export function fieldCodesIn(bytes: Buffer): { readonly number: number; readonly code: number }[] {
  return Array.from({ length: Math.floor(bytes.length / fieldBytes) }, (_, index) => ({
    number: bytes.readUInt32LE(fieldBytes * index),
    code: bytes.readUInt32LE(fieldBytes * index + 28),
  }));
}

export interface FieldValue {
  readonly value: number;
  /** It was told in 32 bits: as a counter it begins again at 0 after 2^32. */
  readonly isNarrow: boolean;
}

/** `unsigned int` of `nvmlValueType_t`. */
const narrowType = 1;

/** The values that the device has, by number. */
export function fieldsIn(bytes: Buffer): ReadonlyMap<number, FieldValue> {
  const values = new Map<number, FieldValue>();
  for (let at = 0; at + fieldBytes <= bytes.length; at += fieldBytes) {
    if (bytes.readUInt32LE(at + 28) !== 0) continue;
    const type = bytes.readUInt32LE(at + 24);
    const value = valueAt(bytes, at + 32, type);
    if (value !== undefined) values.set(bytes.readUInt32LE(at), { value, isNarrow: type === narrowType });
  }
  return values;
}

/** By `nvmlValueType_t`. What is no number of the type, such as one that is not there, is left out. */
function valueAt(bytes: Buffer, at: number, type: number): number | undefined {
  if (type === 0) return Number.isFinite(bytes.readDoubleLE(at)) ? bytes.readDoubleLE(at) : undefined;
  if (type === narrowType) return bytes.readUInt32LE(at);
  if (type === 2 || type === 3) return wholeAt(bytes, at);
  if (type === 4) return Number(bytes.readBigInt64LE(at));
  if (type === 5) return bytes.readInt32LE(at);
  return type === 6 ? bytes.readUInt16LE(at) : undefined;
}

/** All bits set is NVML's way to say that there is no value. */
export function wholeAt(bytes: Buffer, at: number): number | undefined {
  const value = bytes.readBigUInt64LE(at);
  return value === 0xffff_ffff_ffff_ffffn ? undefined : Number(value);
}
