/** The samples of the profiling guide, as TypeScript: each runs on real work, ends by itself, and says what it should. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runNode } from '../child.ts';
import { scratchFolder } from '../native/compile.ts';
import { lacks, type PartName } from '../parts.ts';
import { openMetalStub, scenarioFile } from '../stubs/metal/open.ts';

const folder = join(import.meta.dirname, '../../examples/guide');
/** What the samples stand on, and what they compute. */
const shared = ['figures.ts', 'work.ts'];
/** Far more than any takes: a sample that hangs fails here and not at the end of all tests. */
const longestMilliseconds = 30_000;

interface Sample {
  readonly file: string;
  readonly arguments?: readonly string[];
  /** What it prints, in this order; with other lines between them. */
  readonly says: readonly RegExp[];
  readonly never?: RegExp;
  /** What it says that it does not know. */
  readonly lacks?: RegExp;
  readonly needs?: readonly PartName[];
}

const number = String.raw`\d+(\.\d+)?`;
const line = (text: string) => new RegExp(`^${text.replaceAll('#', number)}$`, 'm');
const skipped = (backend: string) => [line(`Skipped, no ${backend} device: .+`)];

const samples: readonly Sample[] = [
  {
    file: 'basic-profiling.ts',
    says: [
      ...['Device: .+', 'Backend: cpu', 'Utilization: #%', 'Total Operations: #', 'Average Latency: #ms'],
      'Throughput: # ops/sec',
    ].map(line),
  },
  {
    file: 'kernel-statistics.ts',
    says: ['All kernels:', 'matmul:', '  Kernel Executions: #', '  Average Time: #ms', '  Min/Max: #ms / #ms']
      .concat('  Median: #ms', '  P95/P99: #ms / #ms', '  Std Dev: #ms', '  Success Rate: 100.0%')
      .map(line),
  },
  {
    file: 'memory-operations.ts',
    needs: ['pocl', 'cc'],
    says: ['Total Allocations: 3', 'Total Bytes Allocated: 0.19 MB', 'Current Memory Usage: 0.19 MB']
      .concat('Peak Memory Usage: 0.19 MB', 'Host-to-Device Transfers: #', 'H2D Bytes: # MB')
      .concat('Device-to-Host Transfers: #', 'D2H Bytes: # MB', 'Memory Bandwidth: # MB/s')
      .map(line),
  },
  {
    file: 'cpu-backend.ts',
    says: [
      /^process\.cpu\.utilization \(user\): [\d.]+ 1$/m,
      /^Bottleneck: The thread pool is busy for .+$/m,
      /^Recommendation: Set UV_THREADPOOL_SIZE higher/m,
    ],
  },
  { file: 'cuda-backend.ts', says: skipped('cuda') },
  { file: 'opencl-backend.ts', needs: ['pocl', 'cc'], says: [line('Memory Bandwidth: # GB/s')] },
  { file: 'metal-backend.ts', says: skipped('metal') }, // and below, on a stub
  {
    file: 'monitoring.ts',
    arguments: ['0.5'],
    says: [
      /^\[\d\d:\d\d:\d\d\] Util: [\d.]+% \| Ops: \d+ \| Lat: [\d.]+ms$/m,
      line('\\(!\\) Bottleneck raised: The time of matmul varies by # % of its mean.'),
      line('  - The time of matmul varies by # % of its mean.'),
    ],
  },
  {
    file: 'comparison.ts',
    needs: ['pocl', 'cc'],
    says: ['Backend Performance Comparison:', '(cpu|opencl):', '  Utilization: #%', '  Avg Latency: #ms']
      .concat('  Throughput: # ops/sec', '  P95 Latency: #ms', '(cpu|opencl):', '  Avg Latency: #ms')
      .map(line),
    never: /failed/,
  },
  {
    file: 'regression.ts',
    says: [/^\(!\) Performance regression detected!$/m, /^ {2}matmul takes .+ more than in the .+ before/m].concat(
      line('  Increase: #%'),
    ),
  },
  {
    file: 'optimization.ts',
    says: ['Performance Analysis:', 'Device: .+ \\(cpu\\)', 'Identified Bottlenecks:']
      .concat('  \\(!\\) The time of matmul varies by # % of its mean.', 'Optimization Recommendations:')
      .concat('  Keep sizes alike: .+', 'Performance Trends:', '  matmul is .+')
      .map(line),
  },
  {
    file: 'baseline.ts',
    says: ['Baseline established: #ms avg latency', 'Performance vs baseline: [+-]#%', '  matmul: .+faster.+'].map(
      line,
    ),
  },
  {
    file: 'percentiles.ts',
    says: [
      line('\\(!\\) P95 latency \\(#ms\\) exceeds requirement \\(0.1ms\\)'),
      line('\\(!\\) P99 latency \\(#ms\\) exceeds requirement \\(0.2ms\\)'),
      line('Objective p95: # executions took longer than 0.1ms'),
      line('Objective p99: # executions took longer than 0.2ms'),
    ],
  },
  {
    file: 'recommendations.ts',
    says: [
      'Suggested: SIMD vectorization',
      'To be done by hand: increase_parallelism',
      'Applying: SIMD vectorization',
    ].map(line),
  },
  {
    file: 'health.ts',
    says: [/isAvailable: true/, /healthScore: [\d.]+/, /status: '\w+'/, /The time of matmul varies/].concat(
      /^At one call: \w+$/m,
    ),
    lacks: /temperature: undefined/, // a CPU tells none
  },
  {
    file: 'regular-profiling.ts',
    arguments: ['0.3'],
    says: new Array(3).fill(line('# operations, #ms on average, # ops/sec')),
  },
  {
    file: 'not-available.ts',
    says: [
      /^Profiling available: .+$/m,
      /^Profiling unavailable: \/nowhere\/libOpenCL\.so\.1 not found$/m,
      /^What mends it: .*ACCELMETER_OPENCL_LIBRARY/m,
    ],
  },
  {
    file: 'high-variance.ts',
    says: [
      /^High variance detected \(CV=[\d.]+%\)$/m,
      ...['Possible causes:', '- Inconsistent workload sizes'].map(line),
    ],
  },
  {
    file: 'low-bandwidth.ts',
    needs: ['pocl', 'cc'],
    arguments: ['100000'],
    says: ['Low bandwidth: # GB/s', 'Check:', '- Use of pinned memory'].map(line),
  },
  { file: 'low-bandwidth.ts', needs: ['pocl', 'cc'], arguments: ['0.001'], says: [], never: /Low bandwidth/ },
];

