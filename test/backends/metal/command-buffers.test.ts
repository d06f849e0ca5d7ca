/** Command buffers that a program gives, against a stub of macOS' libraries: nothing here has run on a Mac. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scratchFolder } from '../../native/compile.ts';
import { lacks } from '../../parts.ts';
import { nothingHeld, openMetalStub } from '../../stubs/metal/open.ts';
import { openMetalService } from '../../stubs/metal/service.ts';
import { kernelsOf, readingOf, sourceOf, withMetal } from './on-stub.ts';

const m1 = 'device 4294968317';
const eGpu = 'device 4294968003';

describe.skipIf(lacks('cc'))('on a stub of macOS', () => {
  const stub = lacks('cc') ? undefined : openMetalStub(scratchFolder());
  if (!stub) return;
  const { apply, load, path } = stub;

  beforeEach(() => load('apple-silicon'));
  // Whatever a test did: every reference given back, every pool drained.
  afterEach(() => expect(stub.held()).toEqual(nothingHeld));

  describe('command buffers', () => {
    it('that have ended are read at once: duration, wait, and when it was', () =>
      withMetal(stub, ['apple-silicon'], ({ device, host, service, session }) => {
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
        // The stub's system takes 1 µs to schedule a buffer, and the GPU takes it up 50 µs after that.
        expect(sourceOf(session, 'metal_command_buffers')).toMatchObject({
          ...{ up: true, dropped: 0 },
          detail:
            'kernels of the command buffers that the program gives; 1.0 µs of a wait are the system’s scheduling, on average',
        });
      }));

    it('that have not are followed until they have, also when the program lets go of them', () =>
      withMetal(stub, ['apple-silicon', m1, 'gpu-us 200000'], async ({ device, host, service, session }) => {
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
        expect(readingOf(session, 'accelmeter.device.queue.depth')).toBe(1);
        await sleep(250);
        session.drain?.(1);
        expect(kernelsOf(host)).toMatchObject([{ name: 'blur', duration: expect.closeTo(0.2, 6) }]);
        expect(readingOf(session, 'accelmeter.device.queue.depth')).toBe(0);
      }));

    it.each([
      [1, 'internal'],
      [2, 'timeout'],
      [3, 'page_fault'],
      [8, 'out_of_memory'],
      [99, 'metal_99'],
    ])('that fail with %i are failures of the type %s', (code, type) =>
      withMetal(stub, ['apple-silicon', m1, `error ${code}`], ({ device, host, service }) => {
        const before = performance.now() / 1000;
        const commands = service.commandBuffer();
        service.run(commands);
        device.observeCommandBuffer(commands, 'blur');
        expect(kernelsOf(host)).toMatchObject([{ name: 'blur', failed: type }]);
        // It has no times: it is told of when it was seen, not when the machine was started.
        const [activity] = kernelsOf(host);
        expect(activity?.kind === 'kernel' && activity.start).toBeGreaterThanOrEqual(before);
        expect(activity?.kind === 'kernel' && activity.start).toBeLessThanOrEqual(performance.now() / 1000);
      }),
    );

    it('that are waited for at the end are all told', () =>
      withMetal(stub, ['apple-silicon', m1, 'gpu-us 5000'], ({ device, host, service, session }) => {
        for (let i = 0; i < 10; i++) {
          const commands = service.commandBuffer();
          device.observeCommandBuffer(commands, `k${i}`);
          service.commit(commands);
        }
        device.observeCommandBuffer(service.commandBuffer(), 'never committed');
        const from = performance.now();
        session.settle?.(60);
        expect(performance.now() - from).toBeLessThan(30_000);
        expect(kernelsOf(host)).toHaveLength(10);
      }));

    it('are drained in turn where time is short', () =>
      withMetal(stub, ['apple-silicon'], ({ device, host, service, session }) => {
        expect(session.drain?.(0)).toBe(false);
        for (let i = 0; i < 3; i++) device.observeCommandBuffer(service.commandBuffer(), `open ${i}`);
        const last = service.commandBuffer();
        device.observeCommandBuffer(last, 'ended');
        service.run(last);
        for (let i = 0; i < 4; i++) session.drain?.(0);
        expect(kernelsOf(host)).toMatchObject([{ name: 'ended' }]);
      }));

    it('that are never committed are given up: a queue has room for 64, and the program needs them', () =>
      withMetal(stub, ['apple-silicon'], ({ device, service, session }) => {
        // More than a queue has room for: the stub ends the process where a further one would wait for ever.
        for (let i = 0; i < 200; i++) {
          const commands = service.commandBuffer();
          expect(device.observeCommandBuffer(commands, 'never')).toBe(true);
          service.release(commands);
        }
        expect(sourceOf(session, 'metal_command_buffers')?.dropped).toBe(200 - 16);
      }));

    it('are not measured where they are none, of another device, nil, or of Metal 4', () =>
      withMetal(stub, ['intel'], ({ host, device, service }) => {
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
        const passes = { samples: 5n, names: ['a'] };
        for (const wrong of [
          { samples: 5 },
          { names: 'a' },
          { names: [1] },
          { names: [] },
          { first: -1 },
          { first: 0.5 },
        ] as never[]) {
          const observing = () => device.observeCommandBuffer(commands, 'k', { ...passes, ...(wrong as object) });
          expect(observing).toThrow(TypeError);
        }
      }));

    it('that ended without times are counted, and are no execution of 0 s', () =>
      withMetal(stub, ['apple-silicon'], ({ device, host, service, session }) => {
        const commands = service.commandBuffer();
        service.run(commands);
        apply('nil GPUStartTime');
        device.observeCommandBuffer(commands, 'k');
        expect(kernelsOf(host)).toEqual([]);
        expect(sourceOf(session, 'metal_command_buffers')?.dropped).toBe(1);
      }));

    it('are left alone while paused, and after the end', () =>
      withMetal(stub, ['apple-silicon'], ({ device, host, service, session }) => {
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
      withMetal(stub, ['intel', eGpu, 'gpu-us 1000000'], ({ host, session }) => {
        const third = openMetalService(path, 2);
        const commands = third.commandBuffer();
        host.abilities.get('test-host:metal:2')?.metal?.observeCommandBuffer(commands, 'k');
        third.commit(commands);
        apply(eGpu, 'removed yes');
        session.sample?.();
        expect(kernelsOf(host)).toMatchObject([{ name: 'k', failed: 'device_removed' }]);
        third.close();
      }));
  });

  describe('timestamps of passes', () => {
    it('make each pass an execution, in place of the buffer', () =>
      withMetal(stub, ['apple-silicon', m1, 'gpu-us 10000'], async ({ device, host, service }) => {
        await sleep(50); // two looks at the GPU's clock
        const { commands, samples } = service.timedCommandBuffer(2);
        service.run(commands);
        const passes = { samples, names: ['matmul', 'softmax'] };
        device.observeCommandBuffer(commands, 'both', passes);
        passes.names.pop(); // the program's own
        const [matmul, softmax] = kernelsOf(host);
        expect(matmul).toMatchObject({ name: 'matmul', duration: expect.closeTo(5e-3, 3) });
        expect(softmax).toMatchObject({ name: 'softmax', duration: expect.closeTo(2.5e-3, 3), wait: undefined });
        if (matmul?.kind !== 'kernel' || softmax?.kind !== 'kernel') return;
        expect(softmax.start - matmul.start).toBeCloseTo(5e-3, 3);
      }));

    it('that cannot be read leave the buffer as a whole', () =>
      withMetal(stub, ['apple-silicon'], async ({ device, host, service }) => {
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
      withMetal(stub, ['apple-silicon'], async ({ device, host, service, session }) => {
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
