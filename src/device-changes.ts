/** Tells who listens that a device went away, and that it came back. The first time a device appears is no change. */
import type { DeviceIdentity } from './backend.ts';
import { Listeners } from './listeners.ts';

export interface DeviceChange {
  readonly device: DeviceIdentity;
  readonly state: 'lost' | 'recovered';
  /** ISO 8601, in UTC. */
  readonly at: string;
}

/** Devices that left and are remembered; of more the oldest is forgotten, and would come back as a new one. */
const mostLost = 256;

export class DeviceChanges {
  readonly #listeners = new Listeners<DeviceChange>('devices');
  readonly #lost = new Set<string>();

  /** Returns the off-switch. A listener that fails is warned of once. */
  on(listener: (change: DeviceChange) => void): () => void {
    return this.#listeners.on(listener);
  }

  appeared(device: DeviceIdentity): void {
    if (this.#lost.delete(device.id)) this.#tell(device, 'recovered');
  }

  left(device: DeviceIdentity): void {
    this.#lost.add(device.id);
    const [oldest] = this.#lost;
    if (oldest !== undefined && this.#lost.size > mostLost) this.#lost.delete(oldest);
    this.#tell(device, 'lost');
  }

  #tell(device: DeviceIdentity, state: DeviceChange['state']): void {
    this.#listeners.tell(Object.freeze({ device, state, at: new Date().toISOString() }));
  }
}
