/**
 * What the driver of a GPU says of it in the IO registry, whoever uses the GPU: `PerformanceStatistics` of its
 * `IOAccelerator` service, which needs no rights. Metal's registry id is the id of that service (MTLDevice.h; so do Dawn
 * and Chromium find a GPU's service). Apple documents the functions and not the keys: they are as `ioreg -rc IOAccelerator`
 * prints them.
 */
import type { Mac } from './driver.ts';

/** A key that the driver does not have is `undefined`. */
export interface AcceleratorStatistics {
  /** "Device Utilization %", 0 to 100. */
  readonly utilizationPercent: number | undefined;
  /** "In use system memory": of the memory that GPU and CPU share. */
  readonly systemMemoryBytes: number | undefined;
  /** "vramUsedBytes": of memory of its own. */
  readonly videoMemoryBytes: number | undefined;
}

export interface Accelerators {
  /** `gone` where the registry has no service of that id. */
  read(registryId: bigint): AcceleratorStatistics | 'gone';
  close(): void;
}

/** `kCFStringEncodingUTF8`, `kCFNumberDoubleType`, `kIOMainPortDefault`. */
const utf8 = 0x0800_0100;
const doubleType = 13;
const mainPort = 0;

const names = {
  statistics: 'PerformanceStatistics',
  utilization: 'Device Utilization %',
  systemMemory: 'In use system memory',
  videoMemory: 'vramUsedBytes',
} as const;

export function openAccelerators({ coreFoundation: cf, ioKit }: Mac): Accelerators {
  const keys = new Map<string, bigint>();
  const number = new Float64Array(1);
  const dictionaryType = cf.dictionaryType();
  const numberType = cf.numberType();

  /** Made once, and released when we close. */
  function key(name: string): bigint | null {
    const known = keys.get(name) ?? cf.createString(null, name, utf8);
    if (known !== null) keys.set(name, known);
    return known;
  }

  function numberIn(dictionary: bigint, name: string): number | undefined {
    const wanted = key(name);
    const value = wanted === null ? null : cf.valueOf(dictionary, wanted);
    if (value === null || cf.typeOf(value) !== numberType) return undefined;
    return cf.numberValue(value, doubleType, number) === 0 ? undefined : number[0];
  }

  function read(service: number): AcceleratorStatistics {
    const wanted = key(names.statistics);
    const found = wanted === null ? null : ioKit.createProperty(service, wanted, null, 0);
    if (found === null) return nothing;
    try {
      if (cf.typeOf(found) !== dictionaryType) return nothing;
      return {
        utilizationPercent: numberIn(found, names.utilization),
        systemMemoryBytes: numberIn(found, names.systemMemory),
        videoMemoryBytes: numberIn(found, names.videoMemory),
      };
    } finally {
      cf.release(found);
    }
  }

  return {
    read(registryId) {
      const matching = ioKit.matchingId(registryId);
      if (matching === null) return nothing;
      const service = ioKit.matchingService(mainPort, matching);
      if (service === 0) return 'gone';
      try {
        return read(service);
      } finally {
        ioKit.release(service);
      }
    },
    close() {
      for (const string of keys.values()) cf.release(string);
      keys.clear();
    },
  };
}

const nothing: AcceleratorStatistics = {
  utilizationPercent: undefined,
  systemMemoryBytes: undefined,
  videoMemoryBytes: undefined,
};
