import { beforeAll, describe, expect, it } from 'vitest';
import { buildNative } from '../../scripts/build-native.mjs';
import { compileLibrary, scratchFolder } from '../native/compile.ts';
import { lacks } from '../parts.ts';
import { allocations, compilations, lost, type RunOptions, runScenario } from './opencl-program.ts';

describe.skipIf(lacks('pocl', 'cc'))('a program’s', () => {
  const folder = scratchFolder();
  const run = <T>(program: string, name: string, options: Partial<RunOptions> = {}) =>
    runScenario<T>(name, { folder, program, ...options });

  beforeAll(async () => {
    await buildNative({ root: new URL('../..', import.meta.url).pathname });
  });

  describe('memory', () => {
    const account = async <T = number[]>(name: string, environment = {}) => {
      const { result, observed } = await run<T>('opencl-memory.mjs', name, { environment });
      expect(lost(observed)).toBe(0);
      return { result, observed, bytes: allocations(observed).map(({ bytes }) => bytes) };
    };
    const discrete = () => ({ BENEATH: compileLibrary('test/stubs/discrete-device.c', folder) });

    it.each([
      ['is given back with the last reference, also one of a part of it', 'references'],
      ['is that of its images, as large as the driver makes them', 'images'],
      ['is that of its shared allocations, until each is given back', 'sharedMemory'],
      ['is given back once where the program has a destructor of its own', 'destructors'],
      ['is that which was taken while it was not paused', 'paused'],
      ['is held until the end where it is not given back', 'kept'],
    ])('%s', async (_, name) => {
      const { result, bytes } = await account(name);
      expect(bytes).toEqual(result);
    });

    it('is that of its pipes', async () => {
      const { result, bytes } = await account('pipes', discrete());
      expect(bytes).toEqual(result);
    });

    it('is the device’s only where the device has it twice: what the program brings is none on a shared one', async () => {
      expect((await account('programsOwn')).bytes).toEqual([]);
      const { result, bytes } = await account('programsOwn', discrete());
      expect(bytes).toEqual(result);
    });

    it('counts on each device of a context that may have to hold it', async () => {
      const { result, observed } = await account('twoDevices', { POCL_DEVICES: 'pthread basic' });
      for (const id of ['host:opencl:0', 'host:opencl:1']) {
        const own = allocations(observed).filter(({ device }) => device === id);
        expect(own.map(({ bytes }) => bytes)).toEqual(result);
      }
    });

    it('that could not be had is a failure, with its error', async () => {
      const { result, observed } = await account<number>('refused');
      expect(result).toBe(-61);
      expect(allocations(observed).map(({ failed }) => failed)).toEqual([
        'invalid_buffer_size',
        'mem_object_allocation_failure',
      ]);
    });
  });

  describe('builds', () => {
    const failures = new Map([
      [0, undefined],
      [-11, 'build_program_failure'],
      [-15, 'compile_program_failure'],
    ]);

    it.each([
      ['take what the program waited for them', 'atOnce', 3],
      ['are each of their steps', 'inSteps', 3],
      ['with a callback last until that, which gets what the program gave', 'calledBack', 2],
    ])('%s', async (_, name, count) => {
      const { result, observed } = await run<[number, number][]>('opencl-builds.mjs', name);
      const built = compilations(observed);
      expect([result.length, built.length]).toEqual([count, count]);
      for (const [index, [code, seconds]] of result.entries()) {
        expect(built[index]?.failed).toBe(failures.get(code));
        expect(built[index]?.duration).toBeLessThanOrEqual(seconds);
        expect(built[index]?.duration).toBeGreaterThan(seconds - 0.05);
      }
    });

    it('that go on after the call has returned are told when they end', async () => {
      const environment = { BENEATH: compileLibrary('test/stubs/faulty-layer.c', folder), FAULT: 'slow' };
      const { observed } = await run('opencl-builds.mjs', 'calledBack', { environment });
      const built = compilations(observed);
      expect(built.map(({ failed }) => failed)).toEqual([undefined, 'build_program_failure']);
      for (const { duration } of built) expect(duration).toBeGreaterThanOrEqual(0.1);
    });
  });
});
