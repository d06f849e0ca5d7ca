/**
 * NVML, NVIDIA's management library, as a table of calls. They are made in a process of their own
 * (`src/native/driver-process.ts`): what stands here becomes data that is sent to it.
 *
 * Source: nvml.h of CUDA 11.8 to 13; test/native/nvml-layout.c compares what is here with those of 11.8 and 12.4. Each call gives 0 or a code
 * of `nvmlReturn_t`; 3 is what is answered for a value that the device does not have.
 */
import { type DriverArgument, type DriverCall, notCalled } from '../../native/driver-process.ts';

/**
 * What a call takes, in its order: the handle of a device, another handle, a number, the address of what it writes, the
 * same so many bytes further on, how much room is there.
 */
type Slot = 'device' | 'other' | 'number' | 'output' | { readonly output: number } | 'room';

interface NvmlRow {
  /** Newest first. */
  readonly symbols: readonly string[];
  readonly takes: readonly Slot[];
  /** Bytes that it writes. */
  readonly writes: number;
  /** What a structure says of itself in its first 32 bits, where the caller must. */
  readonly version?: number;
}

/** NVML's way to say which structure is meant: its size, and its version in the highest byte. */
const version = (bytes: number, number: number) => bytes | (number << 24);
const ofDevice = (name: string, writes: number, ...older: string[]) =>
  ({
    symbols: [`nvmlDevice${name}`, ...older.map((each) => `nvmlDevice${each}`)],
    takes: ['device', 'output'],
    writes,
  }) as const;
const textOf = (symbols: readonly string[], writes: number) =>
  ({ symbols, takes: ['device', 'output', 'room'], writes }) as const;
const numbered = (name: string, writes: number) =>
  ({ symbols: [`nvmlDevice${name}`], takes: ['device', 'number', 'output'], writes }) as const;
const pair = (name: string) =>
  ({ symbols: [`nvmlDevice${name}`], takes: ['device', 'output', { output: 4 }], writes: 8 }) as const;

/** Processes that are read of one device. */
export const mostProcesses = 128;
const processes = (name: string) =>
  ({
    symbols: [`nvmlDevice${name}_v3`, `nvmlDevice${name}_v2`, `nvmlDevice${name}`],
    takes: ['device', 'output', { output: 8 }],
    // Entries had 16 bytes, then 24; drivers wrote 32 under the name of 24.
    writes: 8 + mostProcesses * 32,
  }) as const;

