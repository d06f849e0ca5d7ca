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

/** One execution of a kernel. */
export interface KernelActivity {
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
  /** The `error.type` of an execution that failed; its duration is then not looked at. */
  readonly failed: string | undefined;
}

/** One copy of memory, to, from or on a device. */
export interface TransferActivity {
  readonly kind: 'transfer';
  readonly direction: TransferDirection;
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
