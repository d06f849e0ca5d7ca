/** The devices that the profiler has been told of, by their handles. */
import type { ActivitySink } from '../../activity.ts';
import type { DeviceIdentity, Host } from '../../backend.ts';
import { describeDevice, freeMemoryOf, type OpenclDevice } from './devices.ts';
import { deviceQuery, type OpenCL, platformQuery } from './driver.ts';

export interface Roster {
  readonly devices: readonly OpenclDevice[];
  /** Names of the platforms whose devices are known. */
  readonly platforms: readonly string[];
  /** The id under which the device of a handle was reported. */
  idOf(handle: bigint): string | undefined;
  /** Bytes of a device's memory that are free; `undefined` where its driver does not tell. */
  freeMemoryOf(device: OpenclDevice): number | undefined;
  /** Reports every device of every platform; drivers that no program uses are initialised by this. */
  addAll(): void;
  /**
   * Where the work of a device goes. A device that is not known yet is reported, with the others of its platform; one
   * that cannot be asked about is reported as it is, so that no work is lost.
   */
  sinkOf(handle: bigint): ActivitySink;
}

/** `open` gives OpenCL's queries, and is called when they are first needed. */
export function createRoster(host: Host, open: () => OpenCL): Roster {
  const devices: OpenclDevice[] = [];
  const platforms: string[] = [];
  const sinks = new Map<bigint, ActivitySink>();
  const ids = new Map<bigint, string>();
  let opened: OpenCL | undefined;

  function opencl(): OpenCL {
    opened ??= open();
    return opened;
  }

  function add(handle: bigint, place: { platform: number; device: number }): void {
    if (sinks.has(handle)) return;
    const device = describeDevice(opencl(), handle, { ...place, index: devices.length, hostId: host.hostId });
    sinks.set(handle, host.addDevice(device.identity));
    ids.set(handle, device.identity.id);
    // Two platforms can offer the same GPU: it is one device.
    if (!devices.some(({ identity }) => identity.id === device.identity.id)) devices.push(device);
  }

  function addPlatform(platform: bigint, number: number): void {
    const handles = opencl().devices(platform);
    if (handles.length > 0) platforms.push(opencl().platformText(platform, platformQuery.name));
    handles.forEach((handle, device) => {
      add(handle, { platform: number, device });
    });
  }

  /** Its platform's devices, and the device itself where its driver does not list it. */
  function addWithPlatform(handle: bigint): void {
    const all = opencl().platforms();
    const platform = opencl().deviceNumber(handle, deviceQuery.platform);
    const number = all.indexOf(platform);
    addPlatform(platform, number);
    add(handle, { platform: number, device: opencl().devices(platform).length });
  }

  function addUnknown(handle: bigint): ActivitySink {
    const index = devices.length;
    const id = `${host.hostId}:opencl:unknown-${sinks.size}`;
    const identity: DeviceIdentity = { id, backend: 'opencl', type: 'accelerator', name: 'OpenCL device', index };
    devices.push({ handle, identity, memoryBytes: undefined, tellsFreeMemory: false });
    const sink = host.addDevice(identity);
    sinks.set(handle, sink);
    ids.set(handle, id);
    return sink;
  }

  return {
    devices,
    platforms,
    idOf: (handle) => ids.get(handle),
    freeMemoryOf: (device) => (device.tellsFreeMemory ? freeMemoryOf(opencl(), device) : undefined),
    addAll() {
      opencl().platforms().forEach(addPlatform);
    },
    sinkOf(handle) {
      const known = sinks.get(handle);
      if (known) return known;
      try {
        addWithPlatform(handle);
      } catch {
        // Its work is real whatever its driver says of it: below it is reported without a name.
      }
      return sinks.get(handle) ?? addUnknown(handle);
    },
  };
}
