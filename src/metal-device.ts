/** What a device of Metal can do beside what every device can: `device.metal`. */

/** Where timestamps can be taken on the GPU: when a pass begins and ends, or between dispatches. */
export type CounterSampling = 'stage' | 'dispatch';

/** What Metal tells of a GPU. Read once, when it appears. */
export interface MetalProperties {
  /** Of its service in the IO registry, as `ioreg` prints it; the same in all processes, until the machine starts anew. */
  readonly registryId: string;
  /** The families of features that it has: "apple7", "mac2", "metal3". */
  readonly families: readonly string[];
  /** Whether it shares its memory with the CPU. */
  readonly unifiedMemory: boolean;
  /** The one of two that takes less power. */
  readonly lowPower: boolean;
  /** In a box of its own, which can be unplugged. */
  readonly removable: boolean;
  /** Without a display, and without a connection for one. */
  readonly headless: boolean;
  /** How much memory it can use and stay fast; `undefined` where it does not tell. */
  readonly recommendedMaxWorkingSetBytes: number | undefined;
  /** The most threads of a group in each dimension. */
  readonly maxThreadsPerThreadgroup: { readonly width: number; readonly height: number; readonly depth: number };
  /** `undefined` where it takes no timestamps. */
  readonly counterSampling: CounterSampling | undefined;
}

/** The passes of one command buffer, of which the program had the GPU take timestamps. */
export interface TimedPasses {
  /**
   * The `MTLCounterSampleBuffer`, of the timestamp set: the pointer as a BigInt. Its storage must be shared
   * (`MTLStorageModeShared`); Metal does not tell of one which it has, and the CPU cannot read a private one.
   */
  readonly samples: bigint;
  /** A name for each pass, at least one. Pass `i` begins at the sample `first + 2 * i` and ends at the one after. */
  readonly names: readonly string[];
  /** Where the samples of the first pass are. 0 by default. */
  readonly first?: number;
}

/** Threads of a grid in each dimension; 1 where it is not said. */
export interface Grid {
  readonly width: number;
  readonly height?: number;
  readonly depth?: number;
}

/**
 * A compiled kernel. Each run of it is measured under its name: by the timestamps of its pass where the device takes them
 * and has room for more (a process can have some 32 such buffers), else by its command buffer as a whole.
 */
export interface MetalKernel {
  /**
   * Runs it once, one thread for each point of the grid. The buffers are its arguments 0, 1, …: copied to the device
   * before, and back when it has ended. Four runs of a kernel are on the device at once; one that waits for them copies
   * its buffers when it begins. Rejects with a ProbeError: `broken` where the GPU fails, `stuck` where it has
   * not ended within 30 s, `lost` where the device has left; with a TypeError for what is no grid (whole numbers from 1),
   * for an empty buffer, and for more than 31 buffers.
   */
  run(buffers: readonly NodeJS.TypedArray[], grid: Grid): Promise<void>;
  /** Gives back what it holds on the device. */
  close(): void;
}

/** A GPU, as Metal has it. Safe to call also after the device has left or the profiler was closed. */
export interface MetalDevice {
  readonly properties: MetalProperties;
  /**
   * Measures one command buffer of the program as an execution of the kernel `name`: how long the GPU ran it, how long
   * it waited since the system began to schedule it, whether it failed. Call it once for each, before or after its
   * commit; it is kept (retained) until it has ended, and read from a timer. Where the program had timestamps taken in
   * its passes, each of them is an execution of its own, in place of the buffer as a whole.
   *
   * `commandBuffer` is the `id<MTLCommandBuffer>`, as a BigInt. The program must own it during the call; what is no
   * object of Objective-C ends the process, as any message to it would.
   *
   * Gives false where it cannot be measured: nil, not a command buffer of this device, a buffer of Metal 4 (which has no
   * times), the device has left, measuring is paused or over, too many wait. Throws a TypeError for a pointer that is no
   * BigInt, or a name that is no text.
   */
  observeCommandBuffer(commandBuffer: bigint | null, name: string, passes?: TimedPasses): boolean;
  /**
   * Compiles a kernel written in Metal's language. For examples and checks: it holds the event loop while it compiles.
   * Throws a ProbeError: `broken`, with the compiler's words, where it does not compile or has no such function; `lost`
   * where the device has left.
   */
  compile(source: string, functionName: string): MetalKernel;
}
