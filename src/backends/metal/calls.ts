/** The functions of macOS' libraries that we call, as data. */
import type { CallTable } from '../../ffi.ts';

/**
 * The runtime. Source: objc/runtime.h (classes and selectors); the Objective-C ARC specification of LLVM (pools, which
 * the runtime has exported since macOS 10.7).
 */
export const runtimeCalls = {
  classNamed: { symbols: ['objc_getClass'], takes: ['text'], gives: 'handle' },
  selector: { symbols: ['sel_registerName'], takes: ['text'], gives: 'handle' },
  pushPool: { symbols: ['objc_autoreleasePoolPush'], takes: [], gives: 'handle' },
  popPool: { symbols: ['objc_autoreleasePoolPop'], takes: ['handle'], gives: 'void' },
} as const satisfies CallTable;

/** Source: MTLDevice.h. */
export const metalCalls = {
  /** An array, with a reference that is ours. Switches no GPU on, as `MTLCreateSystemDefaultDevice` may. */
  copyAllDevices: { symbols: ['MTLCopyAllDevices'], takes: [], gives: 'handle' },
} as const satisfies CallTable;

/** Source: CoreFoundation's CFBase.h, CFString.h, CFNumber.h, CFDictionary.h. What is created is ours to release. */
export const coreFoundationCalls = {
  createString: { symbols: ['CFStringCreateWithCString'], takes: ['handle', 'text', 'u32'], gives: 'handle' },
  release: { symbols: ['CFRelease'], takes: ['handle'], gives: 'void' },
  typeOf: { symbols: ['CFGetTypeID'], takes: ['handle'], gives: 'u64' },
  dictionaryType: { symbols: ['CFDictionaryGetTypeID'], takes: [], gives: 'u64' },
  numberType: { symbols: ['CFNumberGetTypeID'], takes: [], gives: 'u64' },
  valueOf: { symbols: ['CFDictionaryGetValue'], takes: ['handle', 'handle'], gives: 'handle' },
  numberValue: { symbols: ['CFNumberGetValue'], takes: ['handle', 'i64', 'memory'], gives: 'u8' },
} as const satisfies CallTable;

/** Source: IOKit's IOKitLib.h. A service is a number, 0 for none. */
export const ioKitCalls = {
  matchingId: { symbols: ['IORegistryEntryIDMatching'], takes: ['u64'], gives: 'handle' },
  /** Consumes the reference to the dictionary, found or not. */
  matchingService: { symbols: ['IOServiceGetMatchingService'], takes: ['u32', 'handle'], gives: 'u32' },
  createProperty: {
    symbols: ['IORegistryEntryCreateCFProperty'],
    takes: ['u32', 'handle', 'handle', 'u32'],
    gives: 'handle',
  },
  release: { symbols: ['IOObjectRelease'], takes: ['u32'], gives: 'i32' },
} as const satisfies CallTable;

/** Source: the manual pages clock_gettime_nsec_np(3) and memcpy(3). */
export const systemCalls = {
  clockNanoseconds: { symbols: ['clock_gettime_nsec_np'], takes: ['i32'], gives: 'u64' },
  copyFrom: { symbols: ['memcpy'], takes: ['memory', 'handle', 'size'], gives: 'handle' },
} as const satisfies CallTable;
