/** Runs a CUDA program in a process of its own, traced or not, against a driver and a CUPTI that are stubs or real. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileLibrary } from '../native/compile.ts';
import type { ObservedCuda } from '../programs/observe-cuda.ts';
import { runProgram } from './program-output.ts';

const programs = join(import.meta.dirname, '../programs');

export interface CudaRun<T> {
  readonly code: number | null;
  /** What the program printed: what it knows itself. */
  readonly result: T;
  /** What was seen of it; `undefined` where nobody wrote it. */
  readonly observed: ObservedCuda;
  readonly stderr: string;
  readonly milliseconds: number;
}

export interface CudaOptions {
  /** What the stub of CUPTI does; what comes before an empty line is so from the beginning. */
  readonly scenario?: string;
  readonly traced?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Stubs of the driver and of CUPTI, compiled into a folder. */
export interface Stubs {
  readonly folder: string;
  readonly driver: string;
  readonly cupti: string;
}

export function compileStubs(folder: string): Stubs {
  const driver = compileLibrary('test/stubs/cuda-driver.c', folder);
  return { folder, driver, cupti: compileLibrary('test/stubs/cupti.c', folder) };
}

let runs = 0;

/** A program of test/programs/cuda.mjs. Rejects where it cannot be started, or prints nothing. */
export async function runCuda<T>(stubs: Stubs, program: string, options: CudaOptions = {}): Promise<CudaRun<T>> {
  const { scenario = '', traced = true, environment = {} } = options;
  const number = runs++;
  const observedFile = join(stubs.folder, `observed-${number}.json`);
  const scenarioFile = join(stubs.folder, `scenario-${number}.txt`);
  writeFileSync(scenarioFile, scenario);
  // The program may become another user's.
  chmodSync(stubs.folder, 0o755);
  writeFileSync(observedFile, '');
  chmodSync(observedFile, 0o666);
  const preload = traced ? ['--import', join(programs, 'observe-cuda.ts')] : [];
  const clean = Object.entries(process.env).filter(([name]) => !/^(ACCELMETER|CUDA|STUB|NODE_OPTIONS)/.test(name));
  const env = {
    ...Object.fromEntries(clean),
    OBSERVED: observedFile,
    CUDA_UNDER_TEST: stubs.driver,
    ACCELMETER_CUDA_LIBRARY: stubs.driver,
    ACCELMETER_CUPTI_LIBRARY: stubs.cupti,
    STUB_CUPTI: scenarioFile,
    ...environment,
  };
  const { result, seconds, ...ended } = await runProgram(
    [...preload, join(programs, 'cuda.mjs'), program],
    env,
    30_000,
  );
  const written = readFileSync(observedFile, 'utf8');
  const observed = written === '' ? undefined : JSON.parse(written);
  return { ...ended, result: result as T, observed, milliseconds: seconds * 1000 };
}
