/** What our tracer says of itself, and what there is to say of that. instrumentation/cuda-trace has the other side. */
import { basename } from 'node:path';
import type { SourceState } from '../../backend.ts';
import type { Bound, CallTable } from '../../ffi.ts';

export const tracerCalls = {
  /** The UUID of a device that work was seen of, "" where its driver tells none; null for one that was not seen. */
  device: { symbols: ['accelmeter_cuda_device'], takes: ['u32'], gives: 'text' },
  /** 1 where this process has loaded the CUDA driver. */
  isLoaded: { symbols: ['accelmeter_cuda_is_loaded'], takes: [], gives: 'u32' },
  /** "" where a libcupti can be loaded, null where there is none, else why it cannot. Takes milliseconds. */
  lookForCupti: { symbols: ['accelmeter_cuda_look_for_cupti'], takes: [], gives: 'text' },
  /** Which libraries to use rather than those of the environment and the system; "" for no such wish. */
  nameLibraries: { symbols: ['accelmeter_cuda_name_libraries'], takes: ['text', 'text'], gives: 'void' },
  /** Begins to trace a process in which CUDA runs already; on another thread. */
  attach: { symbols: ['accelmeter_cuda_attach'], takes: [], gives: 'u32' },
  /** Where the process ends before the tracer is attached: no more is begun. Waits 50 ms at most. */
  endSetUp: { symbols: ['accelmeter_cuda_end_set_up'], takes: [], gives: 'void' },
  pause: { symbols: ['accelmeter_cuda_pause'], takes: ['u32'], gives: 'void' },
  /** Has CUPTI asked for what is finished; gives what `flushedSince` takes. */
  requestFlush: { symbols: ['accelmeter_cuda_request_flush'], takes: [], gives: 'f64' },
  /** 1 where it has been asked since. */
  flushedSince: { symbols: ['accelmeter_cuda_flushed_since'], takes: ['f64'], gives: 'u32' },
  status: { symbols: ['accelmeter_cuda_status'], takes: ['memory'], gives: 'void' },
  /** The path of the libcupti that is used, or what went wrong. */
  detail: { symbols: ['accelmeter_cuda_detail'], takes: [], gives: 'text' },
} as const satisfies CallTable;

/** As `enum outcome` in C. */
const outcomes = [
  'unused',
  'starting',
  'tracing',
  'noCupti',
  'brokenCupti',
  'subscribed',
  'refused',
  'off',
  'inert',
  'ended',
] as const;

export interface TracerStatus {
  readonly outcome: (typeof outcomes)[number];
  /** CUPTI's code of what failed last, 0 where nothing has. */
  readonly result: number;
  /** CUPTI's number of its version, such as 22 for CUDA 12.4; 0 where none is open. */
  readonly cuptiVersion: number;
  /** Bits for the kinds of records that it gives: kernels, copies, memsets, copies between GPUs, allocations or graphs. */
  readonly kinds: number;
  readonly faults: number;
  /** Records that CUPTI had no room for. */
  readonly dropped: number;
  /** Seconds that CUPTI has taken so far for a question that it has not answered; 0 where there is none. */
  readonly unansweredSeconds: number;
  /** Buffers of 64 KiB that CUPTI has now. */
  readonly buffersLent: number;
  /** A path or a reason. */
  readonly detail: string;
}

const fields = new Float64Array(9);

export function readStatus(calls: Bound<typeof tracerCalls>): TracerStatus {
  calls.status(fields);
  const [outcome = 0, result = 0, cuptiVersion = 0, kinds = 0, faults = 0, dropped = 0] = fields;
  return {
    outcome: outcomes[outcome] ?? 'unused',
    ...{ result, cuptiVersion, kinds, faults, dropped },
    unansweredSeconds: fields[7] ?? 0,
    buffersLent: fields[8] ?? 0,
    detail: calls.detail() ?? '',
  };
}

export type TracerState = Omit<SourceState, 'name'>;

