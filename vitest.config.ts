import { defineConfig } from 'vitest/config';

/**
 * Many tests start real programs and bound what these take. A machine shared with others can break such a bound once; a
 * fault breaks it again. So CI tries a failed test a second time, and the report marks it.
 */
const limits = { testTimeout: 20_000, hookTimeout: 30_000, retry: process.env.CI === 'true' ? 1 : 0 };

/**
 * Two projects, one after the other: tests that judge by the clock (`*.timing.test.ts`) run last and alone, so that
 * what they measure is their subject and not their neighbours.
 *
 * Processes, not threads: native libraries and `process.dlopen` hooks live as long as the process they were loaded in.
 */
export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...limits,
          name: 'tests',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.timing.test.ts'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...limits,
          name: 'timing',
          include: ['test/**/*.timing.test.ts'],
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
