/**
 * CUDA: devices from NVML, kernels and copies from our tracer. A device is known by its UUID, which both tell; where NVML
 * is missing or stuck the devices that the tracer meets are still reported.
 *
 * No library of NVIDIA's is loaded into this process by us: NVML is called in one of its own (decision 0090). Opened
 * lazily, under `register`, that begins when the program itself has loaded CUDA, unless it was asked for.
 */
import { isMainThread } from 'node:worker_threads';
import type { Backend, BackendOptions, Sample, Session, SourceState } from '../../backend.ts';
import { ProbeError } from '../../errors.ts';
import { createCounts } from './counts.ts';
import { createRoster, type Roster } from './devices.ts';
import { gpusOfKernel, hasLoadedCuda, isDriverPresent, pidForDriver } from './installed.ts';
import type { NvmlDevice } from './inventory.ts';
import { createNvml, type Nvml } from './nvml.ts';
import { type Kept, readingsOf } from './readings.ts';
import { openTrace, type Trace } from './trace.ts';
import { createXidLog } from './xid.ts';

export const cuda: Backend = {
  name: 'cuda',
  async open(host) {
    const { options } = host;
    if (!isDriverPresent(options)) throw new ProbeError('absent', 'no NVIDIA driver on this machine');
    if (!isMainThread) {
      // A Worker that ends would leave the process that it began for NVML behind, as a zombie.
      const remedy = 'create the profiler on the main thread';
      throw new ProbeError('unsupported', 'GPUs are not read from a Worker', { remedy });
    }
    const roster = createRoster(host);
    const trace = attempt(() => openTrace(roster.sinkOf, host));
    const nvml = options.deviceMetrics === 'off' ? undefined : createNvml(nvmlOptions(roster, options));
    const waits = options.lazy && options.deviceMetrics !== 'on';
    if (nvml !== undefined && !waits) await openNow(nvml, trace, options.lazy);
    return session({ roster, trace, nvml, waits });
  },
};

/** Throws a ProbeError where there is nothing that could be seen in another way either. */
async function openNow(nvml: Nvml, trace: Trace | ProbeError, lazy: boolean): Promise<void> {
  if (lazy) {
    void nvml.refresh();
    return;
  }
  await nvml.opened();
  const { failure } = nvml;
  if (failure === undefined || !(trace instanceof ProbeError || failure.kind === 'absent')) return;
  if (!(trace instanceof ProbeError) && trace.usesCuda) return;
  nvml.close();
  throw failure;
}

function nvmlOptions(roster: Roster, { nvmlLibrary }: BackendOptions): Parameters<typeof createNvml>[0] {
  const kept = new Map<string, Kept>();
  const keptOf = ({ uuid }: NvmlDevice) => {
    const known = kept.get(uuid) ?? { counts: createCounts(), xids: undefined, usualClock: undefined };
    kept.set(uuid, known);
    return known;
  };
  return {
    library: nvmlLibrary,
    visible: { list: process.env.CUDA_VISIBLE_DEVICES, order: process.env.CUDA_DEVICE_ORDER },
    pid: pidForDriver(),
    now: () => performance.now() / 1000,
    gpusOfKernel,
    onDevices: (devices, driverVersion) => roster.update(devices, driverVersion),
    readingsOf: (device, values) => ({
      device: device.uuid,
      readings: readingsOf(device.uuid, values, keptOf(device)),
    }),
    onXid: (device, code) => keptOf(device).xids?.add(code, Date.now() / 1000),
    followsXids(device) {
      keptOf(device).xids ??= createXidLog();
    },
  };
}

interface Parts {
  readonly roster: Roster;
  readonly trace: Trace | ProbeError;
  /** `undefined` where nobody wants it. */
  readonly nvml: Nvml | undefined;
  /** NVML is asked only once the program uses CUDA. */
  readonly waits: boolean;
}

function session({ roster, trace, nvml, waits }: Parts): Session {
  const traced = trace instanceof ProbeError ? undefined : trace;
  let waiting = waits;
  const isAsked = () => {
    if (waiting && (traced?.usesCuda ?? hasLoadedCuda())) waiting = false;
    return !waiting;
  };
  /** Records of a device wait for its name, and for no longer than that takes. */
  const isBeingNamed = () => !waiting && (nvml?.isStarting ?? false);
  return {
    sources: () => [...nvmlSource(nvml, waiting), { ...traceSource(trace), ofKernels: true }],
    async prepare() {
      if (isAsked()) await nvml?.refresh();
    },
    sample: () => sampleAll(roster, nvml),
    drain: (budgetSeconds) => !isBeingNamed() && (traced?.drain(budgetSeconds) ?? false),
    settle: (seconds) => traced?.settle(seconds),
    pause() {
      traced?.pause(true);
      nvml?.release(); // an operator may want to reload the driver
    },
    resume: () => traced?.pause(false),
    close() {
      traced?.close();
      nvml?.close();
    },
  };
}

function nvmlSource(nvml: Nvml | undefined, waiting: boolean): SourceState[] {
  if (nvml === undefined) return [];
  return [waiting ? { name: 'nvml', up: true, detail: 'ready, the program has not used CUDA yet' } : nvml.source()];
}

function traceSource(trace: Trace | ProbeError): SourceState {
  if (!(trace instanceof ProbeError)) return trace.source();
  const { message, remedy } = trace;
  const mend = remedy === undefined ? {} : { remedy };
  return { name: 'cupti', up: false, detail: `kernels not traced: ${message}`, ...mend };
}

/** Every device that is known: one that tells nothing now has no readings, rather than those of before. */
function sampleAll({ devices }: Roster, nvml: Nvml | undefined): Sample {
  const { devices: told = [], callSeconds } = nvml?.sample ?? {};
  return {
    devices: Array.from(
      devices.keys(),
      (id) => told.find(({ device }) => device === id) ?? { device: id, readings: [] },
    ),
    ...(callSeconds !== undefined && { elsewhereSeconds: callSeconds }),
    asideSeconds: nvml?.takeUsedSeconds() ?? 0,
  };
}

function attempt(open: () => Trace): Trace | ProbeError {
  try {
    return open();
  } catch (error) {
    return ProbeError.from(error);
  }
}
