/** What every backend must do, whatever machine it stands on. */
import { describe, expect, it } from 'vitest';
import type { Activity } from '../src/activity.ts';
import type { Backend, DeviceAbilities, DeviceIdentity, Host, Session } from '../src/backend.ts';
import { catalogue, type DevicePoint, type Metric, type ProcessPoint } from '../src/catalogue.ts';

/** A host that keeps what it is told. */
export interface RecordingHost extends Host {
  readonly devices: Map<string, DeviceIdentity>;
  /** What only the devices of the backend can do. */
  readonly abilities: Map<string, DeviceAbilities>;
  readonly activities: { readonly device: string; readonly activity: Activity }[];
}

export function recordingHost(options: Partial<Host['options']> = {}): RecordingHost {
  const devices = new Map<string, DeviceIdentity>();
  const abilities = new Map<string, DeviceAbilities>();
  const activities: { device: string; activity: Activity }[] = [];
  return {
    hostId: 'test-host',
    options: { lazy: false, ...options },
    devices,
    abilities,
    activities,
    addDevice(identity, own) {
      devices.set(identity.id, identity);
      if (own) abilities.set(identity.id, own);
      return { deliver: (activity) => void activities.push({ device: identity.id, activity }) };
    },
    removeDevice: (id) => void devices.delete(id),
  };
}

/** The suite. `open` gives a fresh session on a fresh host at each call. */
export function conforms(backend: Backend, options: Partial<Host['options']> = {}): void {
  const withSession = async (look: (session: Session, host: RecordingHost) => void | Promise<void>) => {
    const host = recordingHost(options);
    const session = await backend.open(host);
    try {
      await look(session, host);
    } finally {
      session.close();
    }
  };

  describe(`the ${backend.name} backend`, () => {
    it('reports devices under ids of their own, named and numbered', () =>
      withSession((_, { devices }) => {
        expect(devices.size).toBeGreaterThan(0);
        const identities = [...devices.values()];
        expect(new Set(identities.map(({ index }) => index)).size).toBe(identities.length);
        for (const { backend: name, id } of identities) expect([name, id.trim()]).toEqual([backend.name, id]);
        for (const identity of identities) expect(identity.name.trim()).not.toBe('');
      }));

    it('gives the same ids when opened again', () =>
      withSession((_, first) =>
        withSession((__, second) => expect([...second.devices.keys()]).toEqual([...first.devices.keys()])),
      ));

    it('says of each source whether it delivers, and why', () =>
      withSession((session) => {
        expect(session.sources().length).toBeGreaterThan(0);
        for (const source of session.sources()) {
          expect(source.name).toMatch(/^[a-z_]+$/);
          expect(source.detail.trim()).not.toBe('');
        }
      }));

    it('samples only readings of the catalogue, of devices it reported, with their attributes and finite values', () =>
      withSession((session, { devices }) => {
        const sample = session.sample?.() ?? { devices: [] };
        for (const { device, readings, utilization } of sample.devices) {
          expect(devices.has(device)).toBe(true);
          for (const reading of readings) checkPoint(reading, 'device');
          if (utilization !== undefined) expect(utilization).toBeGreaterThanOrEqual(0);
          if (utilization !== undefined) expect(utilization).toBeLessThanOrEqual(1);
        }
        for (const point of sample.process ?? []) checkPoint(point, 'process');
      }));

    it('can be drained when nothing waits, and closed while it is open elsewhere', () =>
      withSession((session) =>
        withSession((other) => {
          expect(session.drain?.(0.01) ?? false).toBe(false);
          expect(other.drain?.(0.01) ?? false).toBe(false);
        }),
      ));
  });
}

function checkPoint(point: DevicePoint | ProcessPoint, about: string): void {
  const metric: Metric = catalogue[point.name];
  expect(metric, point.name).toMatchObject({ about, from: 'reading' });
  expect(metric.instrument === 'histogram', point.name).toBe('distribution' in point);
  if ('value' in point) expect(Number.isFinite(point.value), `${point.name} is ${point.value}`).toBe(true);
  const keys = Object.keys(point.attributes ?? {});
  expect(keys).toEqual(expect.arrayContaining([...metric.attributes]));
  expect([...metric.attributes, ...(metric.optional ?? [])]).toEqual(expect.arrayContaining(keys));
}
