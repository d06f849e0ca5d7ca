/**
 * What NVML answers on a machine, as a scenario of its stub (test/stubs/nvml.c): so a real machine can be had again where
 * none is. UUIDs, serial numbers and the numbers of processes are not in it; the process that asked is "parent".
 */
import { type NvmlAnswer, type NvmlCall, nvmlCalls, nvmlSymbols } from '../../src/backends/cuda/driver.ts';
import { fieldBytes } from '../../src/backends/cuda/fields.ts';
import { beginNvml, programs, runPlan, takeInventory } from '../../src/backends/cuda/inventory.ts';
import { prepare } from '../../src/backends/cuda/preparation.ts';
import { planSample, processFiller } from '../../src/backends/cuda/sampling.ts';
import { startDriverProcess } from '../../src/native/driver-process.ts';

export interface Capture {
  /** A scenario. */
  readonly text: string;
  /** Each call with the seconds that it took, in the order in which they were made. */
  readonly timed: readonly { readonly call: string; readonly seconds: number; readonly code: number }[];
}

/** Asks for everything twice, a moment apart. */
export async function capture(library: string): Promise<Capture> {
  const driver = startDriverProcess();
  driver.keepAlive(true);
  try {
    await driver.open([library], nvmlSymbols);
    const inventory = await takeInventory(driver, await beginNvml(driver));
    const { prepared, answers } = await prepare(driver, inventory, inventory.devices);
    const sample = (turn: 0 | 1, compares: boolean) =>
      runPlan(driver, programs.sample, planSample(prepared, { known: undefined, turn, compares }));
    const first = await sample(0, false);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const second = await sample(1, true);
    const told = [...inventory.answers.all, ...answers.all, ...second.all];
    const lines = [...new Set(told.flatMap(linesOf))];
    return {
      text: `${['nvmlInit_v2@ 0', ...lines].join('\n')}\n`,
      timed: [...inventory.answers.all, ...first.all, ...second.all].map(({ name, key, seconds, code }) => ({
        call: `${nvmlCalls[name].symbols[0]} (${key})`,
        ...{ seconds, code },
      })),
    };
  } finally {
    driver.end();
  }
}

/** Handles, and what a stub does by itself. */
const unkept: readonly NvmlCall[] = [
  ...(['init', 'deviceHandle', 'migHandle', 'eventSet', 'registerEvents', 'serial', 'nextEvent'] as const),
  ...(['gpmAllocate', 'gpmSample', 'gpmMigSample'] as const),
];
/** Of structures with a version: where the answer begins, as the stub writes it. */
const begins: Readonly<Partial<Record<NvmlCall, number>>> = {
  memory: 8,
  temperatureMargin: 4,
  temperatureByStructure: 8,
  gpmSupport: 4,
};
const texts: readonly NvmlCall[] = ['driverVersion', 'nvmlVersion', 'uuid', 'name'];

function linesOf({ name, key, code, output }: NvmlAnswer): string[] {
  if (unkept.includes(name) || code === -1 || code === 3) return [];
  if (name === 'fields') return code === 0 ? fieldLines(key, output) : [];
  if (name === 'gpmMetrics') return code === 0 ? gpmLines(key, output) : [];
  if (name === 'computeProcesses' || name === 'graphicsProcesses')
    return code === 0 ? processLines(name, key, output) : [];
  const symbol = `${nvmlCalls[name].symbols[0]}@${key}`;
  if (code !== 0) return [`${symbol} ${code}`];
  if (texts.includes(name)) return [`${symbol} 0 text:"${name === 'uuid' ? masked(key) : textIn(output)}"`];
  return [`${symbol} 0 hex:${output.subarray(begins[name] ?? 0).toString('hex')}`];
}

const textIn = (bytes: Buffer) => bytes.toString('utf8').replace(/\0.*$/s, '');

/** One for each device, that says which it was. */
function masked(key: string): string {
  const [gpu = 0, instance] = key.split('/').map(Number);
  const number = `${gpu}`.padStart(8, '0');
  return instance === undefined
    ? `GPU-${number}-1111-2222-3333-444444444444`
    : `MIG-${number}-1111-2222-3333-55555555555${instance}`;
}

function fieldLines(key: string, bytes: Buffer): string[] {
  const gpu = key.split(',')[0];
  const lines: string[] = [];
  for (let at = 0; at + fieldBytes <= bytes.length; at += fieldBytes) {
    const code = bytes.readUInt32LE(at + 28);
    const type = ['f64', 'u32', 'u64', 'u64', 'u64', 'i32', 'u32'][bytes.readUInt32LE(at + 24)];
    if (code === 3 || type === undefined) continue;
    const value = {
      f64: bytes.readDoubleLE(at + 32),
      i32: bytes.readInt32LE(at + 32),
      u32: bytes.readUInt32LE(at + 32),
    };
    const told = type === 'u64' ? bytes.readBigUInt64LE(at + 32) : value[type as keyof typeof value];
    lines.push(`field@${gpu},${bytes.readUInt32LE(at)} ${code} ${type}:${told}`);
  }
  return lines;
}

function gpmLines(key: string, bytes: Buffer): string[] {
  const lines: string[] = [];
  for (let at = 24; at + 40 <= bytes.length; at += 40) {
    const [metric, code] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)];
    lines.push(`gpm@${key},${metric} ${code} f64:${code === 0 ? bytes.readDoubleLE(at + 8) : 0}`);
  }
  return lines;
}

/** The entries by the size that was written, each process under another number. */
function processLines(name: NvmlCall, key: string, bytes: Buffer): string[] {
  const count = bytes.readUInt32LE(0);
  if (count === 0) return [];
  let end = bytes.length;
  while (end > 8 && bytes[end - 1] === processFiller) end -= 1;
  const size = (end - 8) / count;
  const entries = Array.from({ length: count }, (_, index) => {
    const at = 8 + index * size;
    const pid = bytes.readUInt32LE(at) === process.pid ? 'parent' : `${10_000 + index}`;
    return `${pid}:${bytes.readBigUInt64LE(at + 8)}`;
  });
  return [`${name === 'graphicsProcesses' ? 'drawing' : 'processes'}@${key} 0 size:${size} ${entries.join(' ')}`];
}
