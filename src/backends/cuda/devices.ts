/** The devices that the profiler has been told of, by their UUIDs. */
import type { ActivitySink } from '../../activity.ts';
import type { DeviceIdentity, Host } from '../../backend.ts';

export interface Roster {
  /** Where the work of a device goes, by its UUID. One that is not known yet is reported as far as it is known. */
  sinkOf(uuid: string): ActivitySink;
  readonly devices: ReadonlyMap<string, DeviceIdentity>;
}

export function createRoster(host: Host): Roster {
  const devices = new Map<string, DeviceIdentity>();
  const sinks = new Map<string, ActivitySink>();

  function add(identity: DeviceIdentity): ActivitySink {
    const sink = host.addDevice(identity);
    devices.set(identity.id, identity);
    sinks.set(identity.id, sink);
    return sink;
  }

  return {
    devices,
    sinkOf(uuid) {
      const index = devices.size;
      return sinks.get(uuid) ?? add({ id: uuid, backend: 'cuda', type: 'gpu', name: 'NVIDIA GPU', index });
    },
  };
}
