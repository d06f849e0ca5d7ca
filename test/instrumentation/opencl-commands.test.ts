import { beforeAll, describe, expect, it } from 'vitest';
import { buildNative } from '../../scripts/build-native.mjs';
import { compileLibrary, scratchFolder } from '../native/compile.ts';
import { lacks } from '../parts.ts';
import type { Observed } from '../programs/observe.ts';
import { lost, runScenario, transfers } from './opencl-program.ts';

type Moved = readonly [direction: string | null, bytes: number, nanoseconds: number];
type Commands = Record<'buffers' | 'images' | 'maps' | 'migrations' | 'sharedMemory', Moved[]>;

describe.skipIf(lacks('pocl', 'cc'))('commands that move bytes', () => {
  const folder = scratchFolder();
  const run = (environment = {}) =>
    runScenario<Commands>('all', { folder, program: 'opencl-commands.mjs', environment });
  const seen = (observed: Observed): Moved[] =>
    transfers(observed).map(({ direction, bytes, duration }) => [direction, bytes, Math.round(duration * 1e9)]);
  const moving = (commands: readonly Moved[]) => commands.filter(([direction]) => direction !== null);

  beforeAll(async () => {
    await buildNative({ root: new URL('../..', import.meta.url).pathname });
  });

  it('count with their bytes, their direction and the time of the program’s own events', async () => {
    const BENEATH = compileLibrary('test/stubs/discrete-device.c', folder);
    const { result, observed } = await run({ BENEATH });
    const expected = Object.values(result).flatMap(moving);
    expect(expected.length).toBe(21);
    expect(seen(observed)).toEqual(expected);
    const fills = transfers(observed).filter(({ fill }) => fill);
    expect(fills.map(({ direction, bytes }) => [direction, bytes])).toEqual([
      ['device_to_device', 512],
      ['device_to_device', 128],
      ['device_to_device', 1024],
    ]);
    expect([lost(observed), observed.ring.inFlight]).toEqual([0, 0]);
  });

  it('do not count where nothing moves: maps and migrations of a device that shares the host’s memory', async () => {
    const { result, observed } = await run();
    const [maps, ...copies] = [result.sharedMemory.slice(-2), result.buffers, result.images, result.sharedMemory];
    const expected = copies.flatMap(moving).filter((each) => !maps?.includes(each));
    expect(expected.length).toBe(11);
    expect(seen(observed)).toEqual(expected);
    expect([lost(observed), observed.ring.inFlight]).toEqual([0, 0]);
  });
});
