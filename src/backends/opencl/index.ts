/**
 * OpenCL: devices from the loader, kernels and copies from our layer.
 *
 * Opened eagerly it initialises the loader, with the layer named to it, and reports every device. Opened lazily, under
 * `register`, it touches no driver: initialising them takes a program that may never use them its start-up time and
 * memory. It waits until the program itself has created a queue, and then asks only the driver that the program uses.
 * Whether there is any driver is known from the files by which they register.
 */
import type { Backend, Sample, Session, SourceState } from '../../backend.ts';
import { ProbeError } from '../../errors.ts';
import { armOpenclLayer } from '../../native/arm.ts';
import { openOpencl } from './driver.ts';
import { installedDrivers } from './installed.ts';
import { readingsOf } from './readings.ts';
import { rehearse } from './rehearsal.ts';
import { createRoster, type Roster } from './roster.ts';
import { openTrace, type Trace } from './trace.ts';

const installDriver = 'install an OpenCL driver: your GPU vendor’s, or pocl-opencl-icd, which runs kernels on the CPU';

export const opencl: Backend = {
  name: 'opencl',
  async open(host) {
    const { lazy, openclLibrary: library } = host.options;
    const roster = createRoster(host, () => openOpencl(library));
    const trace = attempt(() => openTrace(roster.sinkOf));
    // Lazily only what the program itself has loaded is asked, unless a library is named: that would be loaded by us.
    if (library !== undefined || !(lazy || nothingToTry())) await rehearse({ library, keepAlive: !lazy });
    return lazy ? openLazily(roster, trace) : openNow(roster, trace);
  },
};

/** True where no driver is registered, and the loader is alone. Elsewhere than on Linux nobody can tell. */
const nothingToTry = () => process.platform === 'linux' && installedDrivers().length === 0;

/** Throws a ProbeError `absent` where there is no loader, or no device behind it. */
function openNow(roster: Roster, trace: Trace | ProbeError): Session {
  const startedBefore = hasStarted(trace, installedDrivers());
  armOpenclLayer();
  roster.addAll();
  if (roster.devices.length === 0) {
    throw new ProbeError('absent', 'the OpenCL loader knows no device', { remedy: installDriver });
  }
  return session(roster, trace, () => (startedBefore ? layerStates.tooLate : layerStates.ignored));
}

/** Throws a ProbeError `absent` where no driver is registered on this machine. */
function openLazily(roster: Roster, trace: Trace | ProbeError): Session {
  const drivers = installedDrivers();
  if (drivers.length === 0) {
    throw new ProbeError('absent', 'no OpenCL driver on this machine', { remedy: installDriver });
  }
  return session(roster, trace, () => (hasStarted(trace, drivers) ? layerStates.passedBy : layerStates.waiting));
}

/** True where one of the drivers is loaded: OpenCL has been initialised in this process. */
function hasStarted(trace: Trace | ProbeError, drivers: readonly string[]): boolean {
  return !(trace instanceof ProbeError) && trace.hasLoaded(drivers);
}

/** `unused`: what it means that the layer has not been initialised. */
function session(roster: Roster, trace: Trace | ProbeError, unused: () => LayerState): Session {
  const traced = trace instanceof ProbeError ? undefined : trace;
  traced?.claim();
  return {
    sources: () => [...deviceSource(roster), { ...layerSource(trace, unused), ofKernels: true }],
    sample: () => sampleAll(roster, traced),
    drain: (budgetSeconds) => traced?.drain(budgetSeconds) ?? false,
    settle: (seconds) => traced?.settle(seconds),
    pause: () => traced?.pause(true),
    resume: () => traced?.pause(false),
    // The layer goes on recording into its bounded ring, which is a library's for the life of the process.
    close: () => traced?.close(),
  };
}

/** Nothing while no device is known: a program that does not use OpenCL has no such source. */
function deviceSource({ devices, platforms }: Roster): SourceState[] {
  if (devices.length === 0) return [];
  return [{ name: 'opencl', up: true, detail: platforms.join(', ') || `${devices.length} devices` }];
}

type LayerState = Omit<SourceState, 'name'>;

const startWithUs = 'start the program with: node --import accelmeter/register';
const otherLoader = 'use ocl-icd 2.3 or newer, or Khronos’ OpenCL loader 2020.12 or newer';

/** What there is to say of the layer, beside what its own library says. */
const layerStates = {
  waiting: { up: true, detail: 'ready, the program has not used OpenCL yet' },
  tooLate: { up: false, detail: 'kernels not traced: OpenCL was in use before accelmeter', remedy: startWithUs },
  ignored: { up: false, detail: 'kernels not traced: the OpenCL loader ignores OPENCL_LAYERS', remedy: otherLoader },
  passedBy: {
    up: false,
    detail: 'kernels not traced: OpenCL is in use, and its loader did not start our layer',
    remedy: `${startWithUs}; ${otherLoader}`,
  },
  readElsewhere: {
    up: false,
    detail: 'kernels not traced here: another profiler of this process has them',
    remedy: 'use one profiler in a process',
  },
  unnamed: { up: false, detail: 'kernels not traced: OPENCL_LAYERS does not name our layer', remedy: startWithUs },
} as const satisfies Record<string, LayerState>;

function layerSource(trace: Trace | ProbeError, unused: () => LayerState): SourceState {
  const name = 'opencl_layer';
  if (trace instanceof ProbeError) {
    const { message, remedy } = trace;
    return { name, up: false, detail: `kernels not traced: ${message}`, ...(remedy !== undefined && { remedy }) };
  }
  const { state, dropped, untraced, invalid } = trace.status();
  const lost = dropped + untraced + invalid;
  if ((state === 'armed' || state === 'paused') && !trace.reads) return { name, ...layerStates.readElsewhere };
  if (state === 'armed') return { name, up: true, detail: 'kernels traced', dropped: lost };
  if (state === 'paused') return { name, up: false, detail: 'paused', dropped: lost };
  if (state !== 'unused') return { name, ...layerStates.tooLate };
  const named = process.env.OPENCL_LAYERS?.includes('accelmeter-opencl-layer') ?? false;
  return { name, ...(named ? unused() : layerStates.unnamed) };
}

function sampleAll(roster: Roster, trace: Trace | undefined): Sample {
  const depths = new Map<string, number>();
  for (const [handle, commands] of trace?.queueDepths() ?? []) {
    const id = roster.idOf(handle);
    // Two platforms can offer the same GPU: its commands are those of both.
    if (id !== undefined) depths.set(id, (depths.get(id) ?? 0) + commands);
  }
  return {
    devices: roster.devices.map((device) => {
      const { identity, memoryBytes } = device;
      const told = { memoryBytes, freeMemoryBytes: roster.freeMemoryOf(device), queueDepth: depths.get(identity.id) };
      return { device: identity.id, readings: readingsOf(identity, told) };
    }),
  };
}

function attempt(open: () => Trace): Trace | ProbeError {
  try {
    return open();
  } catch (error) {
    return ProbeError.from(error);
  }
}
