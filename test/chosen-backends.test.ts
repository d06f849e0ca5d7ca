import { expect, it } from 'vitest';
import { isChosen } from '../src/chosen-backends.ts';

it.each([
  [undefined, true],
  ['', true],
  ['cpu', false],
  ['CPU, OpenCL', true],
  ['opencl', true],
  ['cuba', true], // malformed: said later, and the default counts
])('with ACCELMETER_BACKENDS=%j OpenCL is chosen: %j', (text, chosen) => {
  expect(isChosen('opencl', { ACCELMETER_BACKENDS: text })).toBe(chosen);
});