const startWithUs = 'start the program with: node --import accelmeter/register';
const addCupti =
  'runtime images lack libcupti: apt-get install cuda-cupti-<version>, pip install nvidia-cuda-cupti, or copy ' +
  'libcupti.so.* from CUDA’s devel image of the version that nvidia-smi shows; or name it in ACCELMETER_CUPTI_LIBRARY';

const off = (reason: string, remedy?: string): TracerState => ({
  up: false,
  detail: `kernels not traced: ${reason}`,
  ...(remedy !== undefined && { remedy }),
});

/** Before CUDA has been started in this process. */
export const waiting: TracerState = { up: true, detail: 'ready, the program has not used CUDA yet' };
export const switchedOff = off('ACCELMETER_CUDA_TRACE is off');
export const readElsewhere = off('another profiler of this process has them', 'use one profiler in a process');
/** Nobody is named to CUDA: the variable was taken away. */
export const unnamed: TracerState = {
  up: true,
  detail: 'CUDA_INJECTION64_PATH does not name our tracer: it is attached once the program has loaded CUDA',
};
/** Named, and loaded by CUDA, but not meant. */
const inert = off('ACCELMETER_PID did not name this process as it started CUDA', startWithUs);
export const paused: TracerState = { up: false, detail: 'paused' };

/** Another tool is named where we would be. */
export const displacedBy = (tool: string): TracerState =>
  off(`CUDA_INJECTION64_PATH names another tool, ${basename(tool)}`, 'unset CUDA_INJECTION64_PATH, or use that tool');

/** `found`: what looking for libcupti gave. */
export function lacksCupti(found: string | null): TracerState | undefined {
  if (found === '') return undefined;
  return found === null ? off('libcupti not found', addCupti) : off(`libcupti cannot be loaded: ${found}`);
}

/** Seconds after which a question that CUPTI has not answered is told of. */
const patienceSeconds = 5;

/** What a tracer that was started has to say. */
export function stateOf(status: TracerStatus): TracerState {
  const { outcome, detail, unansweredSeconds, kinds } = status;
  switch (outcome) {
    case 'tracing':
      if (unansweredSeconds > patienceSeconds) {
        return off(`CUPTI has not answered for ${Math.floor(unansweredSeconds)} s`);
      }
      return { up: true, detail: `kernels traced by ${basename(detail)}${kinds & 2 ? '' : ', copies not'}` };
    case 'noCupti':
      return off(detail === '' ? 'libcupti not found' : `${detail} not found`, addCupti);
    case 'brokenCupti':
      return off(`libcupti cannot be used: ${detail}`);
    case 'subscribed':
      return off('another profiler of this process has CUPTI', 'end it: CUDA lets one tool trace a process');
    case 'refused':
      return refusal(status);
    case 'off':
      return off(`off after three faults, ${detail}`, 'restart the process; ACCELMETER_CUDA_TRACE=off silences this');
    case 'starting':
      return { up: true, detail: 'starting' };
    case 'ended':
      return { up: true, detail: 'kernels traced' };
    case 'inert':
      return inert;
    default:
      return waiting;
  }
}

const cannotStart = [
  'there is no GPU, or the driver is older than this libcupti',
  'update the driver, or use the libcupti of the CUDA version that nvidia-smi shows',
] as const;

/** What CUPTI means by the codes with which it refuses. Source: cupti_result.h of CUDA 13.0, and what it gives. */
const refusals: Readonly<Record<number, readonly [reason: string, remedy?: string]>> = {
  8: ['there is not enough memory'],
  15: cannotStart,
  33: ['a virtual GPU of this kind does not let itself be traced', 'enable profiling for the vGPU'],
  35: ['the user lacks the privilege'],
  38: ['this GPU or driver is not supported'],
  40: ['the virtual GPU does not allow it', 'enable profiling for the vGPU'],
  41: ['confidential computing is on'],
  42: ['this GPU is made for mining'],
  999: cannotStart, // CUPTI of CUDA 13 without a GPU, or with a driver of CUDA 12
};

function refusal({ result, detail }: TracerStatus): TracerState {
  const [reason, remedy] = refusals[result] ?? [`error ${result}`];
  return off(`CUPTI (${basename(detail) || 'libcupti'}) refuses, ${reason}`, remedy);
}
