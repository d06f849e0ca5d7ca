/**
 * What the driver of a GPU says of it in the IO registry, whoever uses the GPU: `PerformanceStatistics` of its
 * `IOAccelerator` service, which needs no rights. Metal's registry id is the id of that service (MTLDevice.h; so do Dawn
 * and Chromium find a GPU's service). Apple documents the functions and not the keys: they are as `ioreg -rc IOAccelerator`
 * prints them.
 */
import type { Mac } from './driver.ts';

/** By what is told, the keys that may have it, the first that is there to be taken. The second ones are of AMD's drivers. */
const keys = {
  /** 0 to 100. */
  utilizationPercent: ['Device Utilization %', 'GPU Activity(%)'],
  /** In use, of the memory that GPU and CPU share. */
  systemMemoryBytes: ['In use system memory'],
  /** In use, of memory of its own. */
  videoMemoryBytes: ['vramUsedBytes', 'inUseVidMemoryBytes'],
  // What follows AMD's drivers tell, and no others that we know of.
  temperatureCelsius: ['Temperature(C)'],
  powerWatts: ['Total Power(W)'],
  coreMegahertz: ['Core Clock(MHz)'],
  memoryMegahertz: ['Memory Clock(MHz)'],
} as const;

/** What the driver has no key for is `undefined`. */
export type AcceleratorStatistics = { readonly [Value in keyof typeof keys]: number | undefined };

export interface Accelerators {
  /** `gone` where the registry has no service of that id. */
  read(registryId: bigint): AcceleratorStatistics | 'gone';
  close(): void;
}

/** `kCFStringEncodingUTF8`, `kCFNumberDoubleType`, `kIOMainPortDefault`. */
const utf8 = 0x0800_0100;
const doubleType = 13;
const mainPort = 0;

const statistics = 'PerformanceStatistics';
const all = Object.keys(keys) as (keyof typeof keys)[];
/** Of a GPU without such a service. */
export const noStatistics: AcceleratorStatistics = Object.freeze({
  ...{ utilizationPercent: undefined, systemMemoryBytes: undefined, videoMemoryBytes: undefined },
  ...{ temperatureCelsius: undefined, powerWatts: undefined, coreMegahertz: undefined, memoryMegahertz: undefined },
});

export function openAccelerators({ coreFoundation: cf, ioKit }: Mac): Accelerators {
  const strings = new Map<string, bigint>();
  const number = new Float64Array(1);
  const dictionaryType = cf.dictionaryType();
  const numberType = cf.numberType();

  /** Made once, and released when we close. */
  function key(name: string): bigint | null {
    const known = strings.get(name) ?? cf.createString(null, name, utf8);
    if (known !== null) strings.set(name, known);
    return known;
  }

  function numberIn(dictionary: bigint, name: string): number | undefined {
    const wanted = key(name);
    const value = wanted === null ? null : cf.valueOf(dictionary, wanted);
    if (value === null || cf.typeOf(value) !== numberType) return undefined;
    return cf.numberValue(value, doubleType, number) === 0 ? undefined : number[0];
  }

  function read(service: number): AcceleratorStatistics {
    const wanted = key(statistics);
    const found = wanted === null ? null : ioKit.createProperty(service, wanted, null, 0);
    if (found === null) return noStatistics;
    try {
      if (cf.typeOf(found) !== dictionaryType) return noStatistics;
      return valuesOf((name) => numberIn(found, name));
    } finally {
      cf.release(found);
    }
  }

  return {
    read(registryId) {
      const matching = ioKit.matchingId(registryId);
      if (matching === null) return noStatistics;
      const service = ioKit.matchingService(mainPort, matching);
      if (service === 0) return 'gone';
      try {
        return read(service);
      } finally {
        ioKit.release(service);
      }
    },
    close() {
      for (const string of strings.values()) cf.release(string);
      strings.clear();
    },
  };
}

/** Each value by the first of its keys that has one. */
function valuesOf(numberOf: (key: string) => number | undefined): AcceleratorStatistics {
  const values: { -readonly [Value in keyof AcceleratorStatistics]: number | undefined } = { ...noStatistics };
  for (const value of all) {
    for (const key of keys[value]) {
      values[value] = numberOf(key);
      if (values[value] !== undefined) break;
    }
  }
  return values;
}