export const nvmlCalls = {
  init: { symbols: ['nvmlInit_v2', 'nvmlInit'], takes: [], writes: 0 },
  driverVersion: { symbols: ['nvmlSystemGetDriverVersion'], takes: ['output', 'room'], writes: 80 },
  nvmlVersion: { symbols: ['nvmlSystemGetNVMLVersion'], takes: ['output', 'room'], writes: 80 },
  cudaVersion: {
    symbols: ['nvmlSystemGetCudaDriverVersion_v2', 'nvmlSystemGetCudaDriverVersion'],
    takes: ['output'],
    writes: 4,
  },
  deviceCount: { symbols: ['nvmlDeviceGetCount_v2', 'nvmlDeviceGetCount'], takes: ['output'], writes: 4 },
  deviceHandle: {
    symbols: ['nvmlDeviceGetHandleByIndex_v2', 'nvmlDeviceGetHandleByIndex'],
    takes: ['number', 'output'],
    writes: 8,
  },

  // What a device is
  uuid: textOf(['nvmlDeviceGetUUID'], 96),
  name: textOf(['nvmlDeviceGetName'], 96),
  serial: textOf(['nvmlDeviceGetSerial'], 32),
  /** The bus id stands in the last 32 bytes. */
  pci: ofDevice('GetPciInfo_v3', 68),
  migMode: pair('GetMigMode'),
  migCount: ofDevice('GetMaxMigDeviceCount', 4),
  /** 6, not found, for an instance that there is not. */
  migHandle: { symbols: ['nvmlDeviceGetMigDeviceHandleByIndex'], takes: ['device', 'number', 'output'], writes: 8 },
  gpuInstance: ofDevice('GetGpuInstanceId', 4),
  computeInstance: ofDevice('GetComputeInstanceId', 4),

  // How it does. Not on a MIG instance: utilization, clocks, power, temperatures, PCIe.
  /** Percent of the last 1/6 to 1 s: in which a kernel ran; in which memory was read or written. */
  utilization: ofDevice('GetUtilizationRates', 8),
  /** Percent, and over how many microseconds. */
  encoderUtilization: pair('GetEncoderUtilization'),
  decoderUtilization: pair('GetDecoderUtilization'),
  /** Version, total, reserved, free, used. */
  memory: { ...ofDevice('GetMemoryInfo_v2', 40), version: version(40, 2) },
  /** Total, free, used: before driver 510, where used holds what is reserved as well. */
  memoryBefore510: ofDevice('GetMemoryInfo', 24),
  /** Of a sensor: 0 is the die. */
  temperature: numbered('GetTemperature', 4),
  /** The same by a structure: version, sensor, °C. From CUDA 13 on the only one. */
  temperatureByStructure: { ...ofDevice('GetTemperatureV', 12), version: version(12, 1) },
  /** 0 where it shuts down, 1 where its hardware slows it down, 2 memory, 3 where its driver does. */
  temperatureThreshold: numbered('GetTemperatureThreshold', 4),
  /** °C that are left until it slows down; Hopper and later, which have no thresholds but fields 193 to 196. */
  temperatureMargin: { ...ofDevice('GetMarginTemperature', 8), version: version(8, 1) },
  /** Milliwatts; the average of a second on most. */
  power: ofDevice('GetPowerUsage', 4),
  powerLimit: ofDevice('GetEnforcedPowerLimit', 4, 'GetPowerManagementLimit'),
  /** Millijoules since the driver was loaded. */
  energy: ofDevice('GetTotalEnergyConsumption', 8),
  /** MHz of a domain: 0 graphics, 1 SM, 2 memory, 3 video. */
  clock: numbered('GetClockInfo', 4),
  maxClock: numbered('GetMaxClockInfo', 4),
  /** Bits of `throttleBits`. */
  throttleReasons: ofDevice('GetCurrentClocksEventReasons', 8, 'GetCurrentClocksThrottleReasons'),
  linkGeneration: ofDevice('GetCurrPcieLinkGeneration', 4),
  linkWidth: ofDevice('GetCurrPcieLinkWidth', 4),
  maxLinkGeneration: ofDevice('GetMaxPcieLinkGeneration', 4),
  maxLinkWidth: ofDevice('GetMaxPcieLinkWidth', 4),
  replays: ofDevice('GetPcieReplayCounter', 4),
  fanCount: ofDevice('GetNumFans', 4),
  /** Percent of the greatest speed; what is asked of the fan, not what it does. */
  fanSpeed: numbered('GetFanSpeed_v2', 4),
  onlyFanSpeed: ofDevice('GetFanSpeed', 4),
  /** Of a kind (0 corrected, 1 not) since the driver was loaded (0) or since the device was made (1). */
  eccErrors: { symbols: ['nvmlDeviceGetTotalEccErrors'], takes: ['device', 'number', 'number', 'output'], writes: 8 },
  /** Rows remapped for corrected errors, for others; whether some wait for a reset; whether it failed. */
  remappedRows: {
    symbols: ['nvmlDeviceGetRemappedRows'],
    takes: ['device', 'output', { output: 4 }, { output: 8 }, { output: 12 }],
    writes: 16,
  },
  /** Many values in one call of the driver, 40 bytes each; see fields.ts. The number is how many. */
  fields: { symbols: ['nvmlDeviceGetFieldValues'], takes: ['device', 'number', 'output'], writes: 0 },
  computeProcesses: processes('GetComputeRunningProcesses'),
  graphicsProcesses: processes('GetGraphicsRunningProcesses'),

  // What happened to it
  eventSet: { symbols: ['nvmlEventSetCreate'], takes: ['output'], writes: 8 },
  /** Takes a mask of kinds, then the set. */
  registerEvents: { symbols: ['nvmlDeviceRegisterEvents'], takes: ['device', 'number', 'other'], writes: 0 },
  /** Device, kind, data, two instances. The number is a timeout: with 0 it never waits, and answers 10 where nothing is. */
  nextEvent: { symbols: ['nvmlEventSetWait_v2', 'nvmlEventSetWait'], takes: ['other', 'output', 'number'], writes: 32 },

  // GPU performance monitoring: Hopper and later
  gpmSupport: { ...ofDevice('', 8), symbols: ['nvmlGpmQueryDeviceSupport'], version: 1 },
  gpmAllocate: { symbols: ['nvmlGpmSampleAlloc'], takes: ['output'], writes: 8 },
  gpmFree: { symbols: ['nvmlGpmSampleFree'], takes: ['other'], writes: 0 },
  gpmSample: { symbols: ['nvmlGpmSampleGet'], takes: ['device', 'other'], writes: 0 },
  /** Of a MIG instance: its parent, its number, the sample. */
  gpmMigSample: { symbols: ['nvmlGpmMigSampleGet'], takes: ['device', 'number', 'other'], writes: 0 },
  /** Version, how many, two samples, then 40 bytes for each of 333 at most. */
  gpmMetrics: { symbols: ['nvmlGpmMetricsGet'], takes: ['output'], writes: 24 + 333 * 40, version: 1 },
} as const satisfies Readonly<Record<string, NvmlRow>>;

export type NvmlCall = keyof typeof nvmlCalls;
const nvmlCallNames = Object.keys(nvmlCalls) as readonly NvmlCall[];
export const nvmlSymbols = nvmlCallNames.map((name) => nvmlCalls[name].symbols);