describe('the samples of the guide', () => {
  it('each have a test here and a line in their README', () => {
    const files = readdirSync(folder).filter((name) => name.endsWith('.ts') && !shared.includes(name));
    expect([...new Set(samples.map(({ file }) => file))].sort()).toEqual(files.sort());
    const readme = readFileSync(join(folder, 'README.md'), 'utf8');
    for (const file of files) expect(readme).toContain(`(${file})`);
  });

  for (const { file, arguments: args = [], says, never, lacks: absent, needs = [] } of samples) {
    it.skipIf(lacks(...needs))(
      [file, ...args].join(' '),
      async () => {
        const { code, stdout, stderr } = await runNode([`examples/guide/${file}`, ...args]);
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        let rest = stdout;
        for (const expected of says) {
          const found = expected.exec(rest);
          expect(found, `${expected} in what is left of\n${stdout}`).not.toBeNull();
          rest = rest.slice((found?.index ?? 0) + (found?.[0].length ?? 0));
        }
        if (never) expect(stdout).not.toMatch(never);
        if (absent) expect(stdout).toMatch(absent);
        expect(absent ? stdout.replace(absent, '') : stdout).not.toMatch(/\b(NaN|undefined|Infinity|n\/a)\b/);
      },
      longestMilliseconds,
    );
  }

  it.skipIf(lacks('cc'))('say that there is no OpenCL device where there is none, and end well', async () => {
    for (const file of ['memory-operations.ts', 'opencl-backend.ts', 'low-bandwidth.ts']) {
      const { code, stdout } = await runNode([`examples/guide/${file}`], { ACCELMETER_OPENCL_LIBRARY: '/nowhere.so' });
      expect(code).toBe(0);
      expect(stdout).toMatch(/^Skipped, no opencl device: \/nowhere\.so not found\n$/);
    }
  });

  it.skipIf(lacks('cc'))('metal-backend.ts on a stub of macOS', async () => {
    const environment = {
      ACCELMETER_METAL_LIBRARY: openMetalStub(scratchFolder()).path,
      METAL_STUB_SCENARIO: scenarioFile('apple-silicon'),
    };
    const { code, stdout, stderr } = await runNode(['examples/guide/metal-backend.ts'], environment);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const says = [line('Device: Apple M1 Pro, unified memory, metal3'), line('Utilization: #%')];
    for (const expected of [...says, line('  Average: 0.10ms'), line('  P95: 0.10ms')])
      expect(stdout).toMatch(expected);
  });
});
