/** What a health score is made of: weights that follow what is known, and parts that only fall as things get worse. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { type HealthPart, type HealthParts, healthParts, scoreOf, weights } from '../../src/health/score.ts';
import type { HardwareWindow, Window } from '../../src/profile/window.ts';
import { quiet, windowOf } from '../analyzer/window.ts';

const names = Object.keys(weights) as HealthPart[];
const allWell: HealthParts = Object.fromEntries(names.map((name) => [name, 1]));
const partsOf = (stated: Partial<Window>, backend: 'cpu' | 'opencl' = 'opencl') =>
  healthParts(windowOf(backend, { utilization: undefined, ...stated }), true);
const hot = (hardware: HardwareWindow) => partsOf({ hardware });
const executed = (count: number, failures: number) => partsOf({ kernels: { ...quiet, count, failures } }).errors;
const memory = (used: number, more: Partial<Window['memory']> = {}) =>
  partsOf({ memory: { usage: used, limit: 100, growth: 0, failedAllocations: 0, ...more } }).memory;

describe('the score', () => {
  it('is 1 where all is well, also where only some of it is known, and unknown where nothing is', () => {
    expect(Object.values(weights).reduce<number>((sum, weight) => sum + weight, 0)).toBeCloseTo(1);
    expect(scoreOf(allWell)).toBe(1);
    for (const name of names) expect(scoreOf({ [name]: 1 }), name).toBe(1);
    expect(scoreOf({})).toBeUndefined();
  });

  it.each([
    ['temperature', 0.7],
    ['throttling', 0.8],
    ['memory', 0.9],
    ['utilization', 0.9],
  ] as const)('loses the weight of what is at its worst: %s leaves %d', (part, left) => {
    expect(scoreOf({ ...allWell, [part]: 0 })).toBeCloseTo(left, 9);
  });

  it('gives the weight of what is not known to the rest', () => {
    expect(scoreOf({ memory: 0, utilization: 1 })).toBe(0.5);
    expect(scoreOf({ memory: 0 })).toBe(0);
  });

  it('is at most 0.5 where all work fails, and 0.4 where the hardware is faulty', () => {
    expect(scoreOf({ ...allWell, errors: 0 })).toBe(0.5);
    expect(scoreOf({ ...allWell, errors: 0.5 })).toBe(0.75);
    expect(scoreOf(allWell, true)).toBe(0.4);
  });

  test('stays from 0 to 1 and never rises as a part gets worse', () => {
    const part = fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined });
    const arbitrary = fc.tuple(...names.map(() => part)).map((values) => {
      const known = names.flatMap((name, i) => (values[i] === undefined ? [] : [[name, values[i]] as const]));
      return Object.fromEntries(known) as HealthParts;
    });
    fc.assert(
      fc.property(
        arbitrary,
        fc.constantFrom(...names),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (parts, name, by) => {
          const before = scoreOf(parts);
          if (before === undefined) return;
          expect(before).toBeGreaterThanOrEqual(0);
          expect(before).toBeLessThanOrEqual(1);
          const value = parts[name];
          if (value !== undefined) expect(scoreOf({ ...parts, [name]: value * by })).toBeLessThanOrEqual(before);
        },
      ),
    );
  });
});

describe('temperature', () => {
  it.each([
    [60, 1],
    [80, 1],
    [85, 0.5],
    [90, 0],
    [120, 0],
  ])('of %d °C, where a device throttles at 90, counts as %d', (temperature, part) => {
    expect(hot({ temperature, temperatureLimit: 90 }).temperature).toBe(part);
  });

  it('has no weight where the limit of the device is not known: what is hot differs between devices', () => {
    expect(hot({ temperature: 85 })).toEqual({});
    expect(hot({ temperatureLimit: 90 })).toEqual({});
  });
});

describe('errors', () => {
  it.each([
    [1000, 0, 1],
    [990, 10, 0.9],
    [950, 50, 0.5],
    [900, 100, 0],
    [0, 1000, 0],
  ])('%d executions and %d failures count as %d', (count, failures, part) => {
    expect(executed(count, failures)).toBeCloseTo(part, 9);
  });

  it('of a few executions are taken as of twenty', () => {
    expect(executed(1, 1)).toBe(0.5);
    expect(executed(0, 3)).toBe(0);
  });

  it('are not known where nothing was executed', () => {
    expect(executed(0, 0)).toBeUndefined();
  });

  it.each([{ uncorrectedErrors: 1 }, { criticalXids: 1 }, { rowRemapPending: true }])(
    'of the hardware: %j',
    (hardware) => {
      expect(hot(hardware).errors).toBe(0);
    },
  );

  it('that the hardware did not have are none', () => {
    const hardware = { uncorrectedErrors: 0, criticalXids: 0, rowRemapPending: false };
    expect(hot(hardware)).toEqual({});
  });
});

describe('throttling', () => {
  it.each([
    [{ thermalThrottle: 0 }, 1],
    [{ thermalThrottle: 0.25 }, 0.75],
    [{ thermalThrottle: 1 }, 0],
    [{ thermalState: 1 }, 1],
    [{ thermalState: 2 }, 0.5],
    [{ thermalState: 3 }, 0],
  ])('%j counts as %d', (hardware, part) => {
    expect(hot(hardware).throttling).toBe(part);
  });

  it('by the power limit counts only where it takes more than a fifth of the clock', () => {
    expect(hot({ powerThrottle: 1, clockRatio: 0.85 }).throttling).toBe(1);
    expect(hot({ powerThrottle: 1, clockRatio: 0.4 }).throttling).toBe(0.5);
    expect(hot({ powerThrottle: 0.5, clockRatio: 0.4 }).throttling).toBe(0.75);
    expect(hot({ powerThrottle: 1 }).throttling).toBe(1);
  });

  it('is not the clock of an idle device', () => {
    expect(hot({ clockRatio: 0.1 })).toEqual({});
    expect(hot({ clockRatio: 0.1, powerThrottle: 0, thermalThrottle: 0 }).throttling).toBe(1);
  });
});

describe('memory of a device', () => {
  it('that is full is well, since arenas take it in advance, unless it still grows', () => {
    expect(memory(97)).toBe(1);
    expect(memory(85, { growth: 5 })).toBe(1);
    expect(memory(95, { growth: 5 })).toBeCloseTo(0.5, 9);
    expect(memory(100, { growth: 5 })).toBe(0);
  });

  it('that could not be allocated is short, whatever is used', () => {
    expect(memory(10, { failedAllocations: 1 })).toBe(0);
    expect(memory(10, { limit: undefined, failedAllocations: 1 })).toBe(0);
  });

  it('without a limit is not known', () => {
    expect(memory(10, { limit: undefined })).toBeUndefined();
  });
});

describe('memory of a process', () => {
  const process = (of: Window['process']) => partsOf({ process: of }, 'cpu').memory;
  it('counts from 90 % of the heap or of the container, whichever is fuller', () => {
    expect(process({ heapUsage: 50, heapLimit: 100 })).toBe(1);
    expect(process({ heapUsage: 95, heapLimit: 100 })).toBeCloseTo(0.5, 9);
    expect(process({ heapUsage: 50, heapLimit: 100, containerUsage: 99, containerLimit: 100 })).toBeCloseTo(0.1, 9);
    expect(process({ containerUsage: 50 })).toBeUndefined();
    expect(process({})).toBeUndefined();
  });
});

describe('utilization', () => {
  it.each([
    [0, 1],
    [0.5, 1],
    [0.95, 1],
    [1, 0.9],
  ])('of %d counts as %d: idle and busy devices are well', (utilization, part) => {
    expect(partsOf({ utilization }).utilization).toBeCloseTo(part, 9);
  });

  it('is not known where kernels are not seen', () => {
    expect(healthParts(windowOf('opencl', { utilization: 0 }), false)).toEqual({});
  });
});

test('every part never rises as what it stands for gets worse', () => {
  const growing = (parts: (worse: number) => HealthParts, name: HealthPart) =>
    fc.assert(
      fc.property(fc.nat(200), fc.nat(200), (a, b) => {
        const [less, more] = a < b ? [a, b] : [b, a];
        expect(parts(more)[name], `${less} to ${more}`).toBeLessThanOrEqual(parts(less)[name] as number);
      }),
    );
  growing((temperature) => hot({ temperature, temperatureLimit: 90 }), 'temperature');
  growing((failures) => partsOf({ kernels: { ...quiet, count: 100, failures } }), 'errors');
  growing((worse) => hot({ thermalThrottle: worse / 200 }), 'throttling');
  growing((worse) => hot({ powerThrottle: 1, clockRatio: 1 - worse / 200 }), 'throttling');
  growing((usage) => partsOf({ memory: { usage, limit: 200, growth: 1, failedAllocations: 0 } }), 'memory');
  growing((worse) => partsOf({ utilization: worse / 200 }), 'utilization');
});