/** A call that is planned, and under which key its answer is found. */
export interface PlannedCall {
  readonly name: NvmlCall;
  /** The device and the numbers, such as "0,1"; empty for none. */
  readonly key: string;
  readonly call: DriverCall;
}

export interface CallDetails {
  /** Where the device's handle stands in the arena. */
  readonly device?: number;
  /** Where another handle stands: of an event set, or of a sample. */
  readonly other?: number;
  readonly numbers?: readonly number[];
  /** Under which key the answer is found, before the numbers. */
  readonly of?: string;
  readonly input?: Uint8Array;
  readonly filler?: number;
  readonly writes?: number;
  /** Bytes that are kept free for it, where that is more than is wanted of what it writes. */
  readonly room?: number;
  readonly neededBy?: number;
}

/** Lays out what calls write, one after the other in the arena. */
export class NvmlPlan {
  readonly calls: PlannedCall[] = [];
  #next: number;

  /** `from`: what is before stays as it is, such as handles. */
  constructor(from: number) {
    this.#next = from;
  }

  /** Where the next plan may begin. */
  get end(): number {
    return this.#next;
  }

  /** Gives where in the arena the answer will be. */
  add(name: NvmlCall, details: CallDetails = {}): number {
    const row: NvmlRow = nvmlCalls[name];
    const { device = 0, other = 0, numbers = [], of = '', filler, neededBy } = details;
    const { writes = row.writes, room = writes } = details;
    const offset = this.#next;
    this.#next += Math.ceil(room / 8) * 8;
    const rest = [...numbers];
    const given = row.takes.map((slot): DriverArgument => {
      if (slot === 'device') return { loaded: device };
      if (slot === 'other') return { loaded: other };
      if (slot === 'number') return rest.shift() ?? 0;
      if (slot === 'room') return writes;
      return { address: offset + (slot === 'output' ? 0 : slot.output) };
    });
    const input = details.input ?? (row.version === undefined ? undefined : bytesOf([row.version]));
    const call: DriverCall = {
      function: nvmlCallNames.indexOf(name),
      arguments: given,
      offset,
      length: writes,
      ...(input !== undefined && { input }),
      ...(filler !== undefined && { filler }),
      ...(neededBy !== undefined && { neededBy }),
    };
    this.calls.push({ name, key: [of, ...numbers].filter((part) => part !== '').join(','), call });
    return offset;
  }
}

/** 32-bit numbers as C has them. */
export const bytesOf = (numbers: readonly number[]) => new Uint8Array(Uint32Array.from(numbers).buffer);

/** An answer as it came. */
export interface NvmlAnswer {
  readonly name: NvmlCall;
  readonly key: string;
  readonly code: number;
  readonly seconds: number;
  readonly output: Buffer;
}

/** Answers by call and key. */
export interface NvmlAnswers {
  /** `undefined` where it was not asked, or the device does not have it. */
  get(name: NvmlCall, key: string): Buffer | undefined;
  code(name: NvmlCall, key: string): number | undefined;
  readonly all: readonly NvmlAnswer[];
}

export function answersOf(all: readonly NvmlAnswer[]): NvmlAnswers {
  const found = new Map(all.map((answer) => [`${answer.name} ${answer.key}`, answer]));
  return {
    all,
    get(name, key) {
      const answer = found.get(`${name} ${key}`);
      return answer?.code === 0 ? answer.output : undefined;
    },
    code: (name, key) => found.get(`${name} ${key}`)?.code,
  };
}

/** A text of C, with nothing in it that is no character. */
export function textIn(bytes: Buffer | undefined): string | undefined {
  const text = bytes?.toString('utf8').replace(/\0.*$/s, '').replace(/\s+/g, ' ').trim();
  return text === '' ? undefined : text;
}

/** What `nvmlReturn_t` says, for people. */
const codes: Readonly<Record<number, string>> = {
  [notCalled]: 'the library does not have it',
  1: 'NVML is not initialised',
  2: 'invalid argument',
  3: 'not supported',
  4: 'no permission',
  7: 'there is more than expected',
  8: 'external power cables are not attached',
  9: 'the NVIDIA driver is not loaded',
  10: 'timeout',
  11: 'an interrupt issue',
  12: 'the library of the driver is missing',
  13: 'function not found',
  14: 'the infoROM is corrupted',
  15: 'the GPU is lost',
  16: 'the GPU needs a reset',
  17: 'the operating system or its control groups block the GPU',
  18: 'the library and the kernel driver are of different versions',
  20: 'out of memory',
  23: 'out of resources',
  25: 'this version of a structure is not known',
  28: 'no GPU was found',
  999: 'an internal error of the driver',
};

export const nvmlError = (code: number) => codes[code] ?? `NVML error ${code}`;
