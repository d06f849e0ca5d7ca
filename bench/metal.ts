/**
 * What Metal costs the main thread, against a stub of macOS' libraries: our share of it, and koffi's. How long macOS takes
 * for its own is measured by `npm run test:metal`. And whether a million samples, and as many command buffers, leave
 * anything behind. `node --expose-gc bench/metal.ts [samples] [library]`
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { metal } from '../src/backends/metal/index.ts';
import type { MetalDevice } from '../src/metal-device.ts';
import { createProfiler } from '../src/profiler.ts';
import { openMetalStub } from '../test/stubs/metal/open.ts';
import { openMetalService } from '../test/stubs/metal/service.ts';

const [samples = '1000000', library] = process.argv.slice(2);
const calls = 5000;
const targets = { snapshotMilliseconds: 2, grownMebibytes: 16 };

const folder = mkdtempSync(join(tmpdir(), 'accelmeter-bench-'));
const stub = openMetalStub(folder, library);
rmSync(folder, { recursive: true });
stub.load('apple-silicon');
console.log(`Metal on a stub of macOS, ${process.arch}, node ${process.version}\n`);

const profiler = await createProfiler({ backends: ['metal'], metalLibrary: stub.path, budget: 1 });
const [device] = profiler.devices;
let gpu: MetalDevice | undefined;
const session = await metal.open({
  hostId: 'bench',
  options: { lazy: false, metalLibrary: stub.path },
  addDevice(_, abilities) {
    gpu = abilities?.metal;
    return { deliver() {} };
  },
  removeDevice() {},
});
const service = openMetalService(stub.path);
const ended = service.commandBuffer();
service.run(ended);

const sample = timed(() => session.sample?.());
const observe = timed(() => gpu?.observeCommandBuffer(ended, 'blur'));
row('a sample', sample);
row('a command buffer', observe);
const snapshot = await timedSnapshots();
row('a sample and a snapshot', snapshot);
await profiler.close();

const before = rss();
const from = performance.now();
for (let i = 0; i < Number(samples); i++) {
  session.sample?.();
  gpu?.observeCommandBuffer(ended, 'blur');
}
const seconds = (performance.now() - from) / 1000;
const grown = (rss() - before) / 2 ** 20;
session.close();
service.close();
const held = Object.values(stub.held()).reduce((sum, count) => sum + count, 0);
console.log(`\n${samples} samples, as many command buffers: ${seconds.toFixed(1)} s`);
console.log(`held after: ${held} objects, pools and services; resident memory grew by ${grown.toFixed(1)} MiB\n`);

const reached = [
  [snapshot.p99 < targets.snapshotMilliseconds, `a snapshot under ${targets.snapshotMilliseconds} ms at P99`],
  [held === 0 && grown < targets.grownMebibytes, 'everything given back'],
] as const;
for (const [met, what] of reached) console.log(`${met ? 'reached' : 'MISSED '}  ${what}`);
process.exitCode = reached.every(([met]) => met) ? 0 : 1;

function rss(): number {
  for (let i = 0; i < 4; i++) globalThis.gc?.();
  return process.memoryUsage.rss();
}

interface Cost {
  readonly p50: number;
  readonly p99: number;
}

function timed(call: () => unknown): Cost {
  const taken = new Float64Array(calls);
  for (let i = -calls / 10; i < calls; i++) {
    const start = performance.now();
    call();
    if (i >= 0) taken[i] = performance.now() - start;
  }
  return costOf(taken);
}

async function timedSnapshots(): Promise<Cost> {
  const taken = new Float64Array(calls);
  for (let i = 0; i < calls; i++) {
    const start = performance.now();
    session.sample?.();
    await device?.getProfilingSnapshot();
    taken[i] = performance.now() - start;
  }
  return costOf(taken);
}

function costOf(taken: Float64Array): Cost {
  taken.sort();
  const at = (q: number) => taken[Math.floor(q * taken.length)] as number;
  return { p50: at(0.5), p99: at(0.99) };
}

function row(what: string, { p50, p99 }: Cost): void {
  console.log(`${what.padEnd(24)} P50 ${(p50 * 1000).toFixed(1)} µs   P99 ${(p99 * 1000).toFixed(1)} µs`);
}
