/**
 * What `register` costs a program that computes: two processes of the same OpenCL program, which times itself, one with
 * it and one without. They run by turns, a second each, so that what disturbs the machine disturbs both; each two turns
 * are a pair. Several couples of processes, because processes differ among themselves. Needs an OpenCL device.
 */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const couples = 4;
const pairs = Number(process.env.PAIRS ?? 60) / couples;
const kernelMicroseconds = 200;
const kernelsPerTurn = 5000;
const starts = 41;
const program = join(import.meta.dirname, 'programs/kernels.mjs');

interface Turn {
  /** Microseconds a kernel, from its enqueue to its end, and of CPU time. */
  readonly wall: number;
  readonly cpu: number;
}

interface Pair {
  readonly without: Turn;
  readonly registered: Turn;
}

const loops = await calibrate();
console.log(`kernels of about ${kernelMicroseconds} µs, ${kernelsPerTurn} a turn, ${couples * pairs} pairs of turns`);
const measured: Pair[] = [];
for (let couple = 0; couple < couples; couple++) await runCouple();
report();

async function runCouple(): Promise<void> {
  const without = await start(loops, false);
  const registered = await start(loops, true);
  // Code warms up, and register has begun by then.
  for (const { child } of [without, registered, without, registered]) await turn(child, kernelsPerTurn);
  for (let i = 0; i < pairs; i++) {
    const first = await turn((i % 2 ? registered : without).child, kernelsPerTurn);
    const second = await turn((i % 2 ? without : registered).child, kernelsPerTurn);
    measured.push(i % 2 ? { without: second, registered: first } : { without: first, registered: second });
  }
  without.child.kill();
  registered.child.kill();
}

/** The loop count that makes kernels of the wanted length here. */
async function calibrate(): Promise<number> {
  const trial = 20_000;
  const { child } = await start(trial, false);
  await turn(child, 1000);
  const { wall } = await turn(child, 2000);
  child.kill();
  return Math.round((trial * kernelMicroseconds) / wall);
}

async function start(count: number, register: boolean): Promise<{ child: ChildProcess }> {
  const child = fork(program, [String(count)], {
    execArgv: register ? ['--import', 'accelmeter/register'] : [],
    env: { ...process.env, OTEL_EXPORTER_PROMETHEUS_PORT: '0' },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let said = '';
  child.stderr?.on('data', (text) => {
    said += text;
  });
  await once(child, 'message');
  if (register) {
    const deadline = performance.now() + 5000;
    while (!said.includes('/metrics') && performance.now() < deadline) await turn(child, 100);
    if (!said.includes('✓ opencl')) throw new Error(`register did not start: ${said}`);
  }
  return { child };
}

async function turn(child: ChildProcess, kernels: number): Promise<Turn> {
  child.send(kernels);
  const [result] = (await once(child, 'message')) as [Turn & { right: boolean }];
  if (!result.right) throw new Error('the program computed wrong');
  return result;
}

function report(): void {
  console.log('\nmicroseconds a kernel   without  register   slower by, median of the pairs (95 % interval)');
  for (const [key, what] of [
    ['wall', 'enqueue to end'],
    ['cpu', 'CPU time'],
  ] as const) {
    const ratios = measured.map(({ without, registered }) => (registered[key] / without[key] - 1) * 100);
    const [low, high] = interval(ratios);
    const typical = (side: keyof Pair) => median(measured.map((pair) => pair[side][key])).toFixed(2);
    const row = [what.padEnd(22), typical('without').padStart(8), typical('registered').padStart(9)];
    console.log(`${row.join(' ')}   ${median(ratios).toFixed(2)} %  (${low.toFixed(2)} to ${high.toFixed(2)} %)`);
  }
  console.log(`\nfirst line ${firstLineDelay().toFixed(1)} ms later, median of ${starts} pairs of starts`);
  console.log('targets: under 1 % slower, the first line under 60 ms later');
}

/** How much later a program's first line runs, in milliseconds. */
function firstLineDelay(): number {
  const firstLine = (...preload: string[]) =>
    Number(execFileSync(process.execPath, [...preload, '-e', 'process.stdout.write(String(performance.now()))']));
  return median(Array.from({ length: starts }, () => firstLine('--import', 'accelmeter/register') - firstLine()));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

/** The interval of the median, by the bootstrap. */
function interval(values: readonly number[]): [number, number] {
  const medians = Array.from({ length: 5000 }, () =>
    median(values.map(() => values[Math.floor(Math.random() * values.length)] as number)),
  ).sort((a, b) => a - b);
  return [medians[125] as number, medians[4874] as number];
}
