/**
 * The contract between the profiler and a backend. A backend is a small object that opens a session; the session
 * reports devices, is sampled for readings, and is drained of activities. It knows nothing of metrics SDKs,
 * exporters or statistics. `test/conformance.ts` is the suite that every backend passes.
 */
import type { ActivitySink } from './activity.ts';
import type { DevicePoint, ProcessPoint } from './catalogue.ts';
import type { MetalDevice } from './metal-device.ts';

/** The backends there are, in the order in which they are opened and shown. */
export const backendNames = ['cpu', 'cuda', 'opencl', 'metal'] as const;
export type BackendName = (typeof backendNames)[number];

/** What a device is. Read once when it appears; model, vendor and driver stand only on `accelmeter.device.info`. */
export interface DeviceIdentity {
  /** Unique and stable: the driver's UUID where there is one, else `<host id>:<backend>:<index>`. */
  readonly id: string;
  readonly backend: BackendName;
  /** OpenTelemetry's `hw.type`. PoCL's device is an OpenCL device of type `cpu`. */
  readonly type: 'cpu' | 'gpu' | 'accelerator';
  /** For people, such as "NVIDIA H200" or "AMD EPYC 9R14". */
  readonly name: string;
  readonly index: number;
  readonly vendor?: string;
  readonly driverVersion?: string;
  /** The id of the GPU that a MIG instance is a part of. */
  readonly parent?: string;
  /** How large a part, such as "1g.10gb". */
  readonly migProfile?: string;
  /** Such as "00000000:17:00.0". */
  readonly pciAddress?: string;
}

/** One polled value of a device: a name of the catalogue, its value in the catalogue's unit, its own attributes. */
export type Reading = DevicePoint;

/** What one sampling of one device gave. A value the device does not have is left out, never 0. */
export interface DeviceReadings {
  readonly device: string;
  readonly readings: readonly Reading[];
  /** 0 to 1, where the backend measures utilization itself and it is not to be taken from kernels' busy time. */
  readonly utilization?: number;
}

/** What a session sampled: the readings of each device, and those of the process as a whole. */
export interface Sample {
  readonly devices: readonly DeviceReadings[];
  readonly process?: readonly ProcessPoint[];
  /** Main-thread time that the session used of its own accord since the sample before, in seconds. */
  readonly asideSeconds?: number;
  /** What the last sampling took in another process, in seconds; it belongs to its duration, and holds nobody up. */
  readonly elsewhereSeconds?: number;
}

/** One way in which a backend learns things: a driver library, a layer, /proc. */
export interface SourceState {
  /** The value of `accelmeter.source`, such as `opencl_layer`. */
  readonly name: string;
  readonly up: boolean;
  /** For people: what is seen ("kernels traced"), or why not ("no OpenCL loader on this machine"). */
  readonly detail: string;
  /** What mends it, where `up` is false and it is known. */
  readonly remedy?: string;
  /** True of one that tells of the kernels of its backend's devices: while it is down, none is seen to be idle. */
  readonly ofKernels?: true;
  /** Records this source had to drop so far; absent where it has no buffer. */
  readonly dropped?: number;
}

/** A backend that has been opened. Every method may throw a ProbeError; the profiler catches, counts and supervises. */
export interface Session {
  /** The sources as they are now. Cheap: no driver call. */
  sources(): readonly SourceState[];
  /**
   * Makes ready for `sample` what takes time without taking that of the event loop. Waited for, but not for long: what is
   * late is for the next one. Must not reject.
   */
  prepare?(): Promise<void>;
  /** Reads what is polled. Called every tick and before a collection, never concurrently. */
  sample?(): Sample;
  /**
   * Delivers the activities that wait. Returns true where it stopped at `budgetSeconds` and more wait.
   * Called several times a second from a timer, and before a collection.
   */
  drain?(budgetSeconds: number): boolean;
  /**
   * Delivers also what the device is still finishing, waiting for it at most `seconds`. May block: called when the
   * process ends and somebody wants the whole account.
   */
  settle?(seconds: number): void;
  /**
   * Leaves the program as if we were not there, until `resume`: no timers, no observers, nothing followed. What began
   * before may still be delivered. Each is called only after the other.
   */
  pause?(): void;
  /** Measures again. Rates and shares begin here: the time in between belongs to no interval. */
  resume?(): void;
  /** Gives everything back. Called once; must not throw and must not wait on the device. */
  close(): void;
}

/** What devices of one backend can do beside what every device can. */
export interface DeviceAbilities {
  /** Only of Metal's. */
  readonly metal?: MetalDevice;
}

/** What the profiler offers to a session. */
export interface Host {
  readonly options: BackendOptions;
  /** Unique and stable for this machine, for ids of devices that have no UUID. */
  readonly hostId: string;
  /** A device appeared, with what only it can do. An id that is known already gives the sink it has. */
  addDevice(identity: DeviceIdentity, abilities?: DeviceAbilities): ActivitySink;
  /** A device went away: it stops being reported at once. */
  removeDevice(id: string): void;
}

export const deviceMetricsChoices = ['auto', 'on', 'off'] as const;
/** See `BackendOptions.deviceMetrics`. */
export type DeviceMetrics = (typeof deviceMetricsChoices)[number];

/** The options of `createProfiler` that a backend may look at. */
export interface BackendOptions {
  /** OpenCL's loader library; by default the system's. `ACCELMETER_OPENCL_LIBRARY`. */
  readonly openclLibrary?: string | undefined;
  /** NVIDIA's management library; by default the driver's. `ACCELMETER_NVML_LIBRARY`. */
  readonly nvmlLibrary?: string | undefined;
  /** The CUDA driver's library; by default the system's. `ACCELMETER_CUDA_LIBRARY`. */
  readonly cudaLibrary?: string | undefined;
  /** CUDA's profiling library; by default the toolkit's. `ACCELMETER_CUPTI_LIBRARY`. */
  readonly cuptiLibrary?: string | undefined;
  /** A library in place of macOS' frameworks. `ACCELMETER_METAL_LIBRARY`. */
  readonly metalLibrary?: string | undefined;
  /**
   * Whether what NVIDIA's driver tells of its GPUs is read: always, never, or, which is `auto`, where this process uses
   * them or was started to look at them. `ACCELMETER_DEVICE_METRICS`.
   */
  readonly deviceMetrics?: DeviceMetrics;
  /**
   * True under `register`: initialising drivers that the program may never use costs it start-up time and memory,
   * so a backend waits until the program itself has used the device.
   */
  readonly lazy: boolean;
}

export interface Backend {
  readonly name: BackendName;
  /** Throws a ProbeError: `absent` where the machine lacks it, which is not a fault. */
  open(host: Host): Session | Promise<Session>;
}
