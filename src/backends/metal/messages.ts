/**
 * The messages that we send to objects, as data. Source: the headers of Apple's SDK for macOS 13.3 (Metal: MTLDevice.h,
 * MTLCommandBuffer.h, MTLCounters.h, MTLComputePass.h and others; Foundation: NSProcessInfo.h, NSArray.h, NSData.h,
 * NSError.h, NSString.h, NSObject.h) and developer.apple.com/documentation/metal.
 *
 * Types as Objective-C has them on 64-bit macOS: NSUInteger is `u64`, NSInteger `i64`, CFTimeInterval `f64`, an object or
 * a class `handle`. BOOL is one byte, `u8`: a signed char on Intel and a bool on Apple silicon, of which the rest of the
 * register says nothing on either.
 */
import type { Given, Structure, Taken } from '../../ffi.ts';

/** One message: what it is called, what it takes beside the receiver, and what it gives. */
export interface Message {
  readonly selector: string;
  readonly takes: readonly Taken[];
  readonly gives: Given;
}
export type MessageTable = Readonly<Record<string, Message>>;

/** `MTLSize`. */
const size = { width: 'u64', height: 'u64', depth: 'u64' } as const satisfies Structure;
/** `NSRange`. */
const range = { location: 'u64', length: 'u64' } as const satisfies Structure;
/** `NSOperatingSystemVersion`. */
const version = { major: 'i64', minor: 'i64', patch: 'i64' } as const satisfies Structure;

