/**
 * What a sample of one GPU costs: the calls in their own process, the event loop, and that process itself. By the stub of
 * NVML, whose calls read a file of answers, or by the library that ACCELMETER_NVML_LIBRARY names.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { cuda } from '../src/backends/cuda/index.ts';
import { hopper, machine, stubNvml, writeScenario } from '../test/backends/nvml-scenario.ts';

const samples = 100;
const targets = { wholeMilliseconds: 2, loopMilliseconds: 0.5 };

const real = process.env.ACCELMETER_NVML_LIBRARY;
if (real === undefined) process.env.ACCELMETER_STUB_NVML = writeScenario(machine([hopper]));
const nvmlLibrary = real ?? stubNvml();
const host = {
  ...{ hostId: 'bench', options: { lazy: false, nvmlLibrary } },
  addDevice: () => ({ deliver() {} }),
  removeDevice() {},
};

const alive = setInterval(() => {}, 1000); // nothing of ours would keep this program
const beforeOpen = performance.now();
const session = await cuda.open(host);
const opened = performance.now() - beforeOpen;
const whole: number[] = [];
const calls: number[] = [];
const loop: number[] = [];
let computed = 0;
for (let i = 0; i < samples + 20; i += 1) {
  await sleep(101);
  const cpu = process.threadCpuUsage();
  const start = performance.now();
  await session.prepare?.();
  const ready = performance.now();
  const sample = session.sample?.();
  const end = performance.now();
  const { user, system } = process.threadCpuUsage(cpu);
  if (!(sample?.elsewhereSeconds ?? 0)) throw new Error(`nothing was sampled: ${session.sources()[0]?.detail}`);
  if (i < 20) continue; // what is compiled first
  const called = (sample?.elsewhereSeconds ?? 0) * 1000;
  const aside = (sample?.asideSeconds ?? 0) * 1000;
  whole.push(end - start);
  calls.push(called);
  loop.push(aside + end - ready);
  computed += (user + system) / 1000;
}
const child = readFileSync('/proc/thread-self/children', 'utf8').trim().split(' ')[0];
const memory = child ? /Rss:\s+(\d+)/.exec(readFileSync(`/proc/${child}/smaps_rollup`, 'utf8'))?.[1] : undefined;
session.close();
clearInterval(alive);

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const p95 = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length * 0.95)] ?? Number.NaN;
const row = (what: string, values: number[]) =>
  console.log(`${what.padEnd(28)} ${median(values).toFixed(3)} ms median, ${p95(values).toFixed(3)} ms P95`);
console.log(`${real ?? 'the stub of NVML'}, one sample of one GPU, ${samples} samples, node ${process.version}\n`);
row('asked until read', whole);
row('  the driver’s calls', calls);
row('  the event loop', loop);
console.log(`  this thread computed       ${(computed / samples).toFixed(3)} ms a sample`);
console.log(`opened, with all that it is  ${opened.toFixed(1)} ms`);
console.log(`memory of its process        ${memory ?? '?'} KiB`);
for (const megabytes of [0, 512, 2048])
  console.log(`begun by a service of ${String(megabytes).padStart(4)} MB  ${begun(megabytes)}`);
const reached = median(whole) < targets.wholeMilliseconds && median(loop) < targets.loopMilliseconds;
console.log(
  `\n${reached ? 'reached' : 'MISSED '}  a full sample under 2 ms, of which the event loop sees under 0.5 ms`,
);
process.exitCode = reached ? 0 : 1;

/** How long the event loop is held while a process is begun, by how much memory the service holds. */
function begun(megabytes: number): string {
  const program = `
    const held = ${megabytes} ? Buffer.alloc(${megabytes} * 2 ** 20, 1) : undefined;
    const { startDriverProcess } = await import('../dist/src/native/driver-process.js');
    startDriverProcess().end();
    const times = [];
    for (let i = 0; i < 5; i++) {
      const before = performance.now();
      startDriverProcess().end();
      times.push(performance.now() - before);
    }
    console.log(times.sort((a, b) => a - b)[2].toFixed(1), held?.[0] ?? '');`;
  const options = { cwd: import.meta.dirname, encoding: 'utf8' } as const;
  return `${execFileSync(process.execPath, ['--input-type=module', '-e', program], options).trim().split(' ')[0]} ms of the event loop`;
}
