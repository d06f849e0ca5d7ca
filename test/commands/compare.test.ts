/** `accelmeter compare`, as a person types it, and what it prints in terminals of different widths. */
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { describe as describeComparison } from '../../src/commands/compare.ts';
import type { BackendResult } from '../../src/compare.ts';
import { createUnavailableSnapshot } from '../../src/snapshot.ts';
import { runNode } from '../child.ts';
import { lacks } from '../parts.ts';

const compare = (args: readonly string[] = [], environment: Record<string, string> = {}) =>
  runNode(['dist/src/cli.js', 'compare', '--for', '0.3', ...args], environment);
const nowhere = { ACCELMETER_OPENCL_LIBRARY: '/nowhere/libOpenCL.so.1' };

interface Told {
  readonly workload: object;
  readonly results: readonly (BackendResult & { readonly correct: boolean })[];
  readonly missing: readonly object[];
}

describe.skipIf(lacks('pocl'))('where there are two backends', () => {
  it('both run the same, rightly, and the faster one stands first', async () => {
    const { code, stdout, stderr } = await compare(['--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { workload, results, missing }: Told = JSON.parse(stdout);
    expect(workload).toEqual({ kernel: 'matmul_256', rows: 256, columns: 256, secondsEach: 0.3 });
    expect(missing).toEqual([]);
    expect(results.map(({ backendType }) => backendType).sort()).toEqual(['cpu', 'opencl']);
    expect(results[0]?.ratio).toBe(1);
    for (const { correct, executions, averageLatencyMs = 0, ratio, ...result } of results) {
      expect(correct).toBe(true);
      expect(executions).toBeGreaterThan(0);
      expect(ratio).toBeGreaterThanOrEqual(1);
      expect(result.throughputOpsPerSecond).toBeCloseTo(executions / result.seconds);
      expect(result.p95LatencyMs).toBeGreaterThan(0);
      expect(result.deviceUtilizationPercent).toBeGreaterThan(1);
      expect(result.deviceUtilizationPercent).toBeLessThanOrEqual(100);
      // One after the other: together they take no longer than the whole.
      expect(averageLatencyMs * executions).toBeLessThanOrEqual(1000 * result.seconds * 1.02);
    }
  });

  it('it is a table, with how each computes', async () => {
    const { code, stdout } = await compare();
    expect(code).toBe(0);
    expect(stdout).toMatch(/backend +device +average +p95 +runs\/s +used +takes +runs/);
    expect(stdout).toMatch(/1\.00×/);
    expect(stdout).toContain('the results are right, to the bit');
    expect(stdout).not.toContain('nothing to compare');
  });
});

it.skipIf(lacks('pocl'))('where kernels of a backend are not seen, that is said instead of a number', async () => {
  const { code, stdout } = await compare([], { NODE_OPTIONS: '--import=./test/programs/opencl-in-use.mjs' });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ – opencl .+: kernels not traced: OpenCL was in use before accelmeter$/m);
  expect(stdout).not.toMatch(/^ opencl .* ms/m);
});

it('where there is one backend, it is shown, and said that there is nothing to compare it with', async () => {
  const { code, stdout } = await compare([], nowhere);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ cpu +\S/m);
  expect(stdout).toContain('– opencl: /nowhere/libOpenCL.so.1 not found\n');
  expect(stdout).toContain('there is nothing to compare it with');
});

it('where there is none, that is a failure', async () => {
  const { code, stdout } = await compare(['--json'], { ...nowhere, ACCELMETER_BACKENDS: 'opencl' });
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    results: [],
    missing: [{ backend: 'opencl', reason: '/nowhere/libOpenCL.so.1 not found' }],
  });
});

const result = (backendType: string, ratio: number): BackendResult => ({
  ...{ deviceId: backendType, deviceName: 'a processor whose maker likes long names', backendType },
  ...{
    executions: 123_456,
    failedExecutions: 0,
    seconds: 2,
    averageLatencyMs: 13.4 * ratio,
    p95LatencyMs: 15.2 * ratio,
  },
  ...{ throughputOpsPerSecond: 61_728, deviceUtilizationPercent: 99.1, ratio },
  snapshot: createUnavailableSnapshot(backendType, '', backendType, ''),
});

describe('in a terminal', () => {
  const text = (width: number, wrong: readonly string[] = []) =>
    stripVTControlCharacters(
      describeComparison([result('opencl', 1), result('cpu', 1234.5)], {
        missing: [
          { backend: 'opencl', device: 'a second one of such a maker', reason: 'clBuildProgram failed with -11' },
        ],
        wrong: new Set(wrong),
        seconds: 2,
        width,
      }),
    );

  it.each([60, 80, 120])('of %i columns it fits', (width) => {
    const longest = Math.max(
      ...text(width)
        .split('\n')
        .map(({ length }) => length),
    );
    expect(longest).toBeLessThanOrEqual(width);
  });

  it('of 60 columns it leaves the device out', () => {
    expect(text(60)).not.toMatch(/^ backend +device/m);
    expect(text(80)).toMatch(/^ backend +device/m);
  });

  it('a wrong result is said, and not that all are right', () => {
    expect(text(80, ['cpu'])).toMatch(/! cpu a processor who…: its result is wrong/);
    expect(text(80, ['cpu'])).not.toContain('the results are right');
  });
});