export const messages = {
  // NSObject. What begins with `new` or `copy` gives a reference that is ours; nothing else does.
  retain: { selector: 'retain', takes: [], gives: 'handle' },
  release: { selector: 'release', takes: [], gives: 'void' },
  responds: { selector: 'respondsToSelector:', takes: ['handle'], gives: 'u8' },
  makeNew: { selector: 'new', takes: [], gives: 'handle' },

  // Foundation
  stringOf: { selector: 'stringWithUTF8String:', takes: ['text'], gives: 'handle' },
  utf8: { selector: 'UTF8String', takes: [], gives: 'text' },
  count: { selector: 'count', takes: [], gives: 'u64' },
  objectAt: { selector: 'objectAtIndex:', takes: ['u64'], gives: 'handle' },
  errorCode: { selector: 'code', takes: [], gives: 'i64' },
  errorDomain: { selector: 'domain', takes: [], gives: 'handle' },
  errorDescription: { selector: 'localizedDescription', takes: [], gives: 'handle' },
  dataLength: { selector: 'length', takes: [], gives: 'u64' },
  dataBytes: { selector: 'getBytes:length:', takes: ['memory', 'u64'], gives: 'void' },
  processInfo: { selector: 'processInfo', takes: [], gives: 'handle' },
  /** `NSProcessInfoThermalState`: 0 nominal, 1 fair, 2 serious, 3 critical. */
  thermalState: { selector: 'thermalState', takes: [], gives: 'i64' },
  systemVersion: { selector: 'operatingSystemVersion', takes: [], gives: version },

  // MTLDevice
  name: { selector: 'name', takes: [], gives: 'handle' },
  registryId: { selector: 'registryID', takes: [], gives: 'u64' },
  hasUnifiedMemory: { selector: 'hasUnifiedMemory', takes: [], gives: 'u8' },
  isLowPower: { selector: 'isLowPower', takes: [], gives: 'u8' },
  isRemovable: { selector: 'isRemovable', takes: [], gives: 'u8' },
  isHeadless: { selector: 'isHeadless', takes: [], gives: 'u8' },
  recommendedMaxWorkingSetSize: { selector: 'recommendedMaxWorkingSetSize', takes: [], gives: 'u64' },
  /** Bytes of all resources that this process has on the device. */
  currentAllocatedSize: { selector: 'currentAllocatedSize', takes: [], gives: 'u64' },
  supportsFamily: { selector: 'supportsFamily:', takes: ['i64'], gives: 'u8' },
  maxThreadsPerThreadgroup: { selector: 'maxThreadsPerThreadgroup', takes: [], gives: size },
  /** `MTLCounterSamplingPoint`: 0 at stage boundaries, 2 at dispatch boundaries. */
  supportsCounterSampling: { selector: 'supportsCounterSampling:', takes: ['u64'], gives: 'u8' },
  counterSets: { selector: 'counterSets', takes: [], gives: 'handle' },
  sampleTimestamps: { selector: 'sampleTimestamps:gpuTimestamp:', takes: ['memory', 'memory'], gives: 'void' },
  newSampleBuffer: {
    selector: 'newCounterSampleBufferWithDescriptor:error:',
    takes: ['handle', 'memory'],
    gives: 'handle',
  },
  newCommandQueue: { selector: 'newCommandQueue', takes: [], gives: 'handle' },
  newLibrary: {
    selector: 'newLibraryWithSource:options:error:',
    takes: ['handle', 'handle', 'memory'],
    gives: 'handle',
  },
  newFunction: { selector: 'newFunctionWithName:', takes: ['handle'], gives: 'handle' },
  newPipeline: {
    selector: 'newComputePipelineStateWithFunction:error:',
    takes: ['handle', 'memory'],
    gives: 'handle',
  },
  mostThreadsOfPipeline: { selector: 'maxTotalThreadsPerThreadgroup', takes: [], gives: 'u64' },
  threadExecutionWidth: { selector: 'threadExecutionWidth', takes: [], gives: 'u64' },
  newBuffer: { selector: 'newBufferWithBytes:length:options:', takes: ['memory', 'u64', 'u64'], gives: 'handle' },
  contents: { selector: 'contents', takes: [], gives: 'handle' },

  // MTLCommandQueue, MTLCommandBuffer
  commandBuffer: { selector: 'commandBuffer', takes: [], gives: 'handle' },
  device: { selector: 'device', takes: [], gives: 'handle' },
  commit: { selector: 'commit', takes: [], gives: 'void' },
  /** `MTLCommandBufferStatus`; see command-buffers.ts. */
  status: { selector: 'status', takes: [], gives: 'u64' },
  error: { selector: 'error', takes: [], gives: 'handle' },
  /** When the GPU began, and ended: seconds of mach's absolute time, 0 until it has ended. */
  gpuStartTime: { selector: 'GPUStartTime', takes: [], gives: 'f64' },
  gpuEndTime: { selector: 'GPUEndTime', takes: [], gives: 'f64' },
  /** When the system began to schedule it, and had done so: 0 until then. */
  kernelStartTime: { selector: 'kernelStartTime', takes: [], gives: 'f64' },
  kernelEndTime: { selector: 'kernelEndTime', takes: [], gives: 'f64' },

  // MTLComputeCommandEncoder, MTLComputePassDescriptor
  computeEncoder: { selector: 'computeCommandEncoder', takes: [], gives: 'handle' },
  computeEncoderOfPass: { selector: 'computeCommandEncoderWithDescriptor:', takes: ['handle'], gives: 'handle' },
  setPipeline: { selector: 'setComputePipelineState:', takes: ['handle'], gives: 'void' },
  setBuffer: { selector: 'setBuffer:offset:atIndex:', takes: ['handle', 'u64', 'u64'], gives: 'void' },
  dispatchThreads: { selector: 'dispatchThreads:threadsPerThreadgroup:', takes: [size, size], gives: 'void' },
  sampleCounters: {
    selector: 'sampleCountersInBuffer:atSampleIndex:withBarrier:',
    takes: ['handle', 'u64', 'u8'],
    gives: 'void',
  },
  endEncoding: { selector: 'endEncoding', takes: [], gives: 'void' },
  computePass: { selector: 'computePassDescriptor', takes: [], gives: 'handle' },
  sampleAttachments: { selector: 'sampleBufferAttachments', takes: [], gives: 'handle' },
  attachmentAt: { selector: 'objectAtIndexedSubscript:', takes: ['u64'], gives: 'handle' },
  setSampleBuffer: { selector: 'setSampleBuffer:', takes: ['handle'], gives: 'void' },
  setStartIndex: { selector: 'setStartOfEncoderSampleIndex:', takes: ['u64'], gives: 'void' },
  setEndIndex: { selector: 'setEndOfEncoderSampleIndex:', takes: ['u64'], gives: 'void' },

  // MTLCounterSampleBufferDescriptor, MTLCounterSampleBuffer
  setCounterSet: { selector: 'setCounterSet:', takes: ['handle'], gives: 'void' },
  setSampleCount: { selector: 'setSampleCount:', takes: ['u64'], gives: 'void' },
  setStorageMode: { selector: 'setStorageMode:', takes: ['u64'], gives: 'void' },
  sampleCount: { selector: 'sampleCount', takes: [], gives: 'u64' },
  resolveCounters: { selector: 'resolveCounterRange:', takes: [range], gives: 'handle' },
} as const satisfies MessageTable;
