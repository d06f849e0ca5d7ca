/** Baselines in files, as JSON. What is read is checked whole: it comes from somewhere else. */
import { access, constants, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { KernelProfilingStats } from '../profiling-statistics.ts';
import { type Baseline, type BaselineDevice, type BaselineKernel, baselineFormat, hasSamples } from './baseline.ts';
import { BaselineError } from './baseline-error.ts';

/**
 * Writes a baseline, in place of what is there once all of it is written: a full disk leaves the old one. Rejects with a
 * BaselineError `inaccessible` where that cannot be done.
 */
export async function saveBaseline(baseline: Baseline, file: string): Promise<void> {
  try {
    await replace(file, `${JSON.stringify(baseline, null, 2)}\n`);
  } catch (cause) {
    throw new BaselineError('inaccessible', `the baseline could not be written: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Behind a link is the file that is replaced, not the link. A pipe or a terminal has nothing to lose. */
async function replace(file: string, text: string): Promise<void> {
  const target = await realpath(file).catch(() => file);
  const there = await stat(target).catch(() => undefined);
  if (there !== undefined && !there.isFile()) return writeFile(target, text);
  const written = `${target}.${process.pid}.new`;
  try {
    await writeFile(written, text, { ...(there && { mode: there.mode }), flush: true });
    await rename(written, target);
  } catch (error) {
    await rm(written, { force: true });
    throw error;
  }
}

/**
 * Whether a baseline can be saved there. Rejects with a BaselineError `inaccessible` where it cannot be written, or where
 * something else than a baseline would be lost.
 */
export async function checkPlaceFor(file: string): Promise<void> {
  const there = await stat(file).catch(() => undefined);
  if (there !== undefined && !there.isFile() && !there.isDirectory()) return; // a pipe or a terminal
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return '';
    throw unwritable(cause);
  });
  if (text.trim() !== '' && !/"kind": *"accelmeter-baseline"/.test(text.slice(0, 100))) {
    throw new BaselineError('inaccessible', `${file} is there and is no baseline: it is not written over`);
  }
  await access(dirname(there === undefined ? file : await realpath(file)), constants.W_OK).catch((cause) => {
    throw unwritable(cause);
  });
}

function unwritable(cause: Error): BaselineError {
  return new BaselineError('inaccessible', `the baseline could not be written: ${cause.message}`, { cause });
}

/** Reads a baseline. Rejects with a BaselineError: `missing`, `inaccessible`, `malformed`, `version` or `empty`. */
export async function loadBaseline(file: string): Promise<Baseline> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') throw new BaselineError('missing', `there is no baseline at ${file}`, { cause });
    throw new BaselineError('inaccessible', `the baseline could not be read: ${cause.message}`, { cause });
  });
  try {
    return checkBaseline(parse(text));
  } catch (error) {
    if (!(error instanceof BaselineError)) throw error;
    throw new BaselineError(error.code, `${file}: ${error.message}`, { cause: error.cause });
  }
}

function parse(text: string): unknown {
  if (text.trim() === '') throw malformed('the file is empty');
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw malformed(`no JSON, or cut off: ${(cause as Error).message}`, cause);
  }
}

/** Any value as a baseline. Throws a BaselineError `malformed`, `version` or `empty`. */
export function checkBaseline(value: unknown): Baseline {
  const { kind, formatVersion, devices, ...about } = objectAt(value, 'it');
  if (kind !== 'accelmeter-baseline') throw malformed('it is no baseline of accelmeter');
  if (formatVersion !== baselineFormat) {
    const message = `it has format ${JSON.stringify(formatVersion)}, this accelmeter reads ${baselineFormat}: save it anew`;
    throw new BaselineError('version', message);
  }
  const baseline: Baseline = {
    kind,
    formatVersion,
    accelmeterVersion: textAt(about, 'accelmeterVersion'),
    nodeVersion: textAt(about, 'nodeVersion'),
    date: textAt(about, 'date'),
    host: textAt(about, 'host'),
    devices: listAt(devices, 'devices').map(deviceAt),
  };
  if (!baseline.devices.some(hasSamples)) throw new BaselineError('empty', 'no kernel in it has succeeded');
  return baseline;
}

type Fields = Readonly<Record<string, unknown>>;

function deviceAt(value: unknown): BaselineDevice {
  const device = objectAt(value, 'a device');
  return {
    deviceId: textAt(device, 'deviceId'),
    deviceName: textAt(device, 'deviceName'),
    backendType: textAt(device, 'backendType'),
    deviceUtilizationPercent: numberAt(device, 'deviceUtilizationPercent'),
    throughputOpsPerSecond: numberAt(device, 'throughputOpsPerSecond'),
    bandwidthMBps: numberAt(device, 'bandwidthMBps'),
    kernelStats: statisticsAt(objectAt(device.kernelStats, 'kernelStats')),
    kernels: kernelsAt(device),
  };
}

function kernelsAt(device: Fields): readonly BaselineKernel[] {
  const kernels = listAt(device.kernels, 'kernels').map(kernelAt);
  const names = new Set<string>();
  for (const { kernel } of kernels) {
    if (names.has(kernel)) throw malformed(`kernel ${JSON.stringify(kernel)} is in it twice`);
    names.add(kernel);
  }
  return kernels;
}

function kernelAt(value: unknown): BaselineKernel {
  const kernel = objectAt(value, 'a kernel');
  return { kernel: textAt(kernel, 'kernel'), ...statisticsAt(kernel) };
}

function statisticsAt(fields: Fields): KernelProfilingStats {
  return {
    totalExecutions: numberThere(fields, 'totalExecutions'),
    averageExecutionTimeMs: numberAt(fields, 'averageExecutionTimeMs'),
    windowAverageExecutionTimeMs: numberAt(fields, 'windowAverageExecutionTimeMs'),
    minExecutionTimeMs: numberAt(fields, 'minExecutionTimeMs'),
    maxExecutionTimeMs: numberAt(fields, 'maxExecutionTimeMs'),
    medianExecutionTimeMs: numberAt(fields, 'medianExecutionTimeMs'),
    p95ExecutionTimeMs: numberAt(fields, 'p95ExecutionTimeMs'),
    p99ExecutionTimeMs: numberAt(fields, 'p99ExecutionTimeMs'),
    standardDeviationMs: numberAt(fields, 'standardDeviationMs'),
    totalExecutionTimeMs: numberThere(fields, 'totalExecutionTimeMs'),
    failedExecutions: numberThere(fields, 'failedExecutions'),
    successRate: shareThere(fields, 'successRate'),
  };
}

function objectAt(value: unknown, what: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw malformed(`${what} is no object`);
}

function listAt(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw malformed(`${what} is no list`);
}

function textAt(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value === 'string') return value;
  throw malformed(`${name} is no text`);
}

/** JSON has no NaN, but 1e999 is read as infinite. */
function numberAt(fields: Fields, name: string): number | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw malformed(`${name} is ${typeof value === 'number' ? value : JSON.stringify(value)}, which nothing measures`);
}

function numberThere(fields: Fields, name: string): number {
  const value = numberAt(fields, name);
  if (value === undefined) throw malformed(`${name} is missing`);
  return value;
}

function shareThere(fields: Fields, name: string): number {
  const value = numberThere(fields, name);
  if (value <= 1) return value;
  throw malformed(`${name} is ${value}, more than all`);
}

function malformed(message: string, cause?: unknown): BaselineError {
  return new BaselineError('malformed', message, { cause });
}
