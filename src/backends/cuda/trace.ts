/** How the work of a program that knows nothing of us becomes activities: from the CUPTI tracer's ring. */
import { isMainThread } from 'node:worker_threads';
import type { ActivitySink } from '../../activity.ts';
import type { Host, SourceState } from '../../backend.ts';
import { armCudaTracer, cudaInjection, isCudaTraceOff } from '../../native/arm.ts';
import { openTracer } from '../../native/load.ts';
import type { RingRecord } from '../../native/ring.ts';
import { activityOf } from '../../native/ring-activity.ts';
import { createDemangler } from './demangle.ts';
import { errorType } from './error-codes.ts';
import {
  displacedBy,
  lacksCupti,
  paused as pausedState,
  readElsewhere,
  readStatus,
  stateOf,
  switchedOff,
  type TracerState,
  type TracerStatus,
  tracerCalls,
  unnamed,
  waiting,
} from './tracer.ts';

/** The tracer's library, seen from JavaScript. A process has one ring, which one trace at a time reads. */
export interface Trace {
  /** The source `cupti` as it is now. Cheap: no driver call. */
  source(): SourceState;
  /** True where the program itself has loaded the CUDA driver. Cheap: asked at every sample. */
  readonly usesCuda: boolean;
  /** Meets the devices that the program uses, and delivers the waiting records to them. */
  drain(budgetSeconds: number): boolean;
  /** Delivers also what CUPTI still has, waiting for it at most `seconds`. Blocks. */
  settle(seconds: number): void;
  /** What the program begins while paused is not followed. */
  pause(paused: boolean): void;
  /** Lets another trace have the records. */
  close(): void;
}

/**
 * `sinkOf` gives where the work of a device goes, by its UUID ("GPU-…", "MIG-…"); it meets the device where it is new.
 * One whose driver tells no UUID is called by its number among those that the process sees. Throws a ProbeError where
 * our library is not there.
 */
export function openTrace(
  sinkOf: (uuid: string) => ActivitySink,
  { hostId, options: { lazy, cudaLibrary = '', cuptiLibrary = '' } }: Pick<Host, 'hostId' | 'options'>,
): Trace {
  const { ring, calls } = openTracer('accelmeter-cuda-trace', tracerCalls);
  const isOff = isCudaTraceOff(process.env);
  const nameOf = createDemangler();
  const sinks: ActivitySink[] = [];
  let reads = false;
  let closed = false;
  let paused = false;
  let lacking: TracerState | undefined;
  calls.nameLibraries(cudaLibrary, cuptiLibrary);
  if (!isOff) prepare();

  /** Under `register` CUDA has been told of us already, and loads the tracer when the program starts it. */
  function prepare(): void {
    if (!lazy) {
      if (calls.isLoaded()) attach();
      else armCudaTracer();
    }
    if (readStatus(calls).outcome === 'unused') lacking = lacksCupti(calls.lookForCupti());
  }

  /** Once in a process: the tracer has begun then, or has said why not. */
  function attach(): void {
    if (readStatus(calls).outcome !== 'unused') return;
    calls.attach();
    if (isMainThread) process.once('exit', () => calls.endSetUp());
  }

  /** Again at each drain: who read before us may have been closed. */
  function claim(): boolean {
    if (!(reads || closed) && ring.claim()) {
      reads = true;
      calls.pause(paused ? 1 : 0); // who read before us may have been closed while it was paused
    }
    return reads;
  }

  function sinkAt(index: number): ActivitySink | undefined {
    const uuid = calls.device(index);
    // The tracer meets a device before it makes the first record of it, so it is always there.
    if (uuid === null) return undefined;
    const sink = sinkOf(uuid || `${hostId}:cuda:${index}`);
    sinks[index] = sink;
    return sink;
  }

  function deliver(record: RingRecord): void {
    const sink = sinks[record.device] ?? sinkAt(record.device);
    const failed = record.error === 0 ? undefined : errorType(record.error);
    sink?.deliver(activityOf(record, { name: record.name && nameOf(record.name), failed }));
  }

  /**
   * Where the variable was taken away before CUDA was started, CUDA does not load us. What is named stays: another tool,
   * or our tracer, which CUDA loads in its own time.
   */
  function attachIfForgotten(): void {
    if (isOff || closed || process.env[cudaInjection]) return;
    if (calls.isLoaded()) attach();
  }

  function drain(budgetSeconds: number): boolean {
    attachIfForgotten();
    return claim() && ring.drain(budgetSeconds, deliver);
  }

  function state(status: TracerStatus): TracerState {
    if (isOff) return switchedOff;
    if (status.outcome === 'unused') return beforeItsStart();
    if (status.outcome === 'tracing' && !claim()) return readElsewhere;
    if (status.outcome === 'tracing' && paused) return pausedState;
    return stateOf(status);
  }

  function beforeItsStart(): TracerState {
    const named = process.env[cudaInjection];
    if (!named) return lacking ?? unnamed;
    if (!named.includes('accelmeter-cuda-trace')) return displacedBy(named);
    return lacking ?? waiting;
  }

  /** Sleeps in short naps until a question that was put to CUPTI now is answered; false at `end`. */
  function flushed(end: number): boolean {
    const request = calls.requestFlush();
    while (calls.flushedSince(request) === 0) {
      if (performance.now() >= end) return false;
      sleep(0.001);
    }
    return true;
  }

  claim();
  return {
    source() {
      const { dropped, untraced, invalid } = ring.status();
      const status = readStatus(calls);
      return { name: 'cupti', ...state(status), dropped: dropped + untraced + invalid + status.dropped };
    },
    get usesCuda() {
      return calls.isLoaded() === 1;
    },
    drain,
    settle(seconds) {
      const end = performance.now() + seconds * 1000;
      // What a first answer brings may have been finished before others that CUPTI had not seen the end of.
      for (let before = -1; before !== ring.status().pushed && flushed(end); ) {
        before = ring.status().pushed;
        drain(seconds);
      }
      drain(seconds);
    },
    pause(now) {
      paused = now;
      if (reads) calls.pause(now ? 1 : 0);
    },
    close() {
      if (reads) {
        calls.pause(1); // until somebody reads again CUPTI is not asked for anything
        ring.unclaim();
      }
      reads = false;
      closed = true;
    },
  };
}

const never = new Int32Array(new SharedArrayBuffer(4));
const sleep = (seconds: number) => void Atomics.wait(never, 0, 0, seconds * 1000);
