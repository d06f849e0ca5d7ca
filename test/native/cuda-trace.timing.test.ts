/** What the CUDA tracer takes, against a stub of CUPTI; `npm run bench -- cuda-trace` does the same for longer. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compileStubs } from '../instrumentation/cuda-program.ts';
import { lacks } from '../parts.ts';
import { scratchFolder } from './compile.ts';

const program = join(import.meta.dirname, '../../bench/programs/cuda-trace.mjs');

describe.skipIf(lacks('cc'))('the CUDA tracer, of 100 000 kernels a second', () => {
  it('loses none, and takes less than 1.5 µs of each, next to nothing of it where they are launched', () => {
    const { driver, cupti } = compileStubs(scratchFolder());
    const { stdout, stderr } = spawnSync(process.execPath, [program, '200000', '100000'], {
      env: { ...process.env, STUB_CUDA: driver, STUB_CUPTI_LIBRARY: cupti },
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect(stderr).toBe('');
    const { launched, counted, dropped, seconds, callbacks } = JSON.parse(stdout);
    expect([launched, counted, dropped]).toEqual([200_000, 200_000, 0]);
    expect((seconds / launched) * 1e6).toBeLessThan(1.5);
    expect((callbacks / launched) * 1e6).toBeLessThan(0.1);
  });
});
