/**
 * The CUDA tracer against a stub of CUPTI: what it takes of a kernel, from CUPTI's request for a buffer to the statistics
 * of the device; whether it keeps up with 100 000 kernels a second; and what memory 10⁸ records take. CUPTI's own cost,
 * which is on top of this, is known on a GPU alone: test/gpu measures it there.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { compileStubs } from '../test/instrumentation/cuda-program.ts';
import { scratchFolder } from '../test/native/compile.ts';

interface Result {
  readonly launched: number;
  readonly counted: number;
  readonly dropped: number;
  readonly seconds: number;
  readonly callbacks: number;
  readonly memory: readonly number[];
}

const { driver, cupti } = compileStubs(scratchFolder());

function trace(kernels: number, perSecond: number, environment: Record<string, string> = {}): Result {
  const program = join(import.meta.dirname, 'programs/cuda-trace.mjs');
  const env = { ...process.env, STUB_CUDA: driver, STUB_CUPTI_LIBRARY: cupti, ...environment };
  const output = execFileSync(process.execPath, [program, String(kernels), String(perSecond)], { env });
  return JSON.parse(output.toString()) as Result;
}

const perSecond = 100_000;
const seconds = 10;
for (const latency of ['off', 'on']) {
  const {
    launched,
    counted,
    dropped,
    seconds: took,
    callbacks,
  } = trace(perSecond * seconds, perSecond, {
    ACCELMETER_CUDA_LATENCY: latency,
  });
  const each = (value: number) => `${((value / launched) * 1e6).toFixed(2)} µs`;
  console.log(`cuda-trace: ${perSecond} kernels/s for ${seconds} s, latency timestamps ${latency}:`);
  console.log(`  ${counted} of ${launched} counted, ${dropped} lost`);
  console.log(`  ${each(took)} a kernel in all, of which ${each(callbacks)} on the thread that launches`);
}

const many = Number(process.argv[2] ?? 1e8);
const fast = 1e6;
const { launched, counted, dropped, memory } = trace(many, fast);
const [first = 0] = memory;
const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
console.log(
  `cuda-trace: ${launched} records, ${fast} a second: ${counted} counted, ${dropped} lost and counted as such`,
);
console.log(`  memory ${mebibytes(first)} MiB after the first tenth, ${mebibytes(memory.at(-1) ?? 0)} MiB at the end`);
