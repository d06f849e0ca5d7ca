/**
 * Real programs that do what slows programs down: each is told so by the rule for it within two windows, and nothing is
 * said that is not so. Each runs for two windows in a process of its own, so that a busy event loop or a full heap is its
 * own.
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BottleneckCode } from '../../../src/analyzer/finding.ts';
import type { BackendName } from '../../../src/backend.ts';
import { runNode } from '../../child.ts';
import { lacks } from '../../parts.ts';

interface Raised {
  readonly code: BottleneckCode;
  readonly backend: BackendName;
  readonly sentence: string;
}

interface Provoked {
  readonly code: BottleneckCode;
  readonly on: BackendName;
  /** What may be found as well, and why that is no mistake. */
  readonly besides: Readonly<Partial<Record<BottleneckCode, string>>>;
  readonly flags?: readonly string[];
}

/** On a machine shared with others the time of any kernel may vary. */
const high_variance = 'the machine does other things meanwhile';

const programs: readonly Provoked[] = [
  { code: 'launch_bound', on: 'opencl', besides: { high_variance } },
  { code: 'transfer_bound', on: 'opencl', besides: { high_variance } },
  { code: 'queue_bound', on: 'opencl', besides: { high_variance } },
  { code: 'high_variance', on: 'opencl', besides: {} },
  { code: 'failing_operations', on: 'opencl', besides: { high_variance } },
  { code: 'event_loop_starves_device', on: 'opencl', besides: { high_variance } },
  { code: 'thread_pool_exhausted', on: 'cpu', besides: {} },
  {
    code: 'memory_pressure',
    on: 'cpu',
    besides: {},
    flags: ['--max-old-space-size=320', '--max-semi-space-size=1'],
  },
];

describe.skipIf(lacks('pocl', 'cc'))('a program', () => {
  it.each(programs)(
    'is told that it has $code, and nothing that is not so',
    async ({ code, on, besides, flags = [] }) => {
      const program = join(import.meta.dirname, 'program.mjs');
      const ended = await runNode([...flags, program, code]);
      expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: 0, stderr: '' });
      const raised: readonly Raised[] = JSON.parse(ended.stdout);
      const named = raised.filter((finding) => finding.code === code && finding.backend === on);
      expect(named, ended.stdout).not.toEqual([]);
      const others = raised.filter((finding) => !named.includes(finding) && besides[finding.code] === undefined);
      expect(others).toEqual([]);
    },
  );
});
