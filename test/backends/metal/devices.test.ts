/** Metal's GPUs and their state, against a stub of macOS' libraries: nothing here has run on a Mac. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { metal } from '../../../src/backends/metal/index.ts';
import { conforms, recordingHost } from '../../conformance.ts';
import { scratchFolder } from '../../native/compile.ts';
import { lacks } from '../../parts.ts';
import { nothingHeld, openMetalStub } from '../../stubs/metal/open.ts';
import { readingOf, sourceOf, withMetal } from './on-stub.ts';

const m1 = 'device 4294968317';
const eGpu = 'device 4294968003';

describe.skipIf(lacks('cc'))('on a stub of macOS', () => {
  const stub = lacks('cc') ? undefined : openMetalStub(scratchFolder());
  if (!stub) return;
  const { apply, load, path } = stub;
  const options = { metalLibrary: path };

  beforeEach(() => load('apple-silicon'));
  // Whatever a test did: every reference given back, every pool drained.
  afterEach(() => expect(stub.held()).toEqual(nothingHeld));

  conforms(metal, options);

  describe('devices', () => {
    it('of Apple silicon', () =>
      withMetal(stub, ['apple-silicon'], ({ host, device: { properties } }) => {
        expect([...host.devices.values()]).toEqual([
          {
            ...{ id: 'test-host:metal:0', backend: 'metal', type: 'gpu', index: 0 },
            ...{ name: 'Apple M1 Pro', vendor: 'Apple', driverVersion: 'macOS 14.5.0' },
          },
        ]);
        expect(properties).toEqual({
          registryId: '0x1000003fd',
          families: ['apple1', 'apple2', 'apple3', 'apple4', 'apple5', 'apple6', 'apple7'].concat([
            'mac2',
            'common1',
            'common2',
            'common3',
            'metal3',
          ]),
          ...{ unifiedMemory: true, lowPower: false, removable: false, headless: false },
          recommendedMaxWorkingSetBytes: 11453251584,
          maxThreadsPerThreadgroup: { width: 1024, height: 1024, depth: 1024 },
          counterSampling: 'stage',
        });
      }));

    it('of an Intel Mac, each by itself', () =>
      withMetal(stub, ['intel'], ({ host, session }) => {
        const abilities = [...host.abilities.values()].map(({ metal: own }) => own?.properties);
        expect(abilities).toMatchObject([
          { lowPower: true, removable: false, unifiedMemory: true, counterSampling: 'dispatch' },
          { lowPower: false, removable: false, unifiedMemory: false, counterSampling: 'dispatch' },
          { removable: true, headless: true, counterSampling: undefined },
        ]);
        expect([...host.devices.values()].map(({ vendor }) => vendor)).toEqual(['Intel', 'AMD', 'AMD']);
        expect(sourceOf(session, 'metal')?.detail).toContain(
          'Intel(R) UHD Graphics 630 (unified memory, low power, mac2), AMD Radeon Pro 5500M (mac2, metal3), ' +
            'AMD Radeon RX 580 (removable, headless, mac2), macOS 13.6.1',
        );
        const usage = [0, 1, 2].map((i) => readingOf(session, 'hw.gpu.memory.usage', `test-host:metal:${i}`));
        expect(usage).toEqual([1e8, 3e9, 5e7]); // the memory that each has
      }));

    it.each([
      ['no-device', 'absent', /no GPU/],
      ['old', 'unsupported', /macOS 12\.7\.6.*macOS 13/],
    ] as const)('%s: %s', async (scenario, kind, message) => {
      load(scenario);
      const opening = async () => metal.open(recordingHost(options));
      await expect(opening()).rejects.toMatchObject({ kind, message });
    });

    it.each([
      ['macos 16 1 0', 'macOS 26.1.0'], // what macOS 26 tells a process that was built before there was one
      ['macos 26 1 0', 'macOS 26.1.0'],
      ['macos 15 7 1', 'macOS 15.7.1'],
    ])('have the version of their macOS: %s', (line, version) =>
      withMetal(stub, ['apple-silicon', line], ({ host }) => {
        expect(host.devices.get('test-host:metal:0')?.driverVersion).toBe(version);
      }),
    );

    it.each(['MTLCopyAllDevices', 'processInfo', 'objectAtIndex:', 'CFStringCreateWithCString'])(
      'nil from %s is an error or an absence, and holds nothing',
      async (name) => {
        apply(`nil ${name}`);
        const open = async () => (await metal.open(recordingHost(options))).close();
        await open().catch((error) => expect(error.name).toBe('ProbeError'));
        apply('nil none');
      },
    );

    it('that Metal cannot be asked for elsewhere: absent', async () => {
      if (process.platform === 'darwin') return;
      const opening = async () => metal.open(recordingHost());
      await expect(opening()).rejects.toMatchObject({ kind: 'absent', message: 'Metal is a part of macOS' });
    });

    it('leave when they are unplugged, and are the same when they come back', () =>
      withMetal(stub, ['intel'], ({ host, session }) => {
        const eGpuOf = () => host.abilities.get('test-host:metal:2')?.metal;
        const before = eGpuOf();
        apply(eGpu, 'removed yes');
        expect(session.sample?.().devices.map(({ device }) => device)).not.toContain('test-host:metal:2');
        expect([...host.devices.keys()]).toEqual(['test-host:metal:0', 'test-host:metal:1']);
        expect(() => before?.compile('kernel void k() {}', 'k')).toThrow(/has left/);
        apply(eGpu, 'removed no');
        for (let i = 0; i < 12; i++) session.sample?.();
        expect([...host.devices.keys()]).toContain('test-host:metal:2');
        expect(eGpuOf()).not.toBe(before);
      }));

    it('are not given up because the registry has no service of theirs', () =>
      withMetal(stub, ['no-statistics'], ({ host, session }) => {
        session.sample?.();
        expect(host.devices.size).toBe(1);
        expect(sourceOf(session, 'io_accelerator')).toMatchObject({ up: false, detail: /no PerformanceStatistics/ });
      }));
  });

  describe('readings', () => {
    it('are what the driver and macOS tell', () =>
      withMetal(stub, ['apple-silicon'], ({ session }) => {
        const { devices } = session.sample?.() ?? { devices: [] };
        expect(devices).toEqual([
          {
            device: 'test-host:metal:0',
            readings: [
              { name: 'hw.gpu.utilization', value: 0.37 },
              { name: 'hw.gpu.memory.limit', value: 11453251584 },
              { name: 'hw.gpu.memory.usage', value: 1200357376 },
              { name: 'hw.gpu.memory.utilization', value: 1200357376 / 11453251584 },
              { name: 'accelmeter.device.process.memory', value: 1048576 },
              { name: 'accelmeter.device.thermal.state', value: 0 },
              { name: 'accelmeter.device.queue.depth', value: 0 },
            ],
          },
        ]);
        apply('thermal 2', m1, 'utilization 100');
        expect(readingOf(session, 'accelmeter.device.thermal.state')).toBe(2);
        expect(readingOf(session, 'hw.gpu.utilization')).toBe(1);
      }));

    it.each([
      ['utilization -1', 'hw.gpu.utilization'],
      ['utilization 101', 'hw.gpu.utilization'],
      ['in-use -1', 'hw.gpu.memory.usage'],
    ] as const)('that are not told are absent: %s', (line, name) =>
      withMetal(stub, ['apple-silicon', m1, line], ({ session }) => expect(readingOf(session, name)).toBeUndefined()),
    );

    it.each([
      ['thermal 4', 'accelmeter.device.thermal.state'],
      ['nil PerformanceStatistics', 'hw.gpu.utilization'],
      ['nil IORegistryEntryIDMatching', 'hw.gpu.utilization'],
    ] as const)('that are no answer are absent: %s', (line, name) =>
      withMetal(stub, ['apple-silicon'], ({ session }) => {
        apply(line);
        expect(readingOf(session, name)).toBeUndefined();
        expect(readingOf(session, 'hw.gpu.memory.limit')).toBeDefined();
      }),
    );

    it('of AMD’s GPUs have what their drivers tell, by either key', () =>
      withMetal(stub, ['intel'], ({ session }) => {
        const { devices } = session.sample?.() ?? { devices: [] };
        const [intel, internal, external] = devices.map(({ readings }) => readings);
        expect(internal).toEqual([
          { name: 'hw.gpu.utilization', value: 0.8 }, // "Device Utilization %" where a driver tells both
          { name: 'hw.gpu.memory.limit', value: 4278190080 },
          { name: 'hw.gpu.memory.usage', value: 3e9 },
          { name: 'hw.gpu.memory.utilization', value: 3e9 / 4278190080 },
          { name: 'accelmeter.device.process.memory', value: 0 },
          { name: 'hw.temperature', value: 61, attributes: { 'hw.sensor_location': 'core' } },
          { name: 'hw.power', value: 24 },
          { name: 'accelmeter.device.clock', value: 1.3e9, attributes: { 'accelmeter.clock.domain': 'graphics' } },
          { name: 'accelmeter.device.clock', value: 1.5e9, attributes: { 'accelmeter.clock.domain': 'memory' } },
          { name: 'accelmeter.device.thermal.state', value: 1 },
          { name: 'accelmeter.device.queue.depth', value: 0 },
        ]);
        expect(external).toContainEqual({ name: 'hw.gpu.utilization', value: 0.12 }); // "GPU Activity(%)"
        expect(external).toContainEqual({ name: 'hw.gpu.memory.usage', value: 5e7 }); // "inUseVidMemoryBytes"
        expect(external).toContainEqual({ name: 'hw.power', value: 0 });
        expect(external?.map(({ name }) => name)).not.toContain('hw.temperature'); // 0 °C is a sensor that was not read
        for (const name of ['hw.temperature', 'hw.power', 'accelmeter.device.clock']) {
          expect(intel?.map((each) => each.name)).not.toContain(name);
        }
      }));

    const unread = /of Apple’s and Intel’s are not read: macOS tells them to root only/;

    it('do not have what macOS does not give, and the source says so', () =>
      withMetal(stub, ['apple-silicon'], ({ session }) => {
        expect(sourceOf(session, 'metal')?.detail).toMatch(unread);
        for (const name of ['hw.temperature', 'hw.power', 'accelmeter.device.clock'] as const) {
          expect(readingOf(session, name)).toBeUndefined();
        }
      }));

    it('are not said to be missing where all GPUs are of AMD’s', () =>
      withMetal(stub, ['apple-silicon', m1, 'name AMD Radeon Pro Vega II'], ({ session }) =>
        expect(sourceOf(session, 'metal')?.detail).not.toMatch(unread),
      ));
  });
});
