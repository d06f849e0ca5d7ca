/** The Metal backend against a stub of macOS' libraries: nothing here has run on a Mac. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Session } from '../../../src/backend.ts';
import { metal } from '../../../src/backends/metal/index.ts';
import type { MetalDevice } from '../../../src/metal-device.ts';
import { conforms, type RecordingHost, recordingHost } from '../../conformance.ts';
import { scratchFolder } from '../../native/compile.ts';
import { lacks } from '../../parts.ts';
import { nothingHeld, openMetalStub, type Scenario } from '../../stubs/metal/open.ts';
import { type MetalService, openMetalService } from '../../stubs/metal/service.ts';

const m1 = 'device 4294968317';
const eGpu = 'device 4294968003';

interface Opened {
  readonly session: Session;
  readonly host: RecordingHost;
  /** The first device. */
  readonly device: MetalDevice;
  readonly service: MetalService;
}

describe.skipIf(lacks('cc'))('on a stub of macOS', () => {
  const stub = lacks('cc') ? undefined : openMetalStub(scratchFolder());
  if (!stub) return;
  const { apply, load, path } = stub;
  const options = { metalLibrary: path };

  beforeEach(() => load('apple-silicon'));
  // Whatever a test did: every reference given back, every pool drained.
  afterEach(() => expect(stub.held()).toEqual(nothingHeld));

  conforms(metal, options);

  async function withMetal(scenario: Scenario, look: (opened: Opened) => unknown, lines: string[] = []) {
    load(scenario);
    apply(...lines);
    const host = recordingHost(options);
    const session = await metal.open(host);
    const [first] = host.abilities.values();
    if (!first?.metal) throw new Error('the device has nothing of Metal');
    const service = openMetalService(path);
    try {
      await look({ session, host, device: first.metal, service });
    } finally {
      session.close();
      service.close();
      apply('nil none', 'lacks none');
    }
  }
  const kernelsOf = ({ activities }: RecordingHost) => activities.map(({ activity }) => activity);
  const readingOf = (session: Session, name: string, device = 'test-host:metal:0') =>
    session
      .sample?.()
      .devices.find((each) => each.device === device)
      ?.readings.find((reading) => reading.name === name);
  const sourceOf = (session: Session, name: string) => session.sources().find((source) => source.name === name);

  describe('devices', () => {
    it('of Apple silicon', () =>
      withMetal('apple-silicon', ({ host, device: { properties } }) => {
        expect([...host.devices.values()]).toEqual([
          {
            ...{ id: 'test-host:metal:0', backend: 'metal', type: 'gpu', index: 0 },
            ...{ name: 'Apple M1 Pro', vendor: 'Apple', driverVersion: 'macOS 14.5.0' },
          },
        ]);
        expect(properties).toEqual({
          registryId: 4294968317n,
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
      withMetal('intel', ({ host, session }) => {
        const abilities = [...host.abilities.values()].map(({ metal: own }) => own?.properties);
        expect(abilities).toMatchObject([
          { lowPower: true, removable: false, unifiedMemory: true, counterSampling: 'dispatch' },
          { lowPower: false, removable: false, unifiedMemory: false, counterSampling: 'dispatch' },
          { removable: true, headless: true, counterSampling: undefined },
        ]);
        expect([...host.devices.values()].map(({ vendor }) => vendor)).toEqual(['Intel', 'AMD', 'AMD']);
        const usage = [0, 1, 2].map((i) => readingOf(session, 'hw.gpu.memory.usage', `test-host:metal:${i}`)?.value);
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
      withMetal('intel', ({ host, session }) => {
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
      withMetal('no-statistics', ({ host, session }) => {
        session.sample?.();
        expect(host.devices.size).toBe(1);
        expect(sourceOf(session, 'io_accelerator')).toMatchObject({ up: false, detail: /no PerformanceStatistics/ });
      }));
  });

  describe('readings', () => {
    it('are what the driver and macOS tell', () =>
      withMetal('apple-silicon', ({ session }) => {
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
        expect(readingOf(session, 'accelmeter.device.thermal.state')?.value).toBe(2);
        expect(readingOf(session, 'hw.gpu.utilization')?.value).toBe(1);
      }));

    it.each([
      ['utilization -1', 'hw.gpu.utilization'],
      ['utilization 101', 'hw.gpu.utilization'],
      ['in-use -1', 'hw.gpu.memory.usage'],
    ])('that are not told are absent: %s', (line, name) =>
      withMetal('apple-silicon', ({ session }) => expect(readingOf(session, name)).toBeUndefined(), [m1, line]),
    );

    it.each([
      ['thermal 4', 'accelmeter.device.thermal.state'],
      ['nil PerformanceStatistics', 'hw.gpu.utilization'],
      ['nil IORegistryEntryIDMatching', 'hw.gpu.utilization'],
    ])('that are no answer are absent: %s', (line, name) =>
      withMetal('apple-silicon', ({ session }) => {
        apply(line);
        expect(readingOf(session, name)).toBeUndefined();
        expect(readingOf(session, 'hw.gpu.memory.limit')).toBeDefined();
      }),
    );

    it('do not have what macOS does not give, and the source says so', () =>
      withMetal('apple-silicon', ({ session }) => {
        expect(sourceOf(session, 'metal')?.detail).toMatch(
          /power, temperature and clocks are not read: macOS tells them to root only/,
        );
        expect(readingOf(session, 'hw.temperature')).toBeUndefined();
      }));
  });

  describe('command buffers', () => {
    it('that have ended are read at once: duration, wait, and when it was', () =>
      withMetal('apple-silicon', ({ device, host, service, session }) => {
        const before = performance.now() / 1000;
        const commands = service.commandBuffer();
        service.run(commands);
        expect(device.observeCommandBuffer(commands, 'blur')).toBe(true);
        const [activity] = kernelsOf(host);
        expect(activity).toMatchObject({ kind: 'kernel', name: 'blur', failed: undefined });
        if (activity?.kind !== 'kernel') return;
        expect(activity.duration).toBeCloseTo(200e-6, 7);
        expect(activity.wait).toBeCloseTo(51e-6, 6);
        expect(activity.start).toBeGreaterThan(before);
        expect(activity.start).toBeLessThan(performance.now() / 1000);
        expect(sourceOf(session, 'metal_command_buffers')).toMatchObject({ up: true, dropped: 0 });
      }));

    it('that have not are followed until they have, also when the program lets go of them', () =>
      withMetal(
        'apple-silicon',
        async ({ device, host, service, session }) => {
          const commands = service.commandBuffer();
          expect(sourceOf(session, 'metal_command_buffers')).toMatchObject({
            up: false,
            remedy: /observeCommandBuffer/,
          });
          expect(device.observeCommandBuffer(commands, 'blur')).toBe(true);
          expect(device.observeCommandBuffer(commands, 'blur')).toBe(true); // counts once
          service.commit(commands);
          service.release(commands);
          expect(session.drain?.(1)).toBe(false);
          expect(kernelsOf(host)).toEqual([]);
          expect(readingOf(session, 'accelmeter.device.queue.depth')?.value).toBe(1);
          await sleep(250);
          session.drain?.(1);
          expect(kernelsOf(host)).toMatchObject([{ name: 'blur', duration: expect.closeTo(0.2, 6) }]);
          expect(readingOf(session, 'accelmeter.device.queue.depth')?.value).toBe(0);
        },
        [m1, 'gpu-us 200000'],
      ));

    it.each([
      [1, 'internal'],
      [2, 'timeout'],
      [3, 'page_fault'],
      [8, 'out_of_memory'],
      [99, 'metal_99'],
    ])('that fail with %i are failures of the type %s', (code, type) =>
      withMetal(
        'apple-silicon',
        ({ device, host, service }) => {
          const commands = service.commandBuffer();
          service.run(commands);
          device.observeCommandBuffer(commands, 'blur');
          expect(kernelsOf(host)).toMatchObject([{ name: 'blur', failed: type }]);
        },
        [m1, `error ${code}`],
      ),
    );

    it('that are waited for at the end are all told', () =>
      withMetal(
        'apple-silicon',
        ({ device, host, service, session }) => {
          for (let i = 0; i < 10; i++) {
            const commands = service.commandBuffer();
            device.observeCommandBuffer(commands, `k${i}`);
            service.commit(commands);
          }
          session.settle?.(5);
          expect(kernelsOf(host)).toHaveLength(10);
        },
        [m1, 'gpu-us 5000'],
      ));

    it('are drained in turn where time is short', () =>
      withMetal('apple-silicon', ({ device, host, service, session }) => {
        expect(session.drain?.(0)).toBe(false);
        for (let i = 0; i < 3; i++) device.observeCommandBuffer(service.commandBuffer(), `open ${i}`);
        const last = service.commandBuffer();
        device.observeCommandBuffer(last, 'ended');
        service.run(last);
        for (let i = 0; i < 4; i++) session.drain?.(0);
        expect(kernelsOf(host)).toMatchObject([{ name: 'ended' }]);
      }));

    it('that are never committed are given up: a queue has room for 64, and the program needs them', () =>
      withMetal('apple-silicon', ({ device, service, session }) => {
        // More than a queue has room for: the stub ends the process where a further one would wait for ever.
        for (let i = 0; i < 200; i++) {
          const commands = service.commandBuffer();
          expect(device.observeCommandBuffer(commands, 'never')).toBe(true);
          service.release(commands);
        }
        expect(sourceOf(session, 'metal_command_buffers')?.dropped).toBe(200 - 16);
      }));

    it('are not measured where they are none, of another device, nil, or of Metal 4', () =>
      withMetal('intel', ({ host, device, service }) => {
        const other = host.abilities.get('test-host:metal:1')?.metal;
        const commands = service.commandBuffer();
        service.run(commands);
        expect(other?.observeCommandBuffer(commands, 'k')).toBe(false);
        expect(device.observeCommandBuffer(service.device, 'k')).toBe(false);
        expect(device.observeCommandBuffer(0n, 'k')).toBe(false);
        expect(device.observeCommandBuffer(null, 'k')).toBe(false);
        apply('lacks GPUStartTime');
        expect(device.observeCommandBuffer(commands, 'k')).toBe(false);
        apply('lacks none');
        expect(kernelsOf(host)).toEqual([]);
        expect(() => device.observeCommandBuffer(5 as never, 'k')).toThrow(TypeError);
        expect(() => device.observeCommandBuffer(commands, undefined as never)).toThrow(TypeError);
      }));

    it('that ended without times are counted, and are no execution of 0 s', () =>
      withMetal('apple-silicon', ({ device, host, service, session }) => {
        const commands = service.commandBuffer();
        service.run(commands);
        apply('nil GPUStartTime');
        device.observeCommandBuffer(commands, 'k');
        expect(kernelsOf(host)).toEqual([]);
        expect(sourceOf(session, 'metal_command_buffers')?.dropped).toBe(1);
      }));

    it('are left alone while paused, and after the end', () =>
      withMetal('apple-silicon', ({ device, host, service, session }) => {
        device.observeCommandBuffer(service.commandBuffer(), 'before');
        session.pause?.();
        session.drain?.(1);
        const commands = service.commandBuffer();
        service.run(commands);
        expect(device.observeCommandBuffer(commands, 'k')).toBe(false);
        session.resume?.();
        expect(device.observeCommandBuffer(commands, 'k')).toBe(true);
        session.close();
        expect(device.observeCommandBuffer(commands, 'k')).toBe(false);
        expect(kernelsOf(host)).toMatchObject([{ name: 'k' }]);
      }));

    it('of a device that is unplugged fail, and those that wait are given back', () =>
      withMetal(
        'intel',
        ({ host, session }) => {
          const third = openMetalService(path, 2);
          const commands = third.commandBuffer();
          host.abilities.get('test-host:metal:2')?.metal?.observeCommandBuffer(commands, 'k');
          third.commit(commands);
          apply(eGpu, 'removed yes');
          session.sample?.();
          expect(kernelsOf(host)).toMatchObject([{ name: 'k', failed: 'device_removed' }]);
          third.close();
        },
        [eGpu, 'gpu-us 1000000'],
      ));
  });

  describe('timestamps of passes', () => {
    it('make each pass an execution, in place of the buffer', () =>
      withMetal(
        'apple-silicon',
        async ({ device, host, service }) => {
          await sleep(50); // two looks at the GPU's clock
          const { commands, samples } = service.timedCommandBuffer(2);
          service.run(commands);
          device.observeCommandBuffer(commands, 'both', { samples, names: ['matmul', 'softmax'] });
          const [matmul, softmax] = kernelsOf(host);
          expect(matmul).toMatchObject({ name: 'matmul', duration: expect.closeTo(5e-3, 3) });
          expect(softmax).toMatchObject({ name: 'softmax', duration: expect.closeTo(2.5e-3, 3), wait: undefined });
          if (matmul?.kind !== 'kernel' || softmax?.kind !== 'kernel') return;
          expect(softmax.start - matmul.start).toBeCloseTo(5e-3, 3);
        },
        [m1, 'gpu-us 10000'],
      ));

    it('that cannot be read leave the buffer as a whole', () =>
      withMetal('apple-silicon', async ({ device, host, service }) => {
        await sleep(50);
        const ended = () => {
          const { commands, samples } = service.timedCommandBuffer(1);
          service.run(commands);
          return { commands, samples };
        };
        const beyond = ended();
        device.observeCommandBuffer(beyond.commands, 'beyond', { samples: beyond.samples, names: ['a', 'b'] });
        const unresolved = ended();
        apply('nil resolveCounterRange:');
        device.observeCommandBuffer(unresolved.commands, 'unresolved', { samples: unresolved.samples, names: ['a'] });
        apply('nil none');
        expect(kernelsOf(host)).toMatchObject([{ name: 'beyond' }, { name: 'unresolved' }]);
        const none = ended();
        expect(device.observeCommandBuffer(none.commands, 'k', { samples: none.commands, names: ['a'] })).toBe(false);
      }));

    it('that the GPU did not take are counted, and are no execution', () =>
      withMetal('apple-silicon', async ({ device, host, service, session }) => {
        await sleep(50);
        const { samples } = service.timedCommandBuffer(1);
        const commands = service.commandBuffer();
        service.run(commands);
        device.observeCommandBuffer(commands, 'k', { samples, names: ['never'] }); // its samples were not written
        expect(kernelsOf(host)).toEqual([]);
        expect(sourceOf(session, 'metal_command_buffers')?.dropped).toBe(1);
      }));
  });
});
