/** Which GPUs there are, and what they are. */
import type { DeviceIdentity } from '../../backend.ts';
import { ProbeError } from '../../errors.ts';
import type { CounterSampling, MetalProperties } from '../../metal-device.ts';
import type { Mac } from './driver.ts';

/** A GPU: its object, and what is known of it. */
export interface MetalGpu {
  readonly handle: bigint;
  readonly registryId: bigint;
  readonly name: string;
  readonly properties: MetalProperties;
}

/**
 * `MTLGPUFamily`, by MTLDevice.h of the SDK for macOS 13.3; apple9 by that for macOS 14, apple10 and metal4 by that for
 * macOS 26. Families that only Mac Catalyst had, and mac1, which no Mac with macOS 13 is limited to, are left out.
 */
const families: Readonly<Record<string, number>> = {
  ...{ apple1: 1001, apple2: 1002, apple3: 1003, apple4: 1004, apple5: 1005, apple6: 1006, apple7: 1007 },
  ...{ apple8: 1008, apple9: 1009, apple10: 1010 },
  ...{ mac2: 2002, common1: 3001, common2: 3002, common3: 3003, metal3: 5001, metal4: 5002 },
};

/** `MTLCounterSamplingPoint`. */
const samplingPoints: Readonly<Record<CounterSampling, number>> = { stage: 0, dispatch: 2 };

/**
 * Looks at the GPUs that this process can use; who keeps one beyond that retains it. Throws a ProbeError where Metal gives
 * no list.
 */
export function withGpus(mac: Mac, look: (gpus: readonly MetalGpu[]) => void): void {
  mac.pooled(() => {
    const all = mac.metal.copyAllDevices();
    if (all === null) throw new ProbeError('broken', 'MTLCopyAllDevices gave no list');
    mac.releasing(all, () => {
      const handles = Array.from({ length: Number(mac.send.count(all)) }, (_, i) => mac.send.objectAt(all, i));
      look(handles.filter((handle) => handle !== null).map((handle) => describeGpu(mac, handle)));
    });
  });
}

function describeGpu(mac: Mac, handle: bigint): MetalGpu {
  const { send } = mac;
  const { width, height, depth } = send.maxThreadsPerThreadgroup(handle);
  const registryId = BigInt(send.registryId(handle));
  const workingSet = Number(send.recommendedMaxWorkingSetSize(handle));
  return {
    handle,
    registryId,
    name: mac.text(send.name(handle))?.trim() || 'A GPU',
    properties: Object.freeze({
      registryId: `0x${registryId.toString(16)}`,
      families: Object.freeze(
        Object.keys(families).filter((name) => send.supportsFamily(handle, families[name] as number) !== 0),
      ),
      unifiedMemory: send.hasUnifiedMemory(handle) !== 0,
      lowPower: send.isLowPower(handle) !== 0,
      removable: send.isRemovable(handle) !== 0,
      headless: send.isHeadless(handle) !== 0,
      recommendedMaxWorkingSetBytes: workingSet > 0 ? workingSet : undefined,
      maxThreadsPerThreadgroup: Object.freeze({ width: Number(width), height: Number(height), depth: Number(depth) }),
      counterSampling: counterSamplingOf(mac, handle),
    }),
  };
}

function counterSamplingOf(mac: Mac, handle: bigint): CounterSampling | undefined {
  if (timestampSetOf(mac, handle) === undefined) return undefined;
  const points: readonly CounterSampling[] = ['stage', 'dispatch'];
  return points.find((point) => mac.send.supportsCounterSampling(handle, samplingPoints[point]) !== 0);
}

/** `MTLCommonCounterSetTimestamp` is a string of this value (MTLCounters.h). Good until the pool is drained. */
const timestampSet = 'timestamp';

/** The set of counters that are timestamps, where the GPU has it. */
export function timestampSetOf({ send, text }: Mac, handle: bigint): bigint | undefined {
  const sets = send.counterSets(handle);
  if (sets === null) return undefined;
  for (let i = 0; i < Number(send.count(sets)); i++) {
    const set = send.objectAt(sets, i);
    if (set !== null && text(send.name(set)) === timestampSet) return set;
  }
  return undefined;
}

/** For people: "Apple M1 Pro (unified memory, apple7, metal3)". */
export function inWords({ name, properties }: MetalGpu): string {
  const { families: all, headless, lowPower, removable, unifiedMemory } = properties;
  const traits = [
    ...[unifiedMemory && 'unified memory', lowPower && 'low power', removable && 'removable', headless && 'headless'],
    ...['apple', 'mac', 'metal'].map((kind) => all.findLast((family) => family.startsWith(kind))),
  ];
  return `${name} (${traits.filter((trait) => typeof trait === 'string').join(', ') || 'of no known family'})`;
}

/** Where a GPU stands among those of this machine, and what macOS it has. */
export interface Place {
  readonly hostId: string;
  readonly index: number;
  readonly system: string;
}

/**
 * The id is the place: Metal has no UUID, and a registry id is another one after each start of the machine. The driver is
 * a part of macOS and has its version.
 */
export function identityOf({ name }: MetalGpu, { hostId, index, system }: Place): DeviceIdentity {
  const vendor = vendorOf(name);
  return {
    id: `${hostId}:metal:${index}`,
    backend: 'metal',
    type: 'gpu',
    name,
    index,
    driverVersion: system,
    ...(vendor !== undefined && { vendor }),
  };
}

const vendors = ['Apple', 'AMD', 'Intel', 'NVIDIA'] as const;

/** Metal tells none; a GPU's name begins with it. */
const vendorOf = (name: string) => vendors.find((vendor) => name.startsWith(vendor));

/**
 * To a process whose Node was built with an older SDK, macOS 26 says that it is 16, which there never was
 * (dotnet/runtime#116503, python/cpython#135675).
 */
const majorInTruth = (told: number) => (told === 16 ? 26 : told);

/** "macOS 14.5.0". Throws a ProbeError `unsupported` before macOS 13. */
export function systemOf({ pooled, send, classNamed }: Mac): string {
  return pooled(() => {
    const process = send.processInfo(classNamed('NSProcessInfo'));
    if (process === null) throw new ProbeError('broken', 'macOS tells nothing of itself');
    const { major: told, minor, patch } = send.systemVersion(process);
    const major = majorInTruth(Number(told));
    const system = `macOS ${major}.${minor}.${patch}`;
    if (major < 13) throw new ProbeError('unsupported', `${system}: Metal is measured from macOS 13 on`);
    return system;
  });
}

/** `NSProcessInfoThermalState` of the machine, 0 to 3; `undefined` for what is none of them. */
export function thermalStateOf({ pooled, send, classNamed }: Mac): number | undefined {
  return pooled(() => {
    const process = send.processInfo(classNamed('NSProcessInfo'));
    const state = process === null ? -1 : Number(send.thermalState(process));
    return state >= 0 && state <= 3 ? state : undefined;
  });
}
