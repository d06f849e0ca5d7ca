/** `accelmeter devices`: the devices of this machine, one after another. */
import type { DeviceIdentity } from '../backend.ts';
import { asJson, deviceHeading, onThisMachine } from './machine.ts';
import { printable } from './terminal.ts';

export interface DevicesOptions {
  /** Print an array of `DeviceIdentity`. */
  readonly json?: boolean;
}

export function devices({ json = false }: DevicesOptions): Promise<void> {
  return onThisMachine(({ state }) => {
    const identities = Array.from(state.profiles.values(), ({ identity }) => identity);
    process.stdout.write(json ? asJson(identities) : identities.map(describe).join(''));
  });
}

function describe(identity: DeviceIdentity): string {
  const { backend, type, name, vendor, driverVersion, pciAddress, migProfile, parent, id } = identity;
  const facts = [
    ...[type, vendor, driverVersion && `driver ${driverVersion}`, pciAddress && `PCI ${pciAddress}`],
    migProfile && `MIG ${migProfile} of ${parent}`,
  ].filter((fact) => fact);
  return `${deviceHeading(backend, name)}\n  ${printable(facts.join(', '))}\n  ${printable(id)}\n`;
}
