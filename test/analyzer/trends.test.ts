import { describe, expect, it } from 'vitest';
import { trendsIn } from '../../src/analyzer/trends.ts';
import type { Window } from '../../src/profile/window.ts';
import { lognormal, randomNumbers } from './noise.ts';
import { kernelWindow, windowOf } from './window.ts';

const random = randomNumbers(11);
const noise = lognormal(0.05);
/** About a millisecond each, times a factor. */
const times = (count: number, factor = 1) => Array.from({ length: count }, () => factor * noise(random));

const trends = (older: readonly number[], newer: readonly number[], stated: Partial<Window> = {}) =>
  trendsIn(windowOf('opencl', { kernelsByName: [kernelWindow('matmul', newer, older)], ...stated }));
const direction = (...of: Parameters<typeof trends>) => trends(...of).map((trend) => trend.direction);

describe('the trend of a kernel', () => {
  it('degrades above ten percent, and improves below', () => {
    expect(direction(times(60), times(60, 1.2))).toEqual(['degrading']);
    expect(direction(times(60), times(60, 0.8))).toEqual(['improving']);
  });

  it('is stable up to ten percent, however sure the change is', () => {
    const [trend] = trends(times(6000), times(6000, 1.05));
    expect(trend?.direction).toBe('stable');
    expect(trend?.probability).toBeLessThan(0.01);
    expect(direction(times(6000), times(6000, 0.95))).toEqual(['stable']);
  });

  it('is none for fewer than twenty executions', () => {
    expect(direction(times(10), times(10, 2))).toEqual(['degrading']);
    expect(direction(times(9), times(10, 2))).toEqual([]);
  });

  it('is stable where one slow execution moves the mean', () => {
    const [trend] = trends(times(60), [...times(59), 60e-3]);
    expect(trend?.ratio).toBeGreaterThan(1.5);
    expect(trend?.direction).toBe('stable');
  });

  it('is stable where a sure but small change meets one slow execution', () => {
    const [trend] = trends(times(6000), [...times(5999, 1.05), 3]);
    expect(trend?.ratio).toBeGreaterThan(1.4);
    expect(trend?.probability).toBeLessThan(0.01);
    expect(trend?.direction).toBe('stable');
  });

  it('is stable where intervals ripple, though a million executions are sure', () => {
    const rippling = (factors: readonly number[]) => factors.flatMap((factor) => times(500, factor));
    const [trend] = trends(rippling([1, 1.3, 0.9, 1.1, 1.2, 0.9]), rippling([1.4, 1.1, 1.3, 1, 1.5, 1.2]));
    expect(trend?.ratio).toBeGreaterThan(1.1);
    expect(trend?.direction).toBe('stable');
  });

  it('is not seen in a window that has just begun', () => {
    const early = { intervals: 8, seconds: 40 };
    expect(direction(times(60), times(60, 1.5), early)).toEqual(['stable']);
    expect(direction(times(60), times(60, 1.5), { intervals: 10, seconds: 50 })).toEqual(['degrading']);
    expect(direction(times(60), times(60, 1.5), { intervals: 1, seconds: 5 })).toEqual([]);
  });

  it('is not known of a kernel without a history', () => {
    expect(trendsIn(windowOf('opencl', { kernelsByName: [kernelWindow('young', times(60))] }))).toEqual([]);
    expect(direction([], times(60))).toEqual([]);
    expect(direction(times(60), [])).toEqual([]);
  });

  it('says what it saw', () => {
    const seconds = (value: number) => new Array<number>(60).fill(value);
    const sentences = [1e-3, 1.3e-3, 0.5e-3].map((newer) => String(trends(seconds(1e-3), seconds(newer))[0]));
    expect(sentences).toEqual([
      'matmul is stable: 1.00 ms on average, 1.00 ms before (120 executions in 60 s).',
      'matmul is degrading: 30 % slower, 1.30 ms on average, 1.00 ms before (120 executions in 60 s).',
      'matmul is improving: 50 % faster, 500 µs on average, 1.00 ms before (120 executions in 60 s).',
    ]);
  });
});
