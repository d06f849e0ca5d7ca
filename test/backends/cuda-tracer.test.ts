/** What the tracer's states are in words; how they come about is in test/instrumentation/cuda-trace.test.ts. */
import { describe, expect, it } from 'vitest';
import { errorType } from '../../src/backends/cuda/error-codes.ts';
import { lacksCupti, stateOf, type TracerStatus } from '../../src/backends/cuda/tracer.ts';

const status = (told: Partial<TracerStatus>): TracerStatus => ({
  outcome: 'tracing',
  result: 0,
  cuptiVersion: 22,
  kinds: 0b11111,
  faults: 0,
  dropped: 0,
  unansweredSeconds: 0,
  buffersLent: 1,
  detail: '/usr/local/cuda/lib64/libcupti.so.12',
  ...told,
});

describe('the source cupti', () => {
  it('is up while CUPTI answers, and says whose kernels it sees', () => {
    expect(stateOf(status({}))).toEqual({ up: true, detail: 'kernels traced by libcupti.so.12' });
    expect(stateOf(status({ unansweredSeconds: 4 })).up).toBe(true);
    expect(stateOf(status({ kinds: 0b11101 })).detail).toMatch(/copies not/);
  });

  it('is down where CUPTI has not answered for more than five seconds', () => {
    const { up, detail } = stateOf(status({ unansweredSeconds: 7.9 }));
    expect([up, detail]).toEqual([false, 'kernels not traced: CUPTI has not answered for 7 s']);
  });

  it.each([
    [15, /no GPU, or the driver is older/],
    [999, /no GPU, or the driver is older/],
    [35, /privilege/],
    [41, /confidential computing/],
    [21, /error 21/],
  ])('says what CUPTI’s refusal %i means', (result, words) => {
    const { up, detail } = stateOf(status({ outcome: 'refused', result }));
    expect([up, detail]).toEqual([false, expect.stringMatching(words)]);
  });

  it('is as it was where the process ends, and down where CUDA loaded a tracer that was not meant', () => {
    expect(stateOf(status({ outcome: 'ended' })).up).toBe(true);
    expect(stateOf(status({ outcome: 'inert' }))).toMatchObject({
      up: false,
      detail: expect.stringMatching(/ACCELMETER_PID did not name this process/),
      remedy: expect.stringMatching(/--import/),
    });
  });

  it('knows a libcupti that is missing from one that cannot be loaded', () => {
    expect(lacksCupti('')).toBeUndefined();
    expect(lacksCupti(null)?.remedy).toMatch(/cuda-cupti/);
    expect(lacksCupti('libcupti.so.12: invalid ELF header')?.detail).toMatch(/invalid ELF header/);
  });
});

it('names what CUDA refused memory with', () => {
  expect([errorType(2), errorType(4242)]).toEqual(['out_of_memory', 'cuda_4242']);
});
