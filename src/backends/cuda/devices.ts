/** The devices that the profiler has been told of, by their UUIDs, whether NVML or the tracer knows them. */
import type { ActivitySink } from '../../activity.ts';
import type { DeviceIdentity, Host } from '../../backend.ts';
import type { NvmlDevice } from './inventory.ts';

export interface Roster {
  readonly devices: ReadonlyMap<string, DeviceIdentity>;
  /**
   * Where the work of a device goes, by its UUID. One that NVML does not know is reported as far as it is known. CUDA
   * writes "GPU-" before a MIG instance's UUID as well.
   */
  sinkOf(uuid: string): ActivitySink;
  /** The id under which a device was reported; `undefined` for one that was not. */
  idOf(uuid: string): string | undefined;
  /** These are the devices that NVML knows now; those that it knew and that are not among them have left. */
  update(devices: readonly NvmlDevice[], driverVersion: string | undefined): void;
}

export function createRoster(host: Host): Roster {
  const devices = new Map<string, DeviceIdentity>();
  const sinks = new Map<string, ActivitySink>();
  const ofNvml = new Set<string>();

  function add(identity: DeviceIdentity): ActivitySink {
    const sink = host.addDevice(identity);
    devices.set(identity.id, identity);
    sinks.set(identity.id, sink);
    return sink;
  }

  function idOf(uuid: string): string | undefined {
    if (devices.has(uuid)) return uuid;
    const instance = uuid.replace(/^GPU-/, 'MIG-');
    return devices.has(instance) ? instance : undefined;
  }

  return {
    devices,
    idOf,
    sinkOf(uuid) {
      const known = sinks.get(idOf(uuid) ?? '');
      const identity = { backend: 'cuda', type: 'gpu', name: 'NVIDIA GPU', vendor: 'NVIDIA' } as const;
      return known ?? add({ ...identity, id: uuid, index: freeIndex(devices) });
    },
    update(now, driverVersion) {
      const there = new Set(now.map(({ uuid }) => uuid));
      for (const id of ofNvml) {
        if (there.has(id)) continue;
        for (const known of [ofNvml, devices, sinks]) known.delete(id);
        host.removeDevice(id);
      }
      for (const device of now) {
        if (!ofNvml.has(device.uuid)) add(identityOf(device, driverVersion));
        ofNvml.add(device.uuid);
      }
    },
  };
}

/** Of a device that NVML does not number: after all that have one. */
function freeIndex(devices: ReadonlyMap<string, DeviceIdentity>): number {
  return Math.max(-1, ...Array.from(devices.values(), ({ index }) => index)) + 1;
}

function identityOf(device: NvmlDevice, driverVersion: string | undefined): DeviceIdentity {
  const { uuid, model, index, mig, pciAddress } = device;
  // NVML's name of an instance ends so: "NVIDIA H100 80GB HBM3 MIG 1g.10gb".
  const profile = mig && / MIG (\S+)$/.exec(model)?.[1];
  return {
    id: uuid,
    backend: 'cuda',
    type: 'gpu',
    name: model,
    index,
    vendor: 'NVIDIA',
    ...(driverVersion !== undefined && { driverVersion }),
    ...(mig && { parent: mig.parent }),
    ...(profile !== undefined && { migProfile: profile }),
    ...(pciAddress !== undefined && { pciAddress }),
  };
}
