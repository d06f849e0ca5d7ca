/** CUDA under `register`, `accelmeter run` and `doctor`: the built package, and stubs of the driver and of CUPTI. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { onEveryNode, runNode } from '../child.ts';
import { scratchFolder } from '../native/compile.ts';
import { lacks } from '../parts.ts';
import { compileStubs, type Stubs } from './cuda-program.ts';

const program = 'test/programs/cuda.mjs';
const scenario = `

kernel name=_ZN2at6native13reduce_kernelILi512EEEvT_ count=1000 ns=2000
memcpy count=10 bytes=4096
memory op=1 bytes=1048576
`;

describe.skipIf(lacks('cc'))('a service that uses CUDA', () => {
  let stubs: Stubs;
  let environment: Record<string, string>;
  beforeAll(() => {
    stubs = compileStubs(scratchFolder());
    const file = join(stubs.folder, 'register.txt');
    writeFileSync(file, scenario);
    environment = {
      CUDA_UNDER_TEST: stubs.driver,
      ACCELMETER_CUDA_LIBRARY: stubs.driver,
      ACCELMETER_CUPTI_LIBRARY: stubs.cupti,
      ACCELMETER_DEVICE_METRICS: 'off',
      OTEL_EXPORTER_PROMETHEUS_PORT: '0',
      STUB_CUPTI: file,
    };
  });

  onEveryNode(({ startNode }) => {
    it('has its kernels, copies and memory on the page, and says on stderr that they are traced', async () => {
      const service = startNode(['--import', 'accelmeter/register', program, 'plays'], {
        ...environment,
        PLAYS_FOR: '60000',
      });
      const [line, url] = await service.said(/^accelmeter .*?(http:\/\/127\.0\.0\.1:\d+)\/metrics.*$/m);
      expect(line).toContain('✓ cuda kernels traced by cupti.so');
      const gpu = 'hw_id="GPU-00010203-0405-0607-0809-0a0b0c0d0eff"';
      const page = await pageWith(`${url}/metrics`, /^accelmeter_kernel_duration_seconds_count\{.* 1000$/m);
      const series = page.split('\n').filter((each) => each.includes(gpu) && each.includes('_count{'));
      expect(series.find((each) => each.startsWith('accelmeter_kernel_duration'))).toMatch(
        /accelmeter_kernel_name="at::native::reduce_kernel#[\da-f]{8}"/,
      );
      expect(page).toMatch(/^accelmeter_memory_allocated_bytes_total\{.* 1048576$/m);
      expect(page).toMatch(/^accelmeter_source_up\{.*accelmeter_source="cupti".*\} 1$/m);
    });
  });

  it('has them in the table of `accelmeter run`, also where it ends at once', async () => {
    const { code, stderr, stdout } = await runNode(
      ['dist/src/cli.js', 'run', process.execPath, program, 'plays'],
      environment,
    );
    expect([code, stdout]).toEqual([0, '{"code":0}']);
    expect(stderr).toMatch(/at::native::reduce_kernel#\S+\s.* 1,000 /);
    expect(stderr).toContain('kernels traced by cupti.so');
  });

  it('is told by doctor how to get libcupti where that is missing', async () => {
    const missing = { ...environment, ACCELMETER_CUPTI_LIBRARY: '/nowhere/libcupti.so.12' };
    const { stdout } = await runNode(['dist/src/cli.js', 'doctor', 'cuda'], missing);
    expect(stdout).toMatch(/– cupti: kernels not traced: libcupti not found\n +→ .*apt-get install cuda-cupti/);
  });

  it('is told by doctor that another tool is named', async () => {
    const taken = { ...environment, CUDA_INJECTION64_PATH: '/opt/nsight/libToolsInjection64.so' };
    const { stdout } = await runNode(['dist/src/cli.js', 'doctor', 'cuda'], taken);
    expect(stdout).toMatch(/– cupti: kernels not traced: .*libToolsInjection64\.so/);
  });
});

/** The page, once it says so: records come with the next drain. */
async function pageWith(url: string, pattern: RegExp): Promise<string> {
  for (const end = performance.now() + 10_000; ; ) {
    const page = await (await fetch(url)).text();
    if (pattern.test(page)) return page;
    if (performance.now() > end) throw new Error(`never said ${pattern}:\n${page}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
