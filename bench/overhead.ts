/**
 * What `register` costs a program that computes: the same OpenCL program, which times its own kernels, with and
 * without it, in alternating pairs, so that what disturbs one disturbs the other. Needs an OpenCL device.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const pairs = Number(process.env.PAIRS ?? 30);
const kernelMicroseconds = 200;
const kernelsMeasured = 4000;
const program = join(import.meta.dirname, 'programs/kernels.mjs');

interface Run {
  readonly microseconds: number;
  readonly firstLineMs: number;
  readonly right: boolean;
}

const loops = calibrate();
console.log(`kernels of about ${kernelMicroseconds} µs, ${kernelsMeasured} a run, ${pairs} pairs`);
const plain: Run[] = [];
const measured: Run[] = [];
for (let i = 0; i < pairs; i++) {
  // The order alternates too: the second of a pair must not always be the one on the warmer machine.
  const first = i % 2 === 0;
  if (first) plain.push(run(loops, false));
  measured.push(run(loops, true));
  if (!first) plain.push(run(loops, false));
}
report();

/** The loop count that makes kernels of the wanted length here. */
function calibrate(): number {
  const trial = 20_000;
  return Math.round((trial * kernelMicroseconds) / run(trial, false, 1000).microseconds);
}

function run(count: number, registered: boolean, kernels = kernelsMeasured): Run {
  const preload = registered ? ['--import', 'accelmeter/register'] : [];
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [...preload, program, String(count), String(kernels)],
    {
      encoding: 'utf8',
      env: { ...process.env, OTEL_EXPORTER_PROMETHEUS_PORT: '0' },
    },
  );
  if (status !== 0) throw new Error(`the program ended with ${status}: ${stderr}`);
  if (registered && !stderr.includes('opencl')) throw new Error(`register did not start: ${stderr}`);
  const result = JSON.parse(stdout) as Run;
  if (!result.right) throw new Error('the program computed wrong');
  return result;
}

function report(): void {
  const ratios = plain.map((without, i) => ((measured[i] as Run).microseconds / without.microseconds - 1) * 100);
  const [low, high] = interval(ratios);
  const of = (runs: readonly Run[], key: 'microseconds' | 'firstLineMs') => median(runs.map((one) => one[key]));
  console.log(`without      ${of(plain, 'microseconds').toFixed(2)} µs a kernel`);
  console.log(`register     ${of(measured, 'microseconds').toFixed(2)} µs a kernel`);
  console.log(
    `slower by    ${median(ratios).toFixed(2)} %  (median of the pairs; 95 % interval ${low.toFixed(2)} to ${high.toFixed(2)} %; target < 1 %)`,
  );
  const start = of(measured, 'firstLineMs') - of(plain, 'firstLineMs');
  console.log(`first line   ${start.toFixed(1)} ms later (target < 60 ms)`);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** The interval of the median, by the bootstrap. */
function interval(values: readonly number[]): [number, number] {
  const medians = Array.from({ length: 5000 }, () =>
    median(values.map(() => values[Math.floor(Math.random() * values.length)] as number)),
  ).sort((a, b) => a - b);
  return [medians[125] as number, medians[4874] as number];
}
