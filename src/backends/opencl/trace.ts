/** How the work of a program that knows nothing of us becomes activities: from the OpenCL layer's ring. */
import type { ActivitySink } from '../../activity.ts';
import type { CallTable } from '../../ffi.ts';
import { openTracer } from '../../native/load.ts';
import type { RingRecord, RingStatus } from '../../native/ring.ts';
import { activityOf } from '../../native/ring-activity.ts';
import { errorType } from './error-codes.ts';

const layerCalls = {
  /** The `cl_device_id` behind a record's device number; null for one that was not given out. */
  device: { symbols: ['accelmeter_opencl_device'], takes: ['u32'], gives: 'handle' },
  /** 1 where this process has loaded a library of that file name. */
  libraryLoaded: { symbols: ['accelmeter_opencl_library_loaded'], takes: ['text'], gives: 'u32' },
  /** Has commands that failed, and of which the driver did not tell, counted as failed. */
  lookAtFailures: { symbols: ['accelmeter_opencl_look_at_failures'], takes: [], gives: 'void' },
} as const satisfies CallTable;

/** The layer's library, seen from JavaScript. A process has one ring, which one trace at a time reads. */
export interface Trace {
  status(): RingStatus;
  /** Takes the records for this trace, which `drain` does too. False where another trace in this process has them. */
  claim(): boolean;
  readonly reads: boolean;
  /** Commands in flight, by the handle of each device that the program uses. */
  queueDepths(): Iterable<readonly [handle: bigint, commands: number]>;
  /** True where one of these libraries, by file name, is loaded in this process. */
  hasLoaded(libraries: readonly string[]): boolean;
  /** Meets the devices that the program created queues on, and delivers the waiting records to them. */
  drain(budgetSeconds: number): boolean;
  /** Delivers also what is still in flight, waiting for it at most `seconds`. Blocks. */
  settle(seconds: number): void;
  /** What the program begins while paused is not followed. */
  pause(paused: boolean): void;
  /** Lets another trace have the records. */
  close(): void;
}

/** `sinkOf` gives where the work of a device goes. Throws a ProbeError where our library is not there. */
export function openTrace(sinkOf: (handle: bigint) => ActivitySink): Trace {
  const { ring, calls } = openTracer('accelmeter-opencl-layer', layerCalls);
  const handles: bigint[] = [];
  const sinks: ActivitySink[] = [];
  let reads = false;
  let paused = false;

  function meetDevices(): void {
    for (let handle = calls.device(sinks.length); handle !== null; handle = calls.device(sinks.length)) {
      sinks.push(sinkOf(handle));
      handles.push(handle);
    }
  }

  function deliver(record: RingRecord): void {
    // The layer numbers a device before it makes the first record of it, so a second look always finds it.
    if (record.device >= sinks.length) meetDevices();
    sinks[record.device]?.deliver(
      activityOf(record, { name: record.name, failed: record.error === 0 ? undefined : errorType(record.error) }),
    );
  }

  /** Again at each drain: who read before us may have been closed. */
  function claim(): boolean {
    if (!reads && ring.claim()) {
      reads = true;
      ring.pause(paused); // who read before us may have been closed while it was paused
    }
    return reads;
  }

  function drain(budgetSeconds: number): boolean {
    if (!claim()) return false;
    meetDevices();
    return ring.drain(budgetSeconds, deliver);
  }

  return {
    status: () => ring.status(),
    claim,
    get reads() {
      return reads;
    },
    queueDepths: () => handles.map((handle, device) => [handle, ring.inFlight(device)] as const),
    hasLoaded: (libraries) => libraries.some((library) => calls.libraryLoaded(library) !== 0),
    drain,
    pause(now) {
      paused = now;
      if (reads) ring.pause(now);
    },
    settle(seconds) {
      const end = performance.now() + seconds * 1000;
      for (;;) {
        // In this order: a record is in the ring before its command counts as ended.
        calls.lookAtFailures();
        const { inFlight } = ring.status();
        drain(seconds);
        if (inFlight === 0 || performance.now() >= end) return;
        sleep(0.001);
      }
    },
    close() {
      if (reads) ring.unclaim();
      reads = false;
    },
  };
}

const never = new Int32Array(new SharedArrayBuffer(4));
const sleep = (seconds: number) => void Atomics.wait(never, 0, 0, seconds * 1000);
