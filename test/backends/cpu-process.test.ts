/** What real programs are told about themselves. The thread pool is only visible on Linux with named workers. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startNode } from '../child.ts';

interface Run {
  readonly flags?: readonly string[];
  readonly environment?: Record<string, string>;
  /** The scenario's argument. */
  readonly path?: string;
}

/** The values that a program in this situation has in its snapshot. */
async function told(scenario: string, { flags = [], environment = {}, path }: Run = {}) {
  const child = startNode([...flags, 'test/programs/process.ts', scenario, ...(path ? [path] : [])], environment);
  const [line] = await child.said(/^\{.*\}$/m);
  const { code, stderr } = await child.ended;
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return JSON.parse(line) as Record<string, number>;
}

const wait = 'accelmeter.threadpool.queue.duration';
const utilization = 'accelmeter.threadpool.utilization';
const size = 'accelmeter.threadpool.size';

describe.runIf(process.platform === 'linux')('the thread pool', () => {
  it('that computes all the time is full, and a trivial task waits', async () => {
    const values = await told('computes');
    expect(values[utilization]).toBe(1);
    expect(values[wait]).toBeGreaterThan(0.1);
  });

  it('whose every worker opens a FIFO is full, although it uses no CPU; the wait of what is stuck behind is told', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'accelmeter-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'fifo');
    execFileSync('mkfifo', [path]);
    const values = await told('opens a FIFO', { path });
    expect(values[utilization]).toBe(1);
    expect(values[wait]).toBeGreaterThan(0.3);
    expect(values['process.cpu.utilization (user)']).toBeLessThan(0.3);
  });

  it('has the threads that UV_THREADPOOL_SIZE asks for', async () => {
    const values = await told('computes', { environment: { UV_THREADPOOL_SIZE: '9' } });
    expect(values).toMatchObject({ [size]: 9, workers: 9, [utilization]: 1 });
  });

  it('is not started by being measured, and told by its size to come', async () => {
    const values = await told('nothing', { environment: { UV_THREADPOOL_SIZE: '6' } });
    expect(values).toMatchObject({ [size]: 6, workers: 0 });
    expect(values).not.toHaveProperty([utilization]);
    expect(values).not.toHaveProperty([wait]);
  });

  it('that has nothing to do is empty, however long the event loop stands still', async () => {
    const values = await told('blocks the event loop');
    expect(values[utilization]).toBe(0);
    expect(values[wait]).toBeLessThan(0.02);
  });
});

it('forced collections are counted by their type, each with its time', async () => {
  const values = await told('collects', { flags: ['--expose-gc'] });
  expect(values['v8js.gc.duration count (major)']).toBeGreaterThanOrEqual(3);
  expect(values['v8js.gc.duration count (minor)']).toBeGreaterThanOrEqual(5);
  expect(values['v8js.gc.duration (major)']).toBeGreaterThan(20e-6);
  expect(values['v8js.gc.duration (major)']).toBeLessThan(1);
  expect(values).toHaveProperty(['v8js.gc.duration count (incremental)']);
});

it('a small heap has a small limit, and its spaces add up to what is used', async () => {
  const values = await told('collects', { flags: ['--expose-gc', '--max-old-space-size=64'] });
  const used = values['accelmeter.process.heap.usage'] ?? 0;
  expect(values['accelmeter.process.heap.limit']).toBeGreaterThanOrEqual(64 * 2 ** 20);
  expect(values['accelmeter.process.heap.limit']).toBeLessThan(300 * 2 ** 20);
  const spaces = Object.entries(values).filter(([name]) => name.startsWith('v8js.memory.heap.used ('));
  expect(spaces.map(([name]) => name)).toContain('v8js.memory.heap.used (old_space)');
  expect(spaces.reduce((sum, [, value]) => sum + value, 0) / used).toBeCloseTo(1, 1);
});

it('a program that forgets its profiler ends all the same', async () => {
  const { code, milliseconds } = await startNode(['test/programs/process.ts', 'ends']).ended;
  expect(code).toBe(0);
  expect(milliseconds).toBeLessThan(10_000);
});
