/**
 * One thing that a device did. Backends make these from what their drivers tell (device clock already turned into
 * process time) and deliver them to the device's sink; nothing else of a backend reaches the statistics.
 *
 * Times are process seconds: seconds since `performance.timeOrigin` on the monotonic clock, the scale of
 * `performance.now() / 1000`.
 */
export type Activity = KernelActivity | TransferActivity | CompilationActivity | AllocationActivity;

/** Where the bytes of a transfer went. */
export type TransferDirection = 'host_to_device' | 'device_to_host' | 'device_to_device' | 'peer_to_peer';

/** Of which call an activity is, where the tracer of a program that knows nothing of us tells it. No metric has it. */
interface Called {
  /**
   * Number of the queue, from 1 in the order of their creation (OpenCL), or of the stream as CUPTI numbers it, where a
   * context's default stream is 7 (CUDA). `undefined` where it is not told.
   */
  readonly queue?: number | undefined;
  /**
   * CUPTI's number of the program's call that asked for it, the same in all that it tells of that call; what one launch of
   * a CUDA graph ran has one. `undefined` where it is not told, as by OpenCL.
   */
  readonly correlation?: number | undefined;
}

/** One execution of a kernel. */
export interface KernelActivity extends Called {
  readonly kind: 'kernel';
  /**
   * As the program or its compiler named it; demangled where the backend's names are mangled. Empty where nobody tells
   * it; `undefined` where its tracer had no room to keep one more name, and it counts as "other".
   */
  readonly name: string | undefined;
  /** When the device began, in process seconds. Meaningless for a failure that never began. */
  readonly start: number;
  /** Device time from start to end, in seconds. */
  readonly duration: number;
  /** From the moment the program queued it to its start, in seconds; `undefined` where the driver does not tell. */
  readonly wait: number | undefined;
  /** Work items (OpenCL) or threads (CUDA) that were launched; `undefined` where it is not told, as of a whole graph. */
  readonly launchSize?: number | undefined;
  /** The `error.type` of an execution that failed; its duration is then not looked at. */
  readonly failed: string | undefined;
}

/** One copy of memory to, from or on a device, or one fill of it. */
export interface TransferActivity extends Called {
  readonly kind: 'transfer';
  /** Of a fill `device_to_device`: it occupies the device as a copy does, and nothing comes from the host. */
  readonly direction: TransferDirection;
  /** True where nothing was copied: the device wrote a value or a pattern (memset, `clEnqueueFillBuffer`). */
  readonly fill?: boolean | undefined;
  readonly bytes: number;
  /** When the copy began, in process seconds. */
  readonly start: number;
  /** From start to end, in seconds. */
  readonly duration: number;
  /** The `error.type` of a copy that failed; its bytes and duration are then not looked at. */
  readonly failed: string | undefined;
}

/** One compilation of a program or a pipeline. */
export interface CompilationActivity {
  readonly kind: 'compilation';
  /** In seconds. */
  readonly duration: number;
  /** The `error.type` of one that failed; its duration is then not looked at. */
  readonly failed?: string | undefined;
}

/** Device memory taken (`bytes` > 0) or given back (`bytes` < 0). */
export interface AllocationActivity {
  readonly kind: 'allocation';
  readonly bytes: number;
  /** The `error.type` where memory could not be had; its bytes are then not looked at. */
  readonly failed?: string | undefined;
}

/** Where the activities of one device are delivered. Never throws: it is called from drains and from hot paths. */
export interface ActivitySink {
  deliver(activity: Activity): void;
}
