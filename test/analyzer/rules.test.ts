import { expect, it } from 'vitest';
import { observe } from '../../src/analyzer/observe.ts';
import { kernelWindow, windowOf } from './window.ts';

const codes = (...of: Parameters<typeof windowOf>) => observe(windowOf(...of)).map(({ rule }) => rule.code);
const times = (count: number, seconds: number) => new Array<number>(count).fill(seconds);

it('an idle device has no findings', () => expect(codes('opencl')).toEqual([]));

it('short kernels with gaps are launch bound, from a hundred on', () => {
  expect(codes('opencl', { kernelsByName: [kernelWindow('k', times(100, 0.00019))] })).toEqual(['launch_bound']);
  expect(codes('opencl', { kernelsByName: [kernelWindow('k', times(99, 0.00019))] })).toEqual([]);
});
