import { describe, expect, it } from 'vitest';
import { lastRise } from '../../src/analyzer/change-point.ts';

const sides = { fewestOlder: 3, fewestNewer: 2 };
const rise = (...means: number[]) => lastRise(Float64Array.from(means), sides);

describe('the place at which times rose', () => {
  it('is that of the step, told as intervals since', () => {
    expect(rise(1, 1, 1, 2, 2)).toBe(2);
    expect(rise(1, 1, 1, 2, 2, 2, 2)).toBe(4);
    expect(rise(1, 1, 1, 1, 1, 2, 2)).toBe(2);
    expect(rise(3, 5, 4, 3, 9, 7, 8)).toBe(3);
  });

  it('is none where times stay, fall, or too few are on a side', () => {
    expect(rise(1, 1, 1, 1, 1, 1)).toBeUndefined();
    expect(rise(2, 2, 2, 1, 1, 1)).toBeUndefined();
    expect(rise(1, 1, 2, 2)).toBeUndefined();
    expect(rise()).toBeUndefined();
  });

  it('does without intervals in which nothing ran', () => {
    const none = Number.NaN;
    expect(rise(1, none, 1, none, 2, none, 2)).toBe(4);
    expect(rise(none, none, none, 2, 2)).toBeUndefined();
  });
});
